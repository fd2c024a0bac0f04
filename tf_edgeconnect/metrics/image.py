"""L1, PSNR and SSIM: the `standard` protocol of evaluation.

Functions take the true and the predicted images, `(B, H, W, C)` in [0, 1], and return
one value per image; classes average over all images seen, or over their holes if given
masks. `tf_edgeconnect.metrics.published` is the other protocol.
"""

import math

import keras
from keras import ops

# Equal images have infinite PSNR, one of which would spoil every mean.
PSNR_LIMIT = 100.0

_SSIM_TAPS = 11  # a Gaussian of sigma 1.5, cut off at 3.5 sigma
_SSIM_SIGMA = 1.5


def ratio(part, whole):
    """Divides `part` by `whole`; NaN, without a warning, where `whole` is 0."""
    return ops.where(whole > 0, part / ops.where(whole > 0, whole, 1), float("nan"))


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
        `(B,)` in dB, at most `PSNR_LIMIT`; NaN for an image with an empty mask.
    """
    # float64: 40 dB in float32 has steps of 4e-6.
    squared = ops.square(_float64(target) - _float64(predicted))
    if mask is None:
        error = ops.mean(squared, axis=(1, 2, 3))
    else:
        mask = _float64(mask)
        weight = ops.sum(mask, axis=(1, 2, 3)) * ops.shape(squared)[-1]
        error = ratio(ops.sum(squared * mask, axis=(1, 2, 3)), weight)
    floor = 10 ** (-PSNR_LIMIT / 10)
    decibels = ops.log(ops.maximum(error, floor)) * (-10 / math.log(10))
    # On some backends maximum() replaces a NaN by the floor.
    return ops.where(ops.isnan(error), float("nan"), decibels)


def ssim(target, predicted):
    """Structural similarity of each image, for values in [0, 1].

    The mean over channels and over all Gaussian windows (11 x 11 pixels, sigma 1.5)
    inside the image.

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
    return mean_similarity(target, predicted, _SSIM_TAPS, _window_mean)


def mean_similarity(target, predicted, side: int, window_mean, sample: float = 1.0):
    """Structural similarity of each image for any window.

    Args:
        target: `(B, H, W, C)`, [0, 1].
        predicted: `(B, H, W, C)`, [0, 1].
        side: of the window, pixels.
        window_mean: `(B, H, W, C)` -> the means of all windows.
        sample: factor of variances and covariance; n / (n - 1) for sample variances.

    Returns:
        `(B,)`, the mean over windows and channels.

    Raises:
        ValueError: a side of the images is shorter than the window.
    """
    if any(length is not None and length < side for length in target.shape[1:3]):
        raise ValueError(
            f"ssim: expected sides of at least {side} pixels, "
            f"got images of shape {tuple(target.shape[1:])}"
        )
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
    """Blurs with SSIM's window without padding; slices support float64 everywhere."""
    radius = _SSIM_TAPS // 2
    taps = [math.exp(-0.5 * (i / _SSIM_SIGMA) ** 2) for i in range(-radius, radius + 1)]
    taps = [tap / sum(taps) for tap in taps]
    height, width = ops.shape(image)[1] - 2 * radius, ops.shape(image)[2] - 2 * radius
    rows = sum(tap * image[:, i : i + height] for i, tap in enumerate(taps))
    return sum(tap * rows[:, :, i : i + width] for i, tap in enumerate(taps))


class SumOverCount(keras.metrics.Metric):
    """A sum divided by a count, both summed over batches and replicas.

    Unlike `keras.metrics.Mean` it keeps float64 sums, which do not stall after 2**24
    pixels, and returns NaN instead of 0 if nothing was counted. The default name is
    that of the class in lower case.
    """

    def __init__(self, name: str | None = None, dtype: str | None = None):
        super().__init__(name=name or type(self).__name__.lower(), dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype="float64", name="total")
        self.count = self.add_variable((), "zeros", dtype="float64", name="count")

    def add(self, total, count) -> None:
        """Adds a batch's sum and count, two scalars."""
        self.total.assign_add(ops.cast(total, "float64"))
        self.count.assign_add(ops.cast(count, "float64"))

    def result(self):
        """Returns the mean of all batches, a scalar."""
        total, count = (ops.convert_to_tensor(v) for v in (self.total, self.count))
        return ops.cast(ratio(total, count), self.dtype)


@keras.saving.register_keras_serializable("tf_edgeconnect")
class L1(SumOverCount):
    """Mean absolute difference of all values, or of those in the holes."""

    def update_state(self, target, predicted, mask=None) -> None:
        """Adds a batch `(B, H, W, C)`, [0, 1]; only its holes if given a mask."""
        target, predicted = (ops.cast(x, "float32") for x in (target, predicted))
        difference = ops.abs(target - predicted)
        if mask is None:
            self.add(ops.sum(difference), _size(difference))
        else:
            mask = ops.cast(mask, "float32")
            count = ops.sum(mask) * ops.shape(difference)[-1]
            self.add(ops.sum(difference * mask), count)


@keras.saving.register_keras_serializable("tf_edgeconnect")
class Psnr(SumOverCount):
    """Mean of `psnr` over images, in dB; inside the holes if given masks."""

    def update_state(self, target, predicted, mask=None) -> None:
        """Adds a batch `(B, H, W, C)`, [0, 1]; images without a hole do not count."""
        values = psnr(target, predicted, mask)
        if mask is None:
            self.add(ops.sum(values), _size(values))
        else:
            has_hole = ops.sum(ops.cast(mask, "float32"), axis=(1, 2, 3)) > 0
            count = ops.sum(ops.cast(has_hole, "float32"))
            self.add(ops.sum(ops.where(has_hole, values, 0.0)), count)


def _float64(values):
    return ops.cast(values, "float64")


def _size(values):
    return ops.prod(ops.cast(ops.shape(values), "float64"))
