"""How close a filled photo comes to the true one: L1, PSNR and SSIM.

Enters: true image first, predicted image second, `(B, H, W, C)` in [0, 1]. Leaves: a
figure per image (the functions) or over everything seen (the classes). This is the
`standard` protocol of evaluation; `tf_edgeconnect.metrics.published` is the other. The
`Hole` classes look inside the hole only and pass over images that have none. Masks:
see `tf_edgeconnect.masking`.
"""

import math

import keras
from keras import ops

from tf_edgeconnect.metrics.streaming import SumOverCount, ratio

# Equal images would have infinite PSNR, and one of them would spoil every mean.
PSNR_LIMIT = 100.0

_SSIM_TAPS = 11  # a Gaussian of sigma 1.5, cut off at 3.5 sigma
_SSIM_SIGMA = 1.5


def l1(target, predicted):
    """Mean absolute difference of each image, in percent of the full scale (255).

    Args:
        target: `(B, H, W, C)`, [0, 1].
        predicted: `(B, H, W, C)`, [0, 1].

    Returns:
        `(B,)`, 0 to 100.
    """
    difference = ops.abs(_float64(target) - _float64(predicted))
    return 100 * ops.mean(difference, axis=(1, 2, 3))


def psnr(target, predicted, mask=None):
    """Peak signal-to-noise ratio of each image, for a peak of 1.

    Args:
        target: `(B, H, W, C)`, [0, 1].
        predicted: `(B, H, W, C)`, [0, 1].
        mask: `(B, H, W, 1)`, 1 = pixels that count; all of them by default.

    Returns:
        `(B,)` in dB, at most `PSNR_LIMIT` (reached by equal images); NaN for an image
        of which no pixel counts.
    """
    # float64: a figure of 40 dB in float32 has steps of 4e-6.
    squared = ops.square(_float64(target) - _float64(predicted))
    if mask is None:
        error = ops.mean(squared, axis=(1, 2, 3))
    else:
        mask = _float64(mask)
        weight = ops.sum(mask, axis=(1, 2, 3)) * ops.shape(squared)[-1]
        error = ratio(ops.sum(squared * mask, axis=(1, 2, 3)), weight)
    floor = 10 ** (-PSNR_LIMIT / 10)
    decibels = ops.log(ops.maximum(error, floor)) * (-10 / math.log(10))
    # maximum() takes a NaN on some backends for the floor.
    return ops.where(ops.isnan(error), float("nan"), decibels)


def ssim(target, predicted):
    """Structural similarity of each image, for values in [0, 1].

    A Gaussian window of 11 x 11 pixels and sigma 1.5, only where it fits whole; the
    mean over pixels and channels.

    Args:
        target: `(B, H, W, C)`, [0, 1], H and W at least 11.
        predicted: `(B, H, W, C)`, [0, 1].

    Returns:
        `(B,)`, 1 for equal images.

    Raises:
        ValueError: a side is shorter than the window.

    Reference:
        Wang et al., "Image quality assessment", 2004, eq. 13. Equal to
        `skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, data_range=1, channel_axis=-1)`.
    """
    for side in target.shape[1:3]:
        if side is not None and side < _SSIM_TAPS:
            raise ValueError(
                f"ssim: expected sides of at least {_SSIM_TAPS} pixels, "
                f"got an image of shape {tuple(target.shape[1:])}"
            )
    return mean_similarity(target, predicted, _window_mean)


def mean_similarity(target, predicted, window_mean, sample: float = 1.0):
    """Structural similarity of each image, for a window of one's own.

    Args:
        target: `(B, H, W, C)`, [0, 1].
        predicted: `(B, H, W, C)`, [0, 1].
        window_mean: from `(B, H, W, C)` to the means of all windows.
        sample: factor of variances and covariance.

    Returns:
        `(B,)`, the mean over windows and channels.
    """
    # float64: the variances below are small differences of large means.
    x, y = _float64(target), _float64(predicted)
    mean_x, mean_y = window_mean(x), window_mean(y)
    variance_x = sample * (window_mean(x * x) - mean_x * mean_x)
    variance_y = sample * (window_mean(y * y) - mean_y * mean_y)
    covariance = sample * (window_mean(x * y) - mean_x * mean_y)
    c1, c2 = 0.01**2, 0.03**2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    return ops.cast(ops.mean(similarity, axis=(1, 2, 3)), "float32")


def _window_mean(image):
    """Blurs with SSIM's window, without padding: slices, so float64 runs anywhere."""
    radius = _SSIM_TAPS // 2
    taps = [math.exp(-0.5 * (i / _SSIM_SIGMA) ** 2) for i in range(-radius, radius + 1)]
    taps = [tap / sum(taps) for tap in taps]
    height, width = ops.shape(image)[1] - 2 * radius, ops.shape(image)[2] - 2 * radius
    rows = sum(tap * image[:, i : i + height] for i, tap in enumerate(taps))
    return sum(tap * rows[:, :, i : i + width] for i, tap in enumerate(taps))


@keras.saving.register_keras_serializable("tf_edgeconnect")
class L1(SumOverCount):
    """Mean absolute difference over all values of all images."""

    def __init__(self, name: str = "l1", dtype: str | None = None):
        super().__init__(name, dtype)

    def update_state(self, target, predicted) -> None:
        """Counts one batch of `(B, H, W, C)`, [0, 1]."""
        difference = ops.abs(_float32(target) - _float32(predicted))
        self.add(ops.sum(difference), _size(difference))


@keras.saving.register_keras_serializable("tf_edgeconnect")
class HoleL1(SumOverCount):
    """Mean absolute difference over all values inside the holes."""

    def __init__(self, name: str = "hole_l1", dtype: str | None = None):
        super().__init__(name, dtype)

    def update_state(self, target, predicted, mask) -> None:
        """Counts one batch of `(B, H, W, C)` and its mask `(B, H, W, 1)`."""
        mask = _float32(mask)
        difference = ops.abs(_float32(target) - _float32(predicted)) * mask
        self.add(ops.sum(difference), ops.sum(mask) * ops.shape(difference)[-1])


@keras.saving.register_keras_serializable("tf_edgeconnect")
class Psnr(SumOverCount):
    """Mean over images of the PSNR of the whole image, in dB; see `psnr`."""

    def __init__(self, name: str = "psnr", dtype: str | None = None):
        super().__init__(name, dtype)

    def update_state(self, target, predicted) -> None:
        """Counts one batch of `(B, H, W, C)`, [0, 1]."""
        values = psnr(target, predicted)
        self.add(ops.sum(values), _size(values))


@keras.saving.register_keras_serializable("tf_edgeconnect")
class HolePsnr(SumOverCount):
    """Mean over images with a hole of the PSNR inside it, in dB; see `psnr`."""

    def __init__(self, name: str = "hole_psnr", dtype: str | None = None):
        super().__init__(name, dtype)

    def update_state(self, target, predicted, mask) -> None:
        """Counts one batch of `(B, H, W, C)` and its mask `(B, H, W, 1)`."""
        has_hole = ops.sum(_float32(mask), axis=(1, 2, 3)) > 0
        values = psnr(target, predicted, mask)
        self.add(
            ops.sum(ops.where(has_hole, values, 0.0)),
            ops.sum(ops.cast(has_hole, "float32")),
        )


@keras.saving.register_keras_serializable("tf_edgeconnect")
class Ssim(SumOverCount):
    """Mean over images of the structural similarity; see `ssim`."""

    def __init__(self, name: str = "ssim", dtype: str | None = None):
        super().__init__(name, dtype)

    def update_state(self, target, predicted) -> None:
        """Counts one batch of `(B, H, W, C)`, [0, 1], sides at least 11."""
        values = ssim(target, predicted)
        self.add(ops.sum(values), _size(values))


def _float32(values):
    return ops.cast(values, "float32")


def _float64(values):
    return ops.cast(values, "float64")


def _size(values):
    return ops.prod(ops.cast(ops.shape(values), "float64"))
