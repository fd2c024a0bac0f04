"""Canny against scikit-image's, which is fed the same float32 array."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.ndimage import label
from skimage.feature import canny as skimage_canny

from tf_edgeconnect.edges.exact import (
    canny,
    inference_edges,
    inference_sigma,
    thin,
    training_edges,
)
from tf_edgeconnect.errors import InputError

SIGMAS = (1, 2.0, 3.5)


def _synthetic() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 1, 60)
    rows, columns = np.mgrid[:64, :51]
    disc = (rows - 30) ** 2 + (columns - 22) ** 2 < 300
    box = np.zeros((48, 67))
    box[12:30, 9:50] = 1
    images = {
        "flat": np.full((40, 31), 0.3),
        "ramp along columns": np.tile(ramp, (45, 1)),
        "ramp down rows": np.tile(ramp[::-1, None], (1, 45)),
        "diagonal ramp": np.add.outer(ramp, ramp) / 2,
        "antidiagonal ramp": np.add.outer(ramp, ramp[::-1]) / 2,
        "steep ramp": np.tile(np.linspace(0, 1, 20), (30, 1)),
        "disc": disc * 1.0,
        "box": box,
        "faint box": 0.4 + 0.03 * box,
        "checkers": ((rows // 8 + columns // 8) % 2) * 1.0,
        "noise": rng.random((81, 57)),
        "binary noise": rng.integers(0, 2, (64, 64)) * 1.0,
        "noisy disc": np.clip(0.5 * disc + 0.3 * rng.random(disc.shape), 0, 1),
    }
    for height, width in ((1, 1), (1, 9), (2, 2), (3, 3), (5, 4), (2, 40)):
        images[f"{height}x{width}"] = rng.random((height, width))
    return {name: image.astype(np.float32) for name, image in images.items()}


SYNTHETIC = _synthetic()


@pytest.fixture(scope="module")
def traced():
    """Canny traced once a sigma, with sizes unknown, as in an input pipeline."""
    spec = tf.TensorSpec([None, None, None, 1], tf.float32)

    def trace(sigma):
        plain = tf.function(lambda gray: canny(gray, sigma), input_signature=[spec])
        masked = tf.function(
            lambda gray, valid: canny(gray, sigma, valid), input_signature=[spec, spec]
        )
        return plain, masked

    return {sigma: trace(sigma) for sigma in SIGMAS}


def _known(shape: tuple[int, int], kind: str) -> np.ndarray:
    rng = np.random.default_rng(1)
    if kind == "all":
        return np.ones(shape, np.float32)
    if kind == "none":
        return np.zeros(shape, np.float32)
    if kind == "random":
        return (rng.random(shape) > 0.03).astype(np.float32)
    known = np.ones(shape, np.float32)
    known[shape[0] // 4 : shape[0] // 2, shape[1] // 3 : shape[1] // 3 * 2] = 0
    return known


def _differing(ours: tf.Tensor, oracle: np.ndarray) -> int:
    return int(np.sum(np.asarray(ours).reshape(oracle.shape) != oracle))


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("name", SYNTHETIC)
def test_canny_equals_scikit_image_on_synthetic_images(traced, name, sigma):
    gray = SYNTHETIC[name]
    plain, masked = traced[sigma]
    assert _differing(plain(gray[None, ..., None]), skimage_canny(gray, sigma)) == 0
    for kind in ("all", "none", "random", "block"):
        known = _known(gray.shape, kind)
        ours = masked(gray[None, ..., None], known[None, ..., None])
        oracle = skimage_canny(gray, sigma, mask=known.astype(bool))
        assert _differing(ours, oracle) == 0, kind


def test_all_valid_gives_the_edges_of_no_mask():
    gray = SYNTHETIC["noisy disc"][..., None]
    np.testing.assert_array_equal(canny(gray), canny(gray, valid=np.ones_like(gray)))


def test_values_of_unknown_pixels_do_not_matter():
    gray = SYNTHETIC["noisy disc"][..., None]
    known = _known(gray.shape[:2], "block")[..., None]
    lost = np.where(known > 0, gray, np.nan).astype(np.float32)
    np.testing.assert_array_equal(canny(gray, 2, known), canny(lost, 2, known))


@pytest.mark.parametrize("low, high", [(0.0, 0.0), (0.0, 0.5), (0.3, 0.3), (0.9, 4.0)])
def test_thresholds_mean_what_they_mean_in_scikit_image(low, high):
    for name in ("noise", "flat", "ramp down rows"):
        gray = SYNTHETIC[name]
        ours = canny(gray[..., None], 1.0, low_threshold=low, high_threshold=high)
        oracle = skimage_canny(gray, 1.0, low_threshold=low, high_threshold=high)
        assert _differing(ours, oracle) == 0


def test_a_batch_gives_the_edges_of_each_image():
    rng = np.random.default_rng(2)
    gray = rng.random((3, 33, 46, 1)).astype(np.float32)
    # Lines that end at a border must not link to the next image of the batch.
    gray[0, :, 20:], gray[1, :, :20] = 1, 0
    known = (rng.random(gray.shape) > 0.02).astype(np.float32)
    edges, masked = canny(gray, 1.5), canny(gray, 1.5, known)
    assert edges.shape == gray.shape and edges.dtype == tf.float32
    for index in range(3):
        image, mask = gray[index, ..., 0], known[index, ..., 0].astype(bool)
        assert _differing(edges[index], skimage_canny(image, 1.5)) == 0
        assert _differing(masked[index], skimage_canny(image, 1.5, mask=mask)) == 0


def _snake(size: int = 129, gap: int = 12) -> np.ndarray:
    """One long band of faint contrast that turns to and fro, strong at one end."""
    band = np.zeros((size, size), np.float32)
    width = gap // 2
    for turn, row in enumerate(range(8, size - 8, gap)):
        band[row : row + width, 8:-8] = 0.05
        if row + gap < size - 8:
            column = size - 8 - width if turn % 2 == 0 else 8
            band[row : row + gap, column : column + width] = 0.05
    band[8 : 8 + width, 8:16] = 0.08
    return band


def test_a_long_weak_line_is_followed_to_its_end():
    gray = _snake()
    oracle = skimage_canny(gray, 1.0)
    # One line of 2378 pixels, of which nothing is left without its strong end.
    assert label(oracle, np.ones((3, 3)))[1] == 1 and oracle.sum() > 2000
    assert not skimage_canny(np.minimum(gray, 0.05), 1.0).any()
    assert _differing(canny(gray[..., None], 1.0), oracle) == 0


def test_canny_runs_in_a_dataset_with_images_of_any_size():
    names = ("disc", "noise", "box", "3x3")
    dataset = tf.data.Dataset.from_generator(
        lambda: ((SYNTHETIC[name][..., None]) for name in names),
        output_signature=tf.TensorSpec([None, None, 1], tf.float32),
    ).map(lambda gray: canny(gray, 2.0))
    for name, edges in zip(names, dataset, strict=True):
        assert _differing(edges, skimage_canny(SYNTHETIC[name], 2.0)) == 0


def test_canny_survives_saving(tmp_path):
    module = tf.Module()
    module.edges = tf.function(
        lambda gray: canny(gray),
        input_signature=[tf.TensorSpec([None, None, None, 1], tf.float32)],
    )
    tf.saved_model.save(module, str(tmp_path), signatures=module.edges)
    loaded = tf.saved_model.load(str(tmp_path))
    gray = SYNTHETIC["noisy disc"]
    edges = loaded.edges(tf.constant(gray[None, ..., None]))
    assert _differing(edges, skimage_canny(gray, 2.0)) == 0


def test_canny_equals_scikit_image_on_photos(shared, traced):
    files = sorted((shared / "data" / "photos" / "val").rglob("*.jpg"))[::24][:12]
    assert len(files) == 12
    for file in files:
        photo = Image.open(file).convert("RGB").resize((256, 256), Image.BILINEAR)
        rgb = np.asarray(photo, np.float32) / np.float32(255)
        gray = rgb @ np.array([0.2125, 0.7154, 0.0721], np.float32)
        known = _known(gray.shape, "block")
        for sigma in SIGMAS:
            plain, masked = traced[sigma]
            ours = plain(gray[None, ..., None])
            assert _differing(ours, skimage_canny(gray, sigma)) == 0, file.name
            ours = masked(gray[None, ..., None], known[None, ..., None])
            oracle = skimage_canny(gray, sigma, mask=known > 0)
            assert _differing(ours, oracle) == 0, file.name


def test_thin_keeps_external_edges_on_canny_edges_only():
    gray = SYNTHETIC["disc"][..., None]
    drawn = np.full_like(gray, 0.75)
    np.testing.assert_array_equal(thin(drawn, gray, 1.5), 0.75 * canny(gray, 1.5))


def test_random_sigma_is_a_function_of_the_seed_and_reaches_one_to_four():
    gray = SYNTHETIC["noisy disc"][..., None]
    sigma_of = {
        skimage_canny(gray[..., 0], sigma).tobytes(): sigma for sigma in (1, 2, 3, 4)
    }
    assert len(sigma_of) == 4
    dataset = tf.data.Dataset.range(24).map(
        lambda i: training_edges(gray, 0, tf.stack([tf.cast(i, tf.int32), 5]))
    )
    first, second = (
        [sigma_of[(edges.numpy() > 0).tobytes()] for edges in dataset] for _ in range(2)
    )
    assert first == second and set(first) == {1, 2, 3, 4}


def test_sigma_minus_one_means_no_edges():
    gray = SYNTHETIC["disc"][..., None]
    for edges in (training_edges(gray, -1, [0, 0]), inference_edges(gray, -1)):
        assert edges.shape == gray.shape and not edges.numpy().any()


def test_sigma_zero_means_two_at_inference():
    gray = SYNTHETIC["noisy disc"][..., None]
    assert (inference_sigma(0), inference_sigma(3), inference_sigma(-1)) == (2, 3, -1)
    np.testing.assert_array_equal(inference_edges(gray, 0), canny(gray, 2.0))


@pytest.mark.parametrize(
    "gray, options, message",
    [
        (np.zeros((8, 8), np.float32), {}, "gray must have the shape"),
        (np.zeros((8, 8, 3), np.float32), {}, r"gray must have .* got \(8, 8, 3\)"),
        (np.zeros((8, 8, 1), np.uint8), {}, "gray must be float32 .* got uint8"),
        (np.zeros((8, 8, 1), np.float32), {"sigma": 0}, "sigma must be above 0"),
        (np.zeros((8, 8, 1), np.float32), {"low_threshold": 0.3}, "0.3 and 0.2"),
        (
            np.zeros((8, 8, 1), np.float32),
            {"valid": np.ones((8, 9, 1))},
            "valid must have the shape of gray",
        ),
    ],
)
def test_wrong_arguments_are_named(gray, options, message):
    with pytest.raises(InputError, match=message):
        canny(gray, **options)
