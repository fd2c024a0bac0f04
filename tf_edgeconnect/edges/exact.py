"""Edges of a photo: scikit-image's Canny, pixel for pixel, in TensorFlow operations.

Enters a grey photo, float32 `(H, W, 1)` or `(B, H, W, 1)` in [0, 1]; leaves a float32
edge map of the same shape, 1 = edge, 0 = none. `valid` is 1 where a pixel is known (the
opposite of the mask of `tf_edgeconnect.masking`). This module owns what `edge.sigma`
means: above 0 a Canny sigma in pixels, 0 a random one in training, -1 no edges.

Only graph operations with sizes known at run time, so the same code runs in `tf.data`
and a SavedModel; files for phones and ONNX have `portable.py`.

Reference: Canny, "A computational approach to edge detection", PAMI 8(6), 1986.
    scikit-image 0.26 (BSD-3): `skimage/feature/_canny.py`, `_canny_cy.pyx`.
"""

import math

import tensorflow as tf

from tf_edgeconnect.edges.gradients import inside, local_maxima, smooth, sobel
from tf_edgeconnect.errors import InputError

RANDOM_SIGMA = 0
NO_EDGES = -1
INFERENCE_SIGMA = 2.0
RANDOM_SIGMAS = (1.0, 2.0, 3.0, 4.0)
# Of hysteresis: each doubles how far a pixel has followed; changes speed alone.
_JUMPS = 4


def canny(
    gray: tf.Tensor,
    sigma: float = 2.0,
    valid: tf.Tensor | None = None,
    low_threshold: float = 0.1,
    high_threshold: float = 0.2,
) -> tf.Tensor:
    """Canny edges, equal pixel for pixel to `skimage.feature.canny`.

    This holds for the same float32 array, since scikit-image then computes in float32;
    its result for `array.astype("float64")` may differ in single pixels.

    Args:
        gray: float32 `(H, W, 1)` or `(B, H, W, 1)`, [0, 1], finite where valid.
        sigma: width of the Gaussian in pixels, above 0, fixed when traced.
        valid: shape of `gray`, nonzero where the pixel is known; scikit-image's `mask`.
            Known pixels next to an unknown one or to the border are never edges.
        low_threshold: gradient that continues an edge, 0 or more.
        high_threshold: gradient that starts an edge, at least `low_threshold`.

    Returns:
        float32 of the shape of `gray`: 1 on an edge, 0 elsewhere.

    Raises:
        InputError: wrong dtype, rank, channels, sigma or thresholds.

    Reference: Canny 1986; `skimage.feature.canny` of scikit-image 0.26.
    """
    gray = _checked_gray(gray, "gray")
    _check_settings(sigma, low_threshold, high_threshold)
    shape = tf.shape(gray)
    # Rows first, batch second: filters along rows then slice without copying.
    rows_first = [1, 0, 2]
    image = tf.transpose(tf.reshape(gray, [-1, shape[-3], shape[-2]]), rows_first)
    if valid is not None:
        valid = tf.cast(valid, tf.bool)
        _check_same_shape(valid, "valid", gray)
        valid = tf.reshape(valid, [-1, shape[-3], shape[-2]])
        valid = tf.transpose(tf.cast(valid, tf.float32), rows_first)

    blurred = smooth(image, valid, float(sigma))
    row_slope, column_slope = sobel(blurred)
    magnitude = tf.sqrt(row_slope * row_slope + column_slope * column_slope)
    # scikit-image keeps zero gradients out the same way.
    candidate = (magnitude >= (low_threshold or 1e-14)) & inside(image, valid)
    thin_at = local_maxima(row_slope, column_slope, magnitude, candidate)
    edges = linked(thin_at, magnitude, high_threshold)
    edges = tf.reshape(tf.transpose(edges, rows_first), shape)
    return tf.ensure_shape(edges, gray.shape)


def thin(edge: tf.Tensor, gray: tf.Tensor, sigma: float = 2.0) -> tf.Tensor:
    """Keeps the pixels of an external edge map that are Canny edges of the photo.

    Args:
        edge: float32 `(H, W, 1)` or `(B, H, W, 1)`, [0, 1].
        gray: the photo, float32 of the same shape, [0, 1].
        sigma: Canny's sigma in pixels, above 0.

    Returns:
        float32 of the same shape, [0, 1]: the product of both maps.

    Raises:
        InputError: as `canny`.

    Reference: the published configuration's `NMS: 1`.
    """
    edge = _checked_gray(edge, "edge")
    photo_edge = canny(gray, sigma)
    _check_same_shape(edge, "edge", photo_edge)
    return edge * photo_edge


def training_edges(
    gray: tf.Tensor, sigma: float, seed: tf.Tensor, valid: tf.Tensor | None = None
) -> tf.Tensor:
    """Finds the edges for training, by the setting `edge.sigma`.

    Args:
        gray: float32 `(H, W, 1)` or `(B, H, W, 1)`, [0, 1].
        sigma: pixels; 0 draws one of 1, 2, 3, 4 (the same for a whole batch); -1 means
            no edges.
        seed: int32 `(2,)`; the drawn sigma is a pure function of it.
        valid: as in `canny`.

    Returns:
        float32 of the shape of `gray`, {0, 1}.

    Raises:
        InputError: as `canny`.
    """
    if sigma != RANDOM_SIGMA:
        return inference_edges(gray, sigma, valid)
    choice = tf.random.stateless_uniform(
        [], seed, 0, len(RANDOM_SIGMAS), dtype=tf.int32
    )
    gray = _checked_gray(gray, "gray")
    branches = [
        lambda value=value: canny(gray, value, valid) for value in RANDOM_SIGMAS
    ]
    return tf.switch_case(choice, branches)


def inference_sigma(sigma: float) -> float:
    """The sigma that inference uses for the configuration's `edge.sigma`.

    Args:
        sigma: pixels, 0 or -1.

    Returns:
        2.0 for 0 (training drew from 1 to 4), else `sigma` as a float.
    """
    return INFERENCE_SIGMA if sigma == RANDOM_SIGMA else float(sigma)


def inference_edges(
    gray: tf.Tensor,
    sigma: float,
    valid: tf.Tensor | None = None,
) -> tf.Tensor:
    """Finds the edges for inference, by the setting `edge.sigma`.

    Args:
        gray: float32 `(H, W, 1)` or `(B, H, W, 1)`, [0, 1].
        sigma: pixels; 0 means 2; -1 means no edges.
        valid: as in `canny`.

    Returns:
        float32 of the shape of `gray`, {0, 1}.

    Raises:
        InputError: as `canny`.
    """
    if sigma == NO_EDGES:
        return tf.zeros_like(_checked_gray(gray, "gray"))
    return canny(gray, inference_sigma(sigma), valid)


def _checked_gray(gray: tf.Tensor, name: str) -> tf.Tensor:
    gray = tf.convert_to_tensor(gray)
    if gray.dtype != tf.float32:
        raise InputError(f"{name} must be float32 in [0, 1], got {gray.dtype.name}")
    if gray.shape.rank not in (3, 4) or gray.shape[-1] not in (1, None):
        raise InputError(
            f"{name} must have the shape (H, W, 1) or (B, H, W, 1), got {gray.shape}"
        )
    return gray


def _check_same_shape(tensor: tf.Tensor, name: str, gray: tf.Tensor) -> None:
    if not tensor.shape.is_compatible_with(gray.shape):
        raise InputError(
            f"{name} must have the shape of gray, {gray.shape}, got {tensor.shape}"
        )


def _check_settings(sigma: float, low: float, high: float) -> None:
    if not (math.isfinite(sigma) and sigma > 0):
        raise InputError(
            f"sigma must be above 0 pixels, got {sigma}; training_edges and"
            " inference_edges know what 0 and -1 mean"
        )
    if not 0 <= low <= high:
        raise InputError(
            "thresholds must be 0 <= low_threshold <= high_threshold,"
            f" got {low} and {high}"
        )


def linked(at: tf.Tensor, magnitude: tf.Tensor, high_threshold: float) -> tf.Tensor:
    """Hysteresis: the thin pixels whose 8-connected component reaches the threshold.

    Works on the list of thin pixels, not on the picture. Each weak pixel first follows
    its least neighbours for a few steps, which joins most of a line to one pixel; only
    what connects different ones is then merged. Strong pixels share node 0, weak pixels
    are nodes from 1 in the order of the list.

    Args:
        at: int32 `(n,)`, ascending flat positions of thin pixels, none at a border.
        magnitude: float32 `(H, B, W)`, the gradient.
        high_threshold: gradient of a strong pixel.

    Returns:
        float32 `(H, B, W)`, {0, 1}.
    """
    size = tf.size(magnitude)
    down = tf.shape(magnitude)[1] * tf.shape(magnitude)[2]
    strong = tf.gather_nd(tf.reshape(magnitude, [-1]), at[:, None]) >= high_threshold
    strong_at = tf.gather_nd(at, tf.where(strong))
    weak_at = tf.gather_nd(at, tf.where(~strong))
    weak = 1 + tf.range(tf.size(weak_at))
    # 0 nothing here, 1 strong, 2 and above weak.
    at = tf.concat([strong_at, weak_at], 0)[:, None]
    values = tf.concat([tf.ones_like(strong_at), weak + 1], 0)
    place = tf.scatter_nd(at, values, [size])
    steps = [-down - 1, -down, 1 - down, -1, 1, down - 1, down, down + 1]
    around = tf.gather(place, weak_at + tf.stack(steps)[:, None])
    beside_strong = tf.reduce_any(around == 1, axis=0)
    # The other half of the neighbours come later in the list: they name the same pairs.
    before = tf.where(around[:4] > 1, around[:4] - 1, weak)
    least = tf.where(beside_strong, 0, tf.reduce_min(before, axis=0))
    node = tf.concat([[0], least], 0)
    for _ in range(_JUMPS):
        node = tf.gather(node, node)
    # A graph of the pixels that were reached has the components of all pixels.
    own, other = tf.broadcast_to(node[1:], tf.shape(before)), tf.gather(node, before)
    apart = tf.where(own != other)
    own, other = tf.gather_nd(own, apart), tf.gather_nd(other, apart)
    parent = _merged(
        tf.range(tf.size(node)), tf.concat([own, other], 0), tf.concat([other, own], 0)
    )
    linked_at = tf.gather_nd(weak_at, tf.where(tf.gather(parent, node[1:]) == 0))
    edges = tf.scatter_nd(linked_at[:, None], tf.ones_like(linked_at), [size])
    edges = tf.cast(tf.maximum(edges, tf.cast(place == 1, tf.int32)), tf.float32)
    return tf.reshape(edges, tf.shape(magnitude))


def _merged(parent: tf.Tensor, left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """Gives all connected nodes the same least parent, in about log2(nodes) rounds.

    A round offers each neighbour's grandparent to a node's parent, which takes the
    least. Parents only fall and stay within a component, so a round without change
    means that each component has one.

    Args:
        parent: int32 `(n,)`, a node of the same component, at most the node's number.
        left: int32 `(e,)`, one end of each connection; each is listed both ways.
        right: int32 `(e,)`, the other end.

    Returns:
        int32 `(n,)`.

    Reference: Zhang, Azad, Hu, "FastSV: a distributed-memory connected component
        algorithm with fast convergence", SIAM PP 2020.
    """

    def round_of_offers(parent: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        grandparent = tf.gather(parent, parent)
        least = tf.math.unsorted_segment_min(
            tf.gather(grandparent, right), tf.gather(parent, left), tf.size(parent)
        )
        least = tf.minimum(grandparent, least)
        return least, tf.reduce_any(least < parent)

    return tf.while_loop(
        lambda _, changed: changed,
        round_of_offers,
        (parent, tf.size(right) > 0),
        shape_invariants=(tf.TensorShape([None]), tf.TensorShape([])),
    )[0]
