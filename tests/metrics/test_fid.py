"""FID: the distance against SciPy, the features against golden ones."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.linalg import sqrtm

from tf_edgeconnect.metrics import fid
from tf_edgeconnect.metrics.fid import FidFeatures, frechet_distance, to_square


def features(count, width, seed, shift=0.0):
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(count, width)) @ rng.normal(size=(width, width))
    return mixed + shift


def by_scipy(a, b):
    """The textbook formula, with a root of the product of the covariances."""
    root = sqrtm(np.cov(a.T) @ np.cov(b.T))
    means = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    return means + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * root.real)


@pytest.mark.parametrize("counts", [(60, 40), (60, 5), (4, 5), (9, 8)])
def test_frechet_distance_equals_scipy(counts):
    # Fewer pictures than features leave a singular covariance, whose root SciPy finds
    # only to half the digits.
    a, b = features(counts[0], 8, 0), features(counts[1], 8, 1, shift=0.5)
    tolerance = 1e-9 if min(counts) > 8 else 1e-5
    assert frechet_distance(a, b) == pytest.approx(by_scipy(a, b), tolerance)


def test_frechet_distance_in_one_dimension_is_that_of_two_normal_distributions():
    a, b = np.array([[0.0], [2.0], [4.0]]), np.array([[9.0], [10.0], [11.0]])
    # Means 2 and 10, deviations 2 and 1: (10 - 2)^2 + (2 - 1)^2.
    assert frechet_distance(a, b) == pytest.approx(65)


def test_frechet_distance_of_a_set_to_itself_is_zero():
    for count in (40, 3):
        a = features(count, 8, 2)
        assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
        assert frechet_distance(a, a) >= 0


def test_frechet_distance_keeps_digits_far_from_the_origin():
    # float32 sums of squares around 1e4 would lose the covariance.
    a, b = features(40, 4, 5), features(40, 4, 6)
    near = frechet_distance(a, b)
    assert frechet_distance(a + 1e4, b + 1e4) == pytest.approx(near, 1e-6)


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 8)), np.zeros(8), np.full((3, 8), np.nan), np.zeros((0, 8))]
)
def test_frechet_distance_refuses_what_has_no_covariance(wrong):
    with pytest.raises(ValueError, match="two pictures or more"):
        frechet_distance(features(3, 8, 7), wrong)


def test_frechet_distance_refuses_features_of_another_width():
    with pytest.raises(ValueError, match=r"8 and 7"):
        frechet_distance(features(3, 8, 7), features(3, 7, 7))


def test_a_picture_is_resized_whole():
    picture = np.zeros((40, 120, 3), "uint8")
    picture[:, :60] = 200
    square = to_square(picture)
    assert square.shape == (299, 299, 3) and square.dtype == np.float32
    np.testing.assert_array_equal(square[:, :140], 200)
    np.testing.assert_array_equal(square[:, 160:], 0)


def test_shrinking_a_picture_averages_it():
    # Lines of one pixel, 4 : 1: without antialiasing they would stay black and white.
    picture = np.zeros((1196, 1196, 3), "uint8")
    picture[:, ::2] = 200
    inner = to_square(picture)[10:-10, 10:-10]
    np.testing.assert_allclose(inner, 100, atol=2)


def test_pictures_of_floats_are_rounded_as_files_are():
    picture = np.random.default_rng(0).integers(0, 256, (30, 20, 3), "uint8")
    np.testing.assert_array_equal(to_square(picture / 255), to_square(picture))


def test_golden_features_of_the_first_photo(shared, monkeypatch):
    monkeypatch.setattr(fid, "BATCH", 2)
    golden = json.loads((shared / "golden" / "perceptual_metrics.json").read_text())
    folder = shared / "data" / "photos" / "train" / "bsds500"
    with Image.open(folder / golden["first_image"]) as image:
        photo = np.asarray(image.convert("RGB"))
    height, width, _ = photo.shape
    side, top, left = min(height, width), (height - width) // 2, (width - height) // 2
    square = photo[max(0, top) :, max(0, left) :][:side, :side]
    network = FidFeatures(shared / "weights" / "inception_fid_2015_fp16.npz")
    found = network([square, photo, square])
    assert found.shape == (3, 2048)
    np.testing.assert_allclose(found[0, :8], golden["feature_mean_first8"], atol=1e-5)
    # Photos of two sizes, and a batch that is not full.
    np.testing.assert_allclose(found[2], found[0], atol=1e-5)
    assert np.abs(found[1] - found[0]).max() > 0.1
    assert network([]).shape == (0, 2048)
