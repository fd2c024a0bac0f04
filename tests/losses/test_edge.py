"""Losses of predicted edges against NumPy."""

import numpy as np
import pytest

from tf_edgeconnect.losses.edge import edge_cross_entropy_loss, feature_matching_loss


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


def test_feature_matching_sums_the_mean_differences_of_all_maps():
    target = [np.zeros((1, 2, 2, 1)), np.ones((1, 1, 1, 2))]
    predicted = [np.full((1, 2, 2, 1), 3.0), np.array([[[[1.0, 0.5]]]])]
    assert float(feature_matching_loss(target, predicted)) == 3.0 + 0.25


def test_feature_lists_of_different_length_are_refused():
    with pytest.raises(ValueError):
        feature_matching_loss([np.zeros(1)], [])
