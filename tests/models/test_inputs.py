import numpy as np

from tf_edgeconnect.models.generators import (
    edge_inputs,
    inpaint_generator,
    inpaint_inputs,
    takes_mask,
)


def pixels(*values):
    return np.array(values, np.float32).reshape(1, 1, len(values), 1)


def test_edge_inputs_are_white_hole_grey_known_edge_and_mask():
    stacked = edge_inputs(pixels(0.2, 0.4), pixels(1, 1), pixels(0, 1))
    assert stacked.shape == (1, 1, 2, 3)
    np.testing.assert_allclose(stacked[0, 0], [[0.2, 1, 0], [1, 0, 1]])


def test_inpaint_inputs_are_white_hole_image_and_whole_edge_map():
    image = np.array([[[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]]], np.float32)
    edge, mask = pixels(0, 0.7), pixels(0, 1)
    stacked = np.array(inpaint_inputs(image, edge, mask))
    np.testing.assert_allclose(stacked[0, 0], [[0.1, 0.2, 0.3, 0], [1, 1, 1, 0.7]])
    with_mask = np.array(inpaint_inputs(image, edge, mask, mask_channel=True))
    np.testing.assert_array_equal(with_mask[..., :4], stacked)
    np.testing.assert_array_equal(with_mask[..., 4:], mask)


def test_takes_mask_is_true_of_a_generator_with_a_mask_channel():
    assert not takes_mask(inpaint_generator(4, 0))
    assert takes_mask(inpaint_generator(4, 0, mask_channel=True))
