"""Canny's first steps: smooth, take slopes, thin to local maxima of the slope.

Tensors here are float32 `(H, B, W)`: rows first, so that filters along rows slice
without copying. The order of operations is scikit-image's, because its ties are too.

Reference: scikit-image 0.26 (BSD-3), `skimage/feature/_canny.py`, `_canny_cy.pyx`.
"""

import numpy as np
import tensorflow as tf

from tf_edgeconnect.edges.wide_sums import WideSums, shifted

_SOBEL_SMOOTHING = np.array([1.0, 2.0, 1.0])
# An interpolation's last bits may lie below both neighbours.
_ROUNDED_UP = np.float32(1 + 2.0**-20)


def _gaussian_kernel(sigma: float) -> np.ndarray:
    radius = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2)
    return kernel / kernel.sum()


def _blur(image: tf.Tensor, kernel: np.ndarray, sums: WideSums) -> tf.Tensor:
    """Separable correlation of `(H, B, W)` with zeros outside, rows first as SciPy."""
    radius = len(kernel) // 2
    for _ in range(2):
        padded = tf.pad(image, [[radius, radius], [0, 0], [0, 0]])
        image = tf.transpose(sums.correlate(padded, kernel, 0), [2, 1, 0])
    return image


def smooth(
    image: tf.Tensor, valid: tf.Tensor | None, sigma: float, sums: WideSums
) -> tf.Tensor:
    """Gaussian mean over the valid pixels inside the image.

    Args:
        image: float32 `(H, B, W)`.
        valid: the same shape, {0, 1}; None: all are.
        sigma: pixels, above 0.
        sums: how to add up.

    Returns:
        float32 `(H, B, W)`.
    """
    kernel = _gaussian_kernel(sigma)
    if valid is None:
        weight = _blurred_ones(tf.shape(image), kernel, sums)
    else:
        image = tf.where(valid > 0, image, 0.0)
        weight = _blur(valid, kernel, sums)
    return _blur(image, kernel, sums) / (weight + np.finfo(np.float32).eps)


def _blurred_ones(shape: tf.Tensor, kernel: np.ndarray, sums: WideSums) -> tf.Tensor:
    """Blurs ones of `shape` (H, 1, W): all pixels far from a border are alike."""
    radius = len(kernel) // 2
    lengths = [shape[0], shape[2]]
    short = [tf.minimum(length, 2 * radius + 1) for length in lengths]
    small = _blur(tf.ones([short[0], 1, short[1]]), kernel, sums)
    # Columns while there are few rows: whole rows are then cheap to copy.
    for axis, length, kept in zip((2, 0), lengths[::-1], short[::-1], strict=True):
        index = tf.range(length)
        from_end = kept - (length - index)
        index = tf.where(
            index < radius, index, tf.maximum(from_end, tf.minimum(radius, kept - 1))
        )
        small = tf.gather(small, index, axis=axis)
    return small


def sobel(smooth: tf.Tensor, sums: WideSums) -> tuple[tf.Tensor, tf.Tensor]:
    """Slopes along rows (axis 0) and columns (axis 2), border pixels repeated.

    Args:
        smooth: float32 `(H, B, W)`.
        sums: how to add up.

    Returns:
        Two float32 `(H, B, W)`, 8 times the slope per pixel.
    """
    slopes = []
    for along, across in ((0, 2), (2, 0)):
        padded = _border_repeated(smooth, along)
        slope = shifted(padded, 2, 2, along) - shifted(padded, 0, 2, along)
        padded = _border_repeated(slope, across)
        slopes.append(sums.correlate(padded, _SOBEL_SMOOTHING, across))
    return slopes[0], slopes[1]


def _border_repeated(field: tf.Tensor, axis: int) -> tf.Tensor:
    """One more row or column at both ends of axis 0 or 2 (faster than `tf.pad`)."""
    if axis == 0:
        first, last = field[:1], field[-1:]
    else:
        first, last = field[:, :, :1], field[:, :, -1:]
    return tf.concat([first, field, last], axis)


def inside(image: tf.Tensor, valid: tf.Tensor | None) -> tf.Tensor:
    """True where all 3x3 pixels are inside the image and valid."""
    if valid is None:
        rows, columns = (tf.range(tf.shape(image)[axis]) for axis in (0, 2))
        inner_row = (rows > 0) & (rows < tf.shape(image)[0] - 1)
        inner_column = (columns > 0) & (columns < tf.shape(image)[2] - 1)
        return inner_row[:, None, None] & inner_column
    for axis in (0, 2):
        padded = tf.pad(valid, [[int(axis == other)] * 2 for other in range(3)])
        outer = tf.minimum(shifted(padded, 0, 2, axis), shifted(padded, 2, 2, axis))
        valid = tf.minimum(valid, outer)
    return valid > 0


def local_maxima(
    row_slope: tf.Tensor,
    column_slope: tf.Tensor,
    magnitude: tf.Tensor,
    candidate: tf.Tensor,
    sums: WideSums,
) -> tf.Tensor:
    """Flat positions of the candidates that no interpolated neighbour exceeds.

    Candidates never touch a border, so a flat offset always finds their neighbour.

    Args:
        row_slope: float32 `(H, B, W)`, the slope down the rows.
        column_slope: the same along the columns.
        magnitude: the same, the length of both.
        candidate: bool `(H, B, W)`, False at the borders and where the slope is 0.
        sums: how to interpolate.

    Returns:
        int32 `(n,)`, ascending positions in the flattened `(H, B, W)`.
    """
    candidate &= _may_be_maxima(row_slope, column_slope, magnitude)
    at = tf.where(tf.reshape(candidate, [-1]))
    magnitude, row_slope, column_slope = (
        tf.reshape(field, [-1]) for field in (magnitude, row_slope, column_slope)
    )
    down = tf.cast(tf.shape(candidate)[1] * tf.shape(candidate)[2], tf.int64)
    # gather_nd: half the time of gather for single numbers.
    peak, row_slope, column_slope = (
        tf.gather_nd(field, at) for field in (magnitude, row_slope, column_slope)
    )
    steep_rows, steep_columns = tf.abs(row_slope), tf.abs(column_slope)
    # Equal slopes weigh the near neighbour 0, so either near one gives the same.
    by_rows = steep_rows >= steep_columns
    same_sign = (row_slope > 0) == (column_slope > 0)
    weight = tf.minimum(steep_rows, steep_columns) / tf.maximum(
        steep_rows, steep_columns
    )
    one = tf.ones_like(down)
    near = tf.where(by_rows, down, one)[:, None]
    far = tf.where(by_rows, down - one, one - down)
    far = tf.where(same_sign, down + one, far)[:, None]
    kept = tf.ones_like(by_rows)
    for near_at, far_at in ((at + near, at + far), (at - near, at - far)):
        near_value, far_value = (
            tf.gather_nd(magnitude, place) for place in (near_at, far_at)
        )
        kept &= sums.interpolation_at_most(near_value, far_value, weight, peak)
    return tf.cast(tf.gather_nd(at[:, 0], tf.where(kept)), tf.int32)


def _may_be_maxima(
    row_slope: tf.Tensor, column_slope: tf.Tensor, magnitude: tf.Tensor
) -> tf.Tensor:
    """False where both neighbours that an interpolation lies between are larger.

    Looks at all three neighbours of a side, whichever the two are: cheap for a whole
    picture, and two in three of the pixels that are no maxima fall.
    """
    bound = magnitude * _ROUNDED_UP
    fits = []
    for along, across in ((0, 2), (2, 0)):
        padded = _border_repeated(magnitude, across)
        least = tf.minimum(shifted(padded, 0, 2, across), shifted(padded, 2, 2, across))
        padded = _border_repeated(tf.minimum(least, magnitude), along)
        sides = shifted(padded, 0, 2, along), shifted(padded, 2, 2, along)
        fits.append(tf.maximum(*sides) <= bound)
    by_rows = tf.abs(row_slope) >= tf.abs(column_slope)
    return (by_rows & fits[0]) | (~by_rows & fits[1])
