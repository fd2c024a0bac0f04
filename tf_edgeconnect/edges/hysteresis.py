"""Canny's last step: weak edge pixels stay where a line joins them to a strong one.

Works on the list of thin pixels, not on the picture, and merges components instead of
growing edges pixel by pixel. Each weak pixel first follows its least neighbours for a
few steps, which joins most of a line to one pixel; only what connects different ones is
then merged.
"""

import tensorflow as tf

# Each doubles how far a pixel has followed; how many there are changes speed alone.
_JUMPS = 4


def linked(at: tf.Tensor, magnitude: tf.Tensor, high_threshold: float) -> tf.Tensor:
    """Hysteresis: the thin pixels whose 8-connected component reaches the threshold.

    Strong pixels share node 0, weak pixels are nodes from 1 in the order of the list.

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
