"""Canny's first steps: smooth, take slopes, thin to local maxima of the slope.

Tensors here are float32 `(H, B, W)`: rows first, so that filters along rows slice
without copying. The order of operations is scikit-image's, because its ties are too.
SciPy adds up a filter's products in float64 and rounds the sum to float32; where
neighbours tie (ramps, flat shapes) that last bit decides whether a pixel is an edge, so
its additions are repeated in its order.

Reference: scikit-image 0.26 (BSD-3), `skimage/feature/_canny.py`, `_canny_cy.pyx`.
"""

import numpy as np
import tensorflow as tf

_SOBEL_SMOOTHING = np.array([1.0, 2.0, 1.0])
# An interpolation's last bits may lie below both neighbours.
_ROUNDED_UP = np.float32(1 + 2.0**-20)


def gaussian_kernel(sigma: float) -> np.ndarray:
    """Returns the taps of SciPy's Gaussian of that sigma, in pixels, as float64."""
    radius = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2)
    return kernel / kernel.sum()


def _blur(image: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Separable correlation of `(H, B, W)` with zeros outside, rows first as SciPy."""
    radius = len(kernel) // 2
    for _ in range(2):
        padded = tf.pad(image, [[radius, radius], [0, 0], [0, 0]])
        image = tf.transpose(_correlated(padded, kernel, 0), [2, 1, 0])
    return image


def smooth(image: tf.Tensor, valid: tf.Tensor | None, sigma: float) -> tf.Tensor:
    """Gaussian mean over the valid pixels inside the image.

    Args:
        image: float32 `(H, B, W)`.
        valid: the same shape, {0, 1}; None: all are.
        sigma: pixels, above 0.

    Returns:
        float32 `(H, B, W)`.
    """
    kernel = gaussian_kernel(sigma)
    if valid is None:
        weight = _blurred_ones(tf.shape(image), kernel)
    else:
        image = tf.where(valid > 0, image, 0.0)
        weight = _blur(valid, kernel)
    return _blur(image, kernel) / (weight + np.finfo(np.float32).eps)


def _blurred_ones(shape: tf.Tensor, kernel: np.ndarray) -> tf.Tensor:
    """Blurs ones of `shape` (H, 1, W): all pixels far from a border are alike."""
    radius = len(kernel) // 2
    lengths = [shape[0], shape[2]]
    short = [tf.minimum(length, 2 * radius + 1) for length in lengths]
    small = _blur(tf.ones([short[0], 1, short[1]]), kernel)
    # Columns while there are few rows: whole rows are then cheap to copy.
    for axis, length, kept in zip((2, 0), lengths[::-1], short[::-1], strict=True):
        index = tf.range(length)
        from_end = kept - (length - index)
        index = tf.where(
            index < radius, index, tf.maximum(from_end, tf.minimum(radius, kept - 1))
        )
        small = tf.gather(small, index, axis=axis)
    return small


def sobel(smooth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Slopes along rows (axis 0) and columns (axis 2), border pixels repeated.

    Args:
        smooth: float32 `(H, B, W)`.

    Returns:
        Two float32 `(H, B, W)`, 8 times the slope per pixel.
    """
    slopes = []
    for along, across in ((0, 2), (2, 0)):
        padded = _border_repeated(smooth, along)
        slope = _shifted(padded, 2, 2, along) - _shifted(padded, 0, 2, along)
        padded = _border_repeated(slope, across)
        slopes.append(_correlated(padded, _SOBEL_SMOOTHING, across))
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
        outer = tf.minimum(_shifted(padded, 0, 2, axis), _shifted(padded, 2, 2, axis))
        valid = tf.minimum(valid, outer)
    return valid > 0


def local_maxima(
    row_slope: tf.Tensor,
    column_slope: tf.Tensor,
    magnitude: tf.Tensor,
    candidate: tf.Tensor,
) -> tf.Tensor:
    """Flat positions of the candidates that no interpolated neighbour exceeds.

    Candidates never touch a border, so a flat offset always finds their neighbour.

    Args:
        row_slope: float32 `(H, B, W)`, the slope down the rows.
        column_slope: the same along the columns.
        magnitude: the same, the length of both.
        candidate: bool `(H, B, W)`, False at the borders and where the slope is 0.

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
        kept &= _interpolation_at_most(near_value, far_value, weight, peak)
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
        least = tf.minimum(
            _shifted(padded, 0, 2, across), _shifted(padded, 2, 2, across)
        )
        padded = _border_repeated(tf.minimum(least, magnitude), along)
        sides = _shifted(padded, 0, 2, along), _shifted(padded, 2, 2, along)
        fits.append(tf.maximum(*sides) <= bound)
    by_rows = tf.abs(row_slope) >= tf.abs(column_slope)
    return (by_rows & fits[0]) | (~by_rows & fits[1])


def _shifted(padded: tf.Tensor, start: int, margin: int, axis: int) -> tf.Tensor:
    """The window at `start` of a tensor that is `margin` longer than the window.

    Args:
        padded: any shape, `n + margin` long on `axis`.
        start: 0 to `margin`.
        margin: how much of `axis` lies outside the window.
        axis: 0 to rank - 1.

    Returns:
        `padded` with `n` entries on `axis`.
    """
    window = [slice(None)] * padded.shape.rank
    stop = start - margin
    window[axis] = slice(start, stop if stop else None)
    return padded[tuple(window)]


def _correlated(padded: tf.Tensor, kernel: np.ndarray, axis: int) -> tf.Tensor:
    # Negated terms are subtracted on purpose: TensorFlow's graph optimizer turns chains
    # of additions into one AddN, in an order of its own.
    radius = len(kernel) // 2
    wide = tf.cast(padded, tf.float64)
    total = _shifted(wide, radius, 2 * radius, axis) * kernel[radius]
    for tap in range(radius):
        before = _shifted(wide, tap, 2 * radius, axis)
        after = _shifted(wide, 2 * radius - tap, 2 * radius, axis)
        total -= (before + after) * -kernel[tap]
    return tf.cast(total, tf.float32)


def _interpolation_at_most(
    near: tf.Tensor, far: tf.Tensor, weight: tf.Tensor, bound: tf.Tensor
) -> tf.Tensor:
    # scikit-image's C mixes: float32 product here, float64 product there.
    far_part = tf.cast(far * weight, tf.float64)
    near_part = tf.cast(near, tf.float64) * (1.0 - tf.cast(weight, tf.float64))
    return far_part + near_part <= tf.cast(bound, tf.float64)
