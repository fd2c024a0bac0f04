"""Irregular masks: strokes and blobs drawn on the fly, with a hole of a wanted size.

The drawing is a field on a coarse grid: the squared distance to the nearest stroke, in
units of that stroke's half width. A level set of the field is the drawing with all its
widths scaled by one factor, so the quantile of the field at the wanted hole ratio is
the level to cut at. Squared, because cubic interpolation to the full size is then exact
next to a stroke, where the distance itself has a crease.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

FIELD_SIZE = 64
MAX_STROKES = 6
STROKE_SEGMENTS = 7
MAX_BLOBS = 3


def stroke_sampler(
    size: int, low: float, high: float
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Returns a function that draws one irregular mask from a seed.

    Args:
        size: side of the mask in pixels.
        low: lowest share of the hole, above 0.
        high: highest share of the hole, below 1; the share is drawn uniformly between
            the two and met within about 0.5 % of the mask.

    Returns:
        A function from an int32 `[2]` seed to a float32 `(size, size, 1)` mask of zeros
        and ones, 1 = hole.
    """
    coarse = min(size, FIELD_SIZE)
    upsample = tf.constant(cubic_matrix(coarse, size))
    draw = drawing(coarse)

    def sample(seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, 4)
        ratio = tf.random.stateless_uniform([], seeds[0], low, high)
        field = draw(seeds[1:], ratio)
        rank = tf.cast(tf.round(ratio * coarse**2), tf.int32)
        rank = tf.clip_by_value(rank, 1, coarse**2 - 1)
        level = tf.raw_ops.NthElement(input=tf.reshape(field, [-1]), n=rank - 1)
        fine = upsample @ tf.matmul(field, upsample, transpose_b=True)
        return tf.cast(fine <= level, tf.float32)[..., None]

    return sample


def drawing(coarse: int) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Returns a function that draws strokes and blobs as a field.

    Args:
        coarse: side of the grid.

    Returns:
        A function from int32 `[3, 2]` seeds and a hole ratio (the larger, the longer
        the strokes) to a float32 `(coarse, coarse)` field; the hole is where it is low.
    """
    grid = (np.arange(coarse, dtype=np.float32) + 0.5) / coarse
    y, x = np.meshgrid(grid, grid, indexing="ij")
    points = tf.constant(np.stack([y.ravel(), x.ravel()], axis=1))

    def draw(seeds: tf.Tensor, ratio: tf.Tensor) -> tf.Tensor:
        strokes = _strokes(seeds[0], scale=0.5 + ratio)
        blobs = _blobs(seeds[1])
        parts = [tf.concat(pair, axis=0) for pair in zip(strokes, blobs, strict=True)]
        field = _field(_warp(points, seeds[2]), *parts)
        return tf.reshape(field, (coarse, coarse))

    return draw


def _strokes(seed: tf.Tensor, scale: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Random polylines: start `(N, 2)`, end `(N, 2)` and half width `(N,)` of segments.

    Lengths are in units of the mask's side; widths count only relative to each other.
    """
    shape = (MAX_STROKES, STROKE_SEGMENTS)
    seeds = tf.unstack(tf.random.split(seed, 6))
    count = tf.random.stateless_uniform([], seeds[0], 1, MAX_STROKES + 1, tf.int32)
    start = tf.random.stateless_uniform((MAX_STROKES, 1, 2), seeds[1], 0.05, 0.95)
    heading = tf.random.stateless_uniform((MAX_STROKES, 1), seeds[2], 0.0, 2 * np.pi)
    turns = tf.random.stateless_normal(shape, seeds[3], stddev=0.8)
    angle = heading + tf.cumsum(turns, axis=1)
    length = scale * tf.random.stateless_uniform(shape, seeds[4], 0.05, 0.3)
    steps = length[..., None] * tf.stack([tf.sin(angle), tf.cos(angle)], axis=-1)
    ends = start + tf.cumsum(steps, axis=1)
    starts = ends - steps
    width = tf.random.stateless_uniform((MAX_STROKES, 1), seeds[5], 0.6, 1.6)
    width = tf.tile(width, (1, STROKE_SEGMENTS))
    return (
        tf.reshape(starts[:count], (-1, 2)),
        tf.reshape(ends[:count], (-1, 2)),
        tf.reshape(width[:count], [-1]),
    )


def _blobs(seed: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Short thick strokes, in the same form as `_strokes`; there may be none."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    count = tf.random.stateless_uniform([], seeds[0], 0, MAX_BLOBS + 1, tf.int32)
    start = tf.random.stateless_uniform((MAX_BLOBS, 2), seeds[1], 0.05, 0.95)
    reach = tf.random.stateless_uniform((MAX_BLOBS, 2), seeds[2], -0.12, 0.12)
    width = tf.random.stateless_uniform((MAX_BLOBS,), seeds[3], 1.5, 4.0)
    return start[:count], (start + reach)[:count], width[:count]


def _warp(points: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Bends the plane by two slow waves and a quick one: no hand draws straight."""
    seeds = tf.unstack(tf.random.split(seed, 3))
    slow = tf.random.stateless_normal((2, 2), seeds[0], stddev=8.0)
    quick = tf.random.stateless_normal((2, 1), seeds[1], stddev=25.0)
    waves = tf.concat([slow, quick], axis=1)
    phase = tf.random.stateless_uniform((2, 3), seeds[2], 0.0, 2 * np.pi)
    amplitude = tf.constant(2 * [0.03, 0.03, 0.008])
    # Both axes side by side: broadcasting along the last of three axes takes long.
    bends = amplitude * tf.sin(
        points @ tf.tile(waves, [1, 2]) + tf.reshape(phase, [-1])
    )
    return points + tf.reduce_sum(tf.reshape(bends, [-1, 2, 3]), axis=-1)


def _field(
    points: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor, widths: tf.Tensor
) -> tf.Tensor:
    """Squared distance of each point to its nearest segment, in half widths: `(P,)`."""
    step = ends - starts
    length = tf.maximum(tf.norm(step, axis=1), 1e-6)
    along = step / length[:, None] / widths[:, None]  # (N, 2)
    across = tf.stack([along[:, 1], -along[:, 0]], axis=1)
    middle = (starts + ends) / 2

    def coordinate(axis: tf.Tensor) -> tf.Tensor:
        # Rows of points: a vector instruction then takes one segment.
        here = tf.matmul(axis, points, transpose_b=True)
        return here - tf.reduce_sum(middle * axis, axis=1, keepdims=True)

    t, s = coordinate(along), coordinate(across)
    beyond = tf.nn.relu(tf.abs(t) - (length / (2 * widths))[:, None])
    return tf.reduce_min(s * s + beyond * beyond, axis=0)


def cubic_matrix(coarse: int, fine: int) -> np.ndarray:
    """Keys' cubic interpolation from `coarse` to `fine` samples, `(fine, coarse)`."""
    position = (np.arange(fine) + 0.5) * coarse / fine - 0.5
    first = np.floor(position).astype(int)
    matrix = np.zeros((fine, coarse), np.float32)
    for tap in range(-1, 3):
        d = np.abs(position - (first + tap))
        near = 1.5 * d**3 - 2.5 * d**2 + 1
        far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        weight = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
        column = np.clip(first + tap, 0, coarse - 1)
        np.add.at(matrix, (np.arange(fine), column), weight)
    return matrix
