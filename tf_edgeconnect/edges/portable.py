"""Canny in plain float32 operations that phones and ONNX have, close to `exact.py`.

Enters a grey photo, float32 `(B, H, W, 1)` in [0, 1], and where it is known; leaves a
float32 edge map {0, 1}. SciPy adds in float64; where neighbours tie to float32's last
bit, another one of them may be the edge here: on 289 photos with irregular holes, 37 of
815,381 edge pixels (`benchmarks/canny.py`). Training, SavedModels and `canny` take the
exact form.

Reference: Canny, "A computational approach to edge detection", PAMI 8(6), 1986.
    scikit-image 0.26 (BSD-3): `skimage/feature/_canny.py`, `_canny_cy.pyx`.
"""

import numpy as np
import tensorflow as tf

from tf_edgeconnect.edges.exact import NO_EDGES, inference_sigma
from tf_edgeconnect.edges.gradients import gaussian_kernel

_LOW, _HIGH = 0.1, 0.2
_BLOCK = 16  # columns that are convolved at once, as channels: a tenth of the time
_BESIDE = np.ones(3, np.float32)
_STEPS = 4  # dilations between two looks at whether anything has changed


def portable_edges(gray: tf.Tensor, sigma: float, valid: tf.Tensor) -> tf.Tensor:
    """Edges as inference sees them, by the configuration's `edge.sigma`.

    Args:
        gray: float32 `(B, H, W, 1)`, [0, 1].
        sigma: pixels; 0 means 2; -1 means no edges.
        valid: float32 `(B, H, W, 1)`, 1 where the pixel is known, else 0.

    Returns:
        float32 `(B, H, W, 1)`, {0, 1}.
    """
    if sigma == NO_EDGES:
        return tf.zeros_like(gray)
    width = tf.shape(gray)[2]
    known = _blocks(valid)
    kernel = gaussian_kernel(inference_sigma(sigma)).astype(np.float32)
    # Of one axis: tf2onnx 1.17 stumbles over a scalar behind a convolution.
    epsilon = np.full(1, np.finfo(np.float32).eps)
    weight = _correlated(known, kernel) + epsilon
    smooth = _correlated(_blocks(gray * valid), kernel) / weight
    rows, columns = _slopes(_plane(smooth, width))
    slope = tf.sqrt(rows * rows + columns * columns)
    # Known pixels next to an unknown one or to the border are never edges.
    inner = _plane(_correlated(known, _BESIDE), width) > 8.5
    # Comparing takes TFLite longer than arithmetic.
    enough = tf.maximum(_neighbours(slope, rows, columns), _LOW)
    thin = tf.cast(inner & (slope >= enough), tf.float32)
    strong = thin * tf.cast(slope >= _HIGH, tf.float32)
    return _plane(_linked(_blocks(thin), _blocks(strong)), width)


def _blocks(plane: tf.Tensor) -> tf.Tensor:
    """Turns `(B, H, W, 1)` into `(B, H, W / 16, 16)`, zeros behind the last column."""
    shape = tf.shape(plane)
    count = (shape[2] + _BLOCK - 1) // _BLOCK
    if plane.shape[2] is None or plane.shape[2] % _BLOCK:
        beyond = [0, count * _BLOCK - shape[2]]
        plane = tf.pad(plane, [[0, 0], [0, 0], beyond, [0, 0]])
    return tf.reshape(plane, [shape[0], shape[1], count, _BLOCK])


def _plane(blocks: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(blocks)
    return tf.reshape(blocks, [shape[0], shape[1], -1, 1])[:, :, :width]


def _correlated(blocks: tf.Tensor, taps: np.ndarray) -> tf.Tensor:
    """Correlates with `taps` down the rows and along the columns, zeros outside."""
    down = np.tile(taps[:, None, None, None], [1, 1, _BLOCK, 1])
    blocks = tf.nn.depthwise_conv2d(blocks, down, [1] * 4, "SAME")
    radius = len(taps) // 2
    reach = -(-radius // _BLOCK)  # blocks to either side
    along = np.zeros((2 * reach + 1, _BLOCK, _BLOCK), np.float32)
    for column in range(_BLOCK):
        start = reach * _BLOCK + column - radius
        along.reshape(-1, _BLOCK)[start : start + len(taps), column] = taps
    return tf.nn.conv2d(blocks, along[None], 1, "SAME")


def _slopes(smooth: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sobel's slopes down the rows and along the columns, border pixels repeated."""
    smooth = tf.concat([smooth[:, :1], smooth, smooth[:, -1:]], 1)
    smooth = tf.concat([smooth[:, :, :1], smooth, smooth[:, :, -1:]], 2)
    down, right = smooth[:, 2:] - smooth[:, :-2], smooth[:, :, 2:] - smooth[:, :, :-2]
    return (
        down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:],
        right[:, :-2] + 2 * right[:, 1:-1] + right[:, 2:],
    )


def _neighbours(slope: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Slope of the larger neighbour along the gradient, between two pixels each."""
    padded = tf.pad(slope, [[0, 0], [1, 1], [1, 1], [0, 0]])
    height, width = tf.shape(slope)[1], tf.shape(slope)[2]

    def beside(down: int, right: int) -> tf.Tensor:
        return padded[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    steep_rows, steep_columns = tf.abs(rows), tf.abs(columns)
    by_rows = steep_rows >= steep_columns
    same_sign = rows * columns > 0
    weight = tf.minimum(steep_rows, steep_columns)
    weight /= tf.maximum(tf.maximum(steep_rows, steep_columns), 1e-14)
    sides = []
    for side in (1, -1):
        near = tf.where(by_rows, beside(side, 0), beside(0, side))
        far = tf.where(by_rows, beside(side, -side), beside(-side, side))
        far = tf.where(same_sign, beside(side, side), far)
        sides.append(far * weight + near * (1 - weight))
    return tf.maximum(*sides)


def _linked(thin: tf.Tensor, strong: tf.Tensor) -> tf.Tensor:
    """Hysteresis: grows the strong pixels along thin ones until nothing changes."""

    def grow(edges: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        grown = edges
        for _ in range(_STEPS):
            grown = _correlated(grown, _BESIDE) * thin
        grown = tf.minimum(grown, 1)
        return grown, tf.reduce_max(grown - edges) > 0

    return tf.while_loop(lambda _, grown: grown, grow, (strong, tf.constant(True)))[0]
