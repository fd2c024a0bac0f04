import numpy as np

from tf_edgeconnect.losses.inpaint import reconstruction_loss


def test_l1_is_divided_by_the_share_of_the_hole():
    target = np.zeros((1, 2, 2, 3), np.float32)
    predicted = np.full((1, 2, 2, 3), 0.5, np.float32)
    assert float(reconstruction_loss(target, predicted, 0.25)) == 0.5 / 0.25


def test_no_hole_divides_by_the_smallest_hole():
    target = np.zeros((2, 4, 4, 3), np.float32)
    predicted = np.full((2, 4, 4, 3), 0.5, np.float32)
    assert float(reconstruction_loss(target, predicted, 0.0)) == 0.5 * 16
