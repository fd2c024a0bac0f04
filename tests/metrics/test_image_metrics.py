"""Image metrics against scikit-image and against figures derived by hand."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from tf_edgeconnect.metrics.image import (
    L1,
    PSNR_LIMIT,
    Psnr,
    l1,
    psnr,
    ssim,
)


def photos(seed=0, shape=(3, 21, 17, 3), noise=0.1):
    rng = np.random.default_rng(seed)
    target = rng.random(shape, dtype="float32")
    predicted = np.clip(target + rng.normal(0, noise, shape), 0, 1)
    return target, predicted.astype("float32")


def hole(*sides):
    """A square hole of each given side, in images of 8 x 8."""
    mask = np.zeros((len(sides), 8, 8, 1), "float32")
    for image, side in zip(mask, sides, strict=True):
        image[:side, :side] = 1
    return mask


def after(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


def test_psnr_equals_skimage():
    target, predicted = photos()
    expected = [
        peak_signal_noise_ratio(t.astype("float64"), p, data_range=1)
        for t, p in zip(target, predicted, strict=True)
    ]
    np.testing.assert_allclose(psnr(target, predicted), expected, rtol=0, atol=1e-6)
    assert after(Psnr(), (target, predicted)) == pytest.approx(np.mean(expected), 1e-6)


@pytest.mark.parametrize("shape", [(2, 21, 17, 3), (1, 11, 11, 1), (1, 40, 32, 3)])
def test_ssim_equals_skimage(shape):
    target, predicted = photos(shape=shape)
    np.testing.assert_allclose(
        ssim(target, predicted), skimage_ssim(target, predicted), rtol=0, atol=1e-6
    )


def test_ssim_of_flat_bright_images_equals_skimage():
    target, predicted = photos(shape=(2, 24, 24, 3), noise=0.0)
    target, predicted = 0.9 + 0.002 * target, 0.9 + 0.002 * predicted[::-1]
    np.testing.assert_allclose(
        ssim(target, predicted), skimage_ssim(target, predicted), atol=1e-6
    )


def skimage_ssim(target, predicted):
    return [
        structural_similarity(
            t.astype("float64"),
            p.astype("float64"),
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=-1,
        )
        for t, p in zip(target, predicted, strict=True)
    ]


def test_ssim_refuses_images_smaller_than_its_window():
    with pytest.raises(ValueError, match=r"at least 11 pixels, got .*\(10, 16, 3\)"):
        ssim(np.zeros((1, 10, 16, 3)), np.zeros((1, 10, 16, 3)))


def test_psnr_of_equal_images_is_the_limit():
    target, _ = photos()
    np.testing.assert_allclose(psnr(target, target), PSNR_LIMIT, rtol=1e-6)


def test_l1_of_an_image_is_the_percentage_of_the_full_scale():
    target = np.zeros((2, 4, 4, 3), "float32")
    predicted = target.copy()
    predicted[0] = 51 / 255
    predicted[1, :2, :, 0] = 1  # a sixth of the values
    np.testing.assert_allclose(l1(target, predicted), [20, 100 / 6], rtol=1e-6)


def test_l1_is_the_mean_difference_over_batches_of_any_size():
    zeros = np.zeros((3, 8, 8, 3), "float32")
    batches = [(zeros, zeros + 0.5), (zeros[:1], zeros[:1] + 0.1)]
    assert after(L1(), *batches) == pytest.approx((3 * 0.5 + 0.1) / 4)


def test_hole_l1_weighs_every_pixel_of_a_hole_alike():
    mask = hole(2, 4)  # 4 and 16 pixels
    target = np.zeros((2, 8, 8, 3), "float32")
    predicted = target + np.array([0.5, 0.25], "float32")[:, None, None, None]
    predicted = np.where(mask > 0, predicted, 0.9).astype("float32")
    expected = (4 * 0.5 + 16 * 0.25) / 20
    assert after(L1(), (target, predicted, mask)) == pytest.approx(expected)


def test_hole_psnr_is_the_mean_over_images_inside_the_hole():
    mask = hole(2, 4)
    target = np.zeros((2, 8, 8, 3), "float32")
    predicted = target + np.array([0.1, 0.01], "float32")[:, None, None, None]
    predicted = np.where(mask > 0, predicted, 0.9).astype("float32")
    # MSE 0.01 and 0.0001: 20 dB and 40 dB.
    np.testing.assert_allclose(psnr(target, predicted, mask), [20, 40], atol=1e-4)
    value = after(Psnr(), (target, predicted, mask))
    assert value == pytest.approx(30, abs=1e-4)


def test_hole_metrics_pass_over_images_without_a_hole():
    target, predicted = photos(shape=(2, 8, 8, 3))
    mask, none = hole(3, 0), hole(0, 0)
    for metric in (L1, Psnr):
        alone = after(metric(), (target[:1], predicted[:1], mask[:1]))
        mixed = after(metric(), (target, predicted, mask), (target, predicted, none))
        assert np.isfinite(alone)
        assert mixed == alone


def test_psnr_of_an_image_without_a_hole_is_nan():
    target, predicted = photos(shape=(2, 8, 8, 3))
    values = np.array(psnr(target, predicted, hole(0, 3)))
    assert np.isnan(values[0])
    assert np.isfinite(values[1])


@pytest.mark.parametrize("metric", [L1, Psnr])
def test_figure_is_nan_before_anything_is_measured(metric):
    assert np.isnan(float(metric().result()))


@pytest.mark.parametrize("metric", [L1, Psnr])
def test_prediction_that_is_not_finite_shows(metric):
    target, predicted = photos()
    predicted[0, 10, 10, 0] = np.nan
    assert np.isnan(after(metric(), (target, predicted)))


@pytest.mark.parametrize(("metric", "masked"), [(L1, 0), (Psnr, 0), (L1, 1), (Psnr, 1)])
def test_state_adds_up_over_replicas(metric, masked):
    target, predicted = photos(shape=(3, 16, 16, 3))
    mask = np.zeros((3, 16, 16, 1), "float32")
    mask[:, 2:9] = 1
    rest = (mask,) * masked
    whole, first, second = (metric() for _ in range(3))
    for each, part in ((whole, np.s_[:]), (first, np.s_[:1]), (second, np.s_[1:])):
        each.update_state(*(a[part] for a in (target, predicted, *rest)))
    for w, a, b in zip(whole.variables, first.variables, second.variables, strict=True):
        assert w.aggregation == "sum"
        np.testing.assert_allclose(w.numpy(), a.numpy() + b.numpy(), rtol=1e-6)
