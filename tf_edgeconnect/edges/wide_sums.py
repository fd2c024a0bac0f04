"""Sums wider than float32, rounded to float32 once: what an exact Canny rests on.

Enter float32 tensors, leave float32 tensors (or truth values). SciPy adds up a filter's
products in float64 and rounds the sum to float32; where neighbours tie (ramps, flat
shapes) that last bit decides whether a pixel is an edge. Two ways to the same number:

- `FLOAT64` repeats SciPy's additions in SciPy's order: bit-identical, and fast.
- `FLOAT32_PAIRS` carries every number as an unevaluated sum of two float32 (about 48
  bits), for TFLite, whose builtin kernels add and multiply no float64. Two to three
  times slower; where float64's own last bit breaks a tie the answer may differ
  (measured with masks on synthetic images: 1 pixel in 118 million of all compared).

Sums of three or more terms subtract negated terms on purpose: TensorFlow's graph
optimizer turns chains of additions into one AddN, in an order of its own, and so undoes
both the order and the pairs. It leaves subtractions alone.

Reference: Dekker, "A floating-point technique for extending the available precision",
    Numerische Mathematik 18, 1971; Knuth, TAOCP 2, section 4.2.2 (exact sum);
    scipy/ndimage/src/ni_filters.c, `NI_Correlate1D` (order of additions).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf


class WideSums(NamedTuple):
    """The two operations that need more than float32."""

    correlate: Callable[[tf.Tensor, np.ndarray, int], tf.Tensor]
    interpolation_at_most: Callable[..., tf.Tensor]


def shifted(padded: tf.Tensor, start: int, margin: int, axis: int) -> tf.Tensor:
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


def _correlate_float64(padded: tf.Tensor, kernel: np.ndarray, axis: int) -> tf.Tensor:
    radius = len(kernel) // 2
    wide = tf.cast(padded, tf.float64)
    total = shifted(wide, radius, 2 * radius, axis) * kernel[radius]
    for tap in range(radius):
        before = shifted(wide, tap, 2 * radius, axis)
        after = shifted(wide, 2 * radius - tap, 2 * radius, axis)
        total -= (before + after) * -kernel[tap]
    return tf.cast(total, tf.float32)


def _interpolation_at_most_float64(
    near: tf.Tensor, far: tf.Tensor, weight: tf.Tensor, bound: tf.Tensor
) -> tf.Tensor:
    # scikit-image's C mixes: float32 product here, float64 product there.
    far_part = tf.cast(far * weight, tf.float64)
    near_part = tf.cast(near, tf.float64) * (1.0 - tf.cast(weight, tf.float64))
    return far_part + near_part <= tf.cast(bound, tf.float64)


def _sum_pair(a: tf.Tensor, b: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Float32 sum of two numbers and its exact error (Knuth)."""
    total = a + b
    b_seen = total - a
    return total, (b - b_seen) - ((total - b_seen) - a)


def _halves(value: tf.Tensor | np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Two numbers of 12 bits, whose products are exact: high - low = value (Dekker)."""
    scaled = value * np.float32(4097)
    high = scaled - (scaled - value)
    return high, high - value


def _product_pair(
    a: tf.Tensor, b: tf.Tensor | np.float32
) -> tuple[tf.Tensor, tf.Tensor]:
    """Float32 product of two numbers and its exact error (Dekker)."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    error = (a_high * b_high - product) - a_high * b_low - a_low * b_high
    return product, error - a_low * -b_low


def _correlate_pairs(padded: tf.Tensor, kernel: np.ndarray, axis: int) -> tf.Tensor:
    radius = len(kernel) // 2
    highs = kernel.astype(np.float32)
    lows = (kernel - highs).astype(np.float32)
    total: Any = None
    rest: Any = None
    for tap in [radius, *range(radius)]:
        value = shifted(padded, tap, 2 * radius, axis)
        value_rest = tf.zeros_like(value)
        if tap != radius:
            mirrored = shifted(padded, 2 * radius - tap, 2 * radius, axis)
            value, value_rest = _sum_pair(value, mirrored)
        product, error = _product_pair(value, highs[tap])
        error = error - value * -lows[tap] - value_rest * -highs[tap]
        if total is None:
            total, rest = product, -error
        else:
            total, lost = _sum_pair(total, product)
            rest = rest - lost - error
    return total - rest


def _interpolation_at_most_pairs(
    near: tf.Tensor, far: tf.Tensor, weight: tf.Tensor, bound: tf.Tensor
) -> tf.Tensor:
    share, share_rest = _sum_pair(tf.ones_like(weight), -weight)
    near_part, near_rest = _product_pair(near, share)
    excess, lost = _sum_pair(far * weight, -bound)
    excess, lost_again = _sum_pair(excess, near_part)
    rest = -near * share_rest - near_rest - lost - lost_again
    # Where float64 would round the sum down to the bound, the exact sum is above it.
    return excess <= rest - bound * np.float32(-(2.0**-53))


FLOAT64 = WideSums(_correlate_float64, _interpolation_at_most_float64)
FLOAT32_PAIRS = WideSums(_correlate_pairs, _interpolation_at_most_pairs)
