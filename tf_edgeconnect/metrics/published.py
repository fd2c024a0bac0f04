"""L1, PSNR and SSIM as the published system's script computes them.

Functions take the true and the predicted images, `(B, H, W, 3)` in [0, 1], and return
one value per image. They convert to grey, SSIM has a uniform window of 51 pixels, and
L1 is relative to the brightness of both images, so the values cannot be compared with
those of `tf_edgeconnect.metrics.image`.
"""

from keras import ops

from tf_edgeconnect.metrics import image
from tf_edgeconnect.photos.decoding import GRAY_WEIGHTS

_SSIM_SIDE = 51


def psnr(target, predicted):
    """Peak signal-to-noise ratio of each image in grey, for a peak of 1.

    Args:
        target: `(B, H, W, 3)`, [0, 1].
        predicted: `(B, H, W, 3)`, [0, 1].

    Returns:
        `(B,)` in dB, at most `PSNR_LIMIT` of `tf_edgeconnect.metrics.image` (reached by
        equal images).
    """
    return image.psnr(_gray(target), _gray(predicted))


def ssim(target, predicted):
    """Structural similarity of each image in grey, with a uniform window of 51 x 51.

    Windows lie inside the image; variances are divided by n - 1.

    Args:
        target: `(B, H, W, 3)`, [0, 1], H and W at least 51.
        predicted: `(B, H, W, 3)`, [0, 1].

    Returns:
        `(B,)`, 1 for equal images.

    Raises:
        ValueError: a side is shorter than the window.

    Reference:
        `skimage.metrics.structural_similarity(win_size=51, data_range=1)` of
        `skimage.color.rgb2gray`.
    """
    sample = _SSIM_SIDE**2 / (_SSIM_SIDE**2 - 1)
    return image.mean_similarity(
        _gray(target), _gray(predicted), _SSIM_SIDE, _window_mean, sample
    )


def l1(target, predicted):
    """Sum of absolute differences over the sum of both images, in grey, in percent.

    Args:
        target: `(B, H, W, 3)`, [0, 1].
        predicted: `(B, H, W, 3)`, [0, 1].

    Returns:
        `(B,)`, 0 to 100; NaN where both images are black.
    """
    x, y = _gray(target), _gray(predicted)
    difference = ops.sum(ops.abs(x - y), axis=(1, 2, 3))
    return 100 * image.ratio(difference, ops.sum(x + y, axis=(1, 2, 3)))


def _gray(values):
    weights = ops.cast(GRAY_WEIGHTS, "float64")
    return ops.sum(ops.cast(values, "float64") * weights, axis=-1, keepdims=True)


def _window_mean(gray):
    """Means of all windows, as differences of running sums."""
    side = _SSIM_SIDE
    sums = ops.cumsum(ops.pad(gray, ((0, 0), (1, 0), (0, 0), (0, 0))), axis=1)
    rows = sums[:, side:] - sums[:, :-side]
    sums = ops.cumsum(ops.pad(rows, ((0, 0), (0, 0), (1, 0), (0, 0))), axis=2)
    return (sums[:, :, side:] - sums[:, :, :-side]) / side**2
