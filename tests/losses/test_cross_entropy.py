import numpy as np

from tf_edgeconnect.losses.edge import edge_cross_entropy_loss


def test_cross_entropy_counts_the_hole_alone_and_edges_threefold():
    target = np.array([[1.0, 0.0], [1.0, 0.0]]).reshape(1, 2, 2, 1)
    predicted = np.array([[0.5, 0.2], [0.1, 0.9]]).reshape(1, 2, 2, 1)
    mask = np.array([[1.0, 1.0], [0.0, 0.0]]).reshape(1, 2, 2, 1)
    loss = edge_cross_entropy_loss(target, predicted, mask, 0.5)
    # Two pixels of hole: a line at 0.5, and none at 0.2.
    expected = -(3 * np.log(0.5) + np.log(0.8)) / 2
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_a_certain_mistake_costs_a_finite_loss():
    one = np.ones((1, 2, 2, 1), np.float32)
    assert np.isfinite(edge_cross_entropy_loss(one, 0 * one, one, 1.0))
    assert edge_cross_entropy_loss(one, 0 * one, 0 * one, 0.0) == 0
