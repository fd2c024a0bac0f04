import numpy as np

from tf_edgeconnect.masking import composite, mask_image


def test_mask_image_paints_the_hole_white_and_keeps_the_rest():
    image = np.array([0.25, 0.5, 0.75], np.float32).reshape(1, 1, 3, 1)
    mask = np.array([0, 1, 0], np.float32).reshape(1, 1, 3, 1)
    assert mask_image(image, mask).ravel().tolist() == [0.25, 1.0, 0.75]


def test_composite_keeps_known_pixels_bit_for_bit():
    rng = np.random.default_rng(0)
    known, predicted = rng.random((2, 2, 9, 7, 3), np.float32)
    mask = (rng.random((2, 9, 7, 1)) < 0.5).astype(np.float32)
    result = composite(predicted, known, mask)
    hole = np.broadcast_to(mask == 1, known.shape)
    assert np.array_equal(result[~hole], known[~hole])
    assert np.array_equal(result[hole], predicted[hole])
