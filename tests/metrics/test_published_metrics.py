"""The published protocol against scikit-image, called as the published script does."""

import numpy as np
import pytest
from skimage.color import rgb2gray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tf_edgeconnect.metrics import published


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(0)
    target = rng.random((3, 64, 71, 3))
    predicted = np.clip(target + rng.normal(0, 0.1, target.shape), 0, 1)
    return target, predicted


def by_skimage(measure, target, predicted):
    return [
        measure(rgb2gray(t), rgb2gray(p), data_range=1)
        for t, p in zip(target, predicted, strict=True)
    ]


def test_psnr_equals_skimage_on_grey(pair):
    expected = by_skimage(peak_signal_noise_ratio, *pair)
    np.testing.assert_allclose(published.psnr(*pair), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("low", [0, 0.99])
def test_ssim_equals_skimage_on_grey_with_window_51(pair, low):
    target, predicted = (low + (1 - low) * each for each in pair)
    expected = by_skimage(
        lambda t, p, data_range: structural_similarity(
            t, p, win_size=51, data_range=data_range
        ),
        target,
        predicted,
    )
    np.testing.assert_allclose(
        published.ssim(target, predicted), expected, rtol=0, atol=1e-6
    )


def test_l1_divides_by_the_sum_of_both_grey_images():
    target = np.zeros((2, 2, 2, 3))
    target[:] = 0.75
    predicted = np.full((2, 2, 2, 3), 0.25)
    predicted[1, 0] = 0.75  # half the pixels are right
    # |0.75 - 0.25| / (0.75 + 0.25), then half of 0.5 over half of 1 and of 1.5.
    np.testing.assert_allclose(published.l1(target, predicted), [50, 25 / 1.25])


def test_l1_weighs_colours_as_grey_does():
    target, predicted = np.zeros((2, 1, 2, 2, 3))
    target[..., 0], predicted[..., 2] = 1, 1
    expected = 100 * (0.2125 - 0.0721) / (0.2125 + 0.0721)
    np.testing.assert_allclose(published.l1(target, predicted), [expected])


def test_l1_of_two_black_images_is_nan():
    black = np.zeros((1, 2, 2, 3))
    assert np.isnan(published.l1(black, black)[0])


def test_ssim_refuses_images_smaller_than_its_window():
    small = np.zeros((1, 50, 64, 3))
    with pytest.raises(ValueError, match=r"at least 51 pixels, got .*\(50, 64, 1\)"):
        published.ssim(small, small)
