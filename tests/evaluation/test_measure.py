"""The figures of one picture: against scikit-image, and whole against bands."""

import numpy as np
import pytest
from skimage.color import rgb2gray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tf_edgeconnect.evaluation import measure as module
from tf_edgeconnect.evaluation.measure import FeatureCache, edge_histogram, measure

RNG = np.random.default_rng(6)
TARGET = RNG.integers(0, 256, (90, 60, 3), np.uint8)
PREDICTED = TARGET.copy()
PREDICTED[20:50, 10:40] = 90


def test_the_standard_protocol_is_scikit_images_in_rgb():
    found = measure(TARGET, PREDICTED, "standard")
    a, b = TARGET / 255, PREDICTED / 255
    assert found["l1"] == pytest.approx(100 * np.abs(a - b).mean(), abs=1e-6)
    expected = peak_signal_noise_ratio(a, b, data_range=1)
    assert found["psnr"] == pytest.approx(expected, abs=1e-6)
    options = {"gaussian_weights": True, "use_sample_covariance": False}
    expected = structural_similarity(a, b, channel_axis=-1, data_range=1, **options)
    assert found["ssim"] == pytest.approx(expected, abs=1e-6)
    assert found["lpips"] is None


def test_the_edgeconnect_protocol_is_scikit_images_in_gray():
    found = measure(TARGET, PREDICTED, "edgeconnect")
    a, b = rgb2gray(TARGET), rgb2gray(PREDICTED)
    expected = 100 * np.abs(a - b).sum() / (a + b).sum()
    assert found["l1"] == pytest.approx(expected, abs=1e-6)
    expected = peak_signal_noise_ratio(a, b, data_range=1)
    assert found["psnr"] == pytest.approx(expected, abs=1e-6)
    expected = structural_similarity(a, b, win_size=51, data_range=1)
    assert found["ssim"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("protocol", ["standard", "edgeconnect"])
def test_bands_give_the_figures_of_the_whole(protocol, monkeypatch):
    target, predicted = TARGET.copy(), PREDICTED.copy()
    target[:5] = predicted[:5] = 0  # a black band has no relative L1 of its own
    whole = measure(target, predicted, protocol)
    rows = 30 if protocol == "standard" else 53
    monkeypatch.setattr(module, "BAND_PIXELS", rows * 60)
    assert measure(target, predicted, protocol) == pytest.approx(whole, abs=1e-6)


def test_equal_pictures_have_the_highest_figures():
    found = measure(TARGET, TARGET, "standard")
    assert found["l1"] == 0
    assert (found["psnr"], found["ssim"]) == pytest.approx((100, 1))


def test_lpips_is_left_out_where_it_cannot_see_or_memory_ends(monkeypatch):
    def lpips(target, predicted):
        assert target.shape == (1, 90, 60, 3) and target.max() <= 1
        return np.array([0.25])

    assert measure(TARGET, PREDICTED, "standard", lpips)["lpips"] == 0.25
    small = measure(TARGET[:30], PREDICTED[:30], "standard", lpips)
    assert small["lpips"] is None
    monkeypatch.setattr(module, "LPIPS_MAX_PIXELS", 90 * 60 - 1)
    assert measure(TARGET, PREDICTED, "standard", lpips)["lpips"] is None


def test_edges_are_counted_inside_the_hole_by_their_strength():
    hole = np.array([[1, 1, 1, 1, 1, 0]], bool)
    edges = np.array([[255, 128, 127, 0, 200, 255]], np.uint8)
    true = np.array([[255, 0, 255, 255, 255, 0]], np.uint8)
    negatives, positives = edge_histogram(edges, true, hole)
    assert {value: n for value, n in enumerate(negatives) if n} == {128: 1}
    assert {v: n for v, n in enumerate(positives) if n} == {
        0: 1,
        127: 1,
        200: 1,
        255: 1,
    }
    assert len(negatives) == len(positives) == 256


def test_features_are_kept_by_what_is_in_the_pictures(tmp_path, monkeypatch):
    calls = []

    def network(weights):
        def compute(pictures):
            calls.append((weights, len(pictures)))
            return np.array([[p.mean()] for p in pictures], np.float32)

        return compute

    monkeypatch.setattr(module, "FidFeatures", network)
    pictures = [np.full((2, 2, 3), value, np.uint8) for value in (3, 5)]
    cache = FeatureCache(tmp_path, "weights", "ab" * 32)
    np.testing.assert_array_equal(cache(pictures), [[3], [5]])
    again = FeatureCache(tmp_path, "weights", "ab" * 32)
    np.testing.assert_array_equal(again(iter(pictures)), [[3], [5]])
    assert calls == [("weights", 2)]
    np.testing.assert_array_equal(again(pictures[::-1]), [[5], [3]])
    FeatureCache(tmp_path, "others", "cd" * 32)(pictures)
    assert calls[1:] == [("weights", 2), ("others", 2)]
