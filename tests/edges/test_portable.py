"""The portable Canny against scikit-image's, which is fed the same float32 array."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage.feature import canny as skimage_canny

from tf_edgeconnect.edges.portable import portable_edges

RNG = np.random.default_rng(0)
ROWS, COLUMNS = np.mgrid[:64, :53]
IMAGES = {
    "disc": (ROWS - 30) ** 2 + (COLUMNS - 22) ** 2 < 300,
    "noise": RNG.random((48, 96)),
    "flat": np.full((40, 31), 0.3),
    "1x1": RNG.random((1, 1)),
    "1x17": RNG.random((1, 17)),
    "5x4": RNG.random((5, 4)),
}


def edges_of(gray, sigma, known=None):
    """Edges in a graph whose sizes are not known, as ONNX has them."""
    known = np.ones_like(gray, bool) if known is None else known
    spec = tf.TensorSpec([None, None, None, 1], tf.float32)
    function = tf.function(
        lambda gray, valid: portable_edges(gray, sigma, valid),
        input_signature=[spec, spec],
    )
    planes = (plane[None, ..., None].astype(np.float32) for plane in (gray, known))
    return function(*planes).numpy()[0, ..., 0] > 0


def hole_in(shape):
    known = np.ones(shape, bool)
    known[shape[0] // 4 : shape[0] // 2, shape[1] // 3 : shape[1] // 3 * 2] = False
    return known


@pytest.mark.parametrize("sigma", [1, 2.0, 4.5])
@pytest.mark.parametrize("name", IMAGES)
def test_images_without_ties_have_scikit_images_edges(name, sigma):
    gray = IMAGES[name].astype(np.float32)
    np.testing.assert_array_equal(edges_of(gray, sigma), skimage_canny(gray, sigma))
    known = hole_in(gray.shape)
    oracle = skimage_canny(gray, sigma, mask=known)
    np.testing.assert_array_equal(edges_of(gray, sigma, known), oracle)


def test_each_photo_of_a_batch_has_its_own_edges():
    gray = RNG.random((2, 40, 32, 1)).astype(np.float32)
    both = portable_edges(gray, 1.0, np.ones_like(gray)).numpy()
    for index in range(2):
        oracle = skimage_canny(gray[index, ..., 0], 1.0)
        np.testing.assert_array_equal(both[index, ..., 0] > 0, oracle)


def test_a_line_is_followed_to_its_end():
    # One strong end and hundreds of weak pixels: more rounds than one.
    gray = np.zeros((40, 400), np.float32)
    gray[20:] = np.linspace(0.5, 0.13, 400)
    edges = edges_of(gray, 1.0)
    np.testing.assert_array_equal(edges, skimage_canny(gray, 1.0))
    assert edges.any(0).sum() > 300


def test_sigma_zero_means_two_and_minus_one_none():
    gray = IMAGES["noise"].astype(np.float32)
    np.testing.assert_array_equal(edges_of(gray, 0), edges_of(gray, 2.0))
    assert not edges_of(gray, -1).any()


def test_photos_differ_in_single_pixels_at_most(shared):
    files = sorted((shared / "data" / "photos" / "val").rglob("*.jpg"))[::24][:12]
    assert len(files) == 12
    differing = total = 0
    for file in files:
        photo = Image.open(file).convert("RGB").resize((256, 256), Image.BILINEAR)
        rgb = np.asarray(photo, np.float32) / np.float32(255)
        gray = rgb @ np.array([0.2125, 0.7154, 0.0721], np.float32)
        known = hole_in(gray.shape)
        oracle = skimage_canny(gray, 2.0, mask=known)
        differing += int(np.sum(edges_of(gray, 2.0, known) != oracle))
        total += int(oracle.sum())
    assert differing <= total / 10_000
