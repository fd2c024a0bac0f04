"""Checks of what is sent to a signature, as operations of the graph.

TF Serving passes whatever a client sends to the graph, so the graph itself must refuse:
each check answers INVALID_ARGUMENT with a sentence, and what it guards runs only after
it. A wrong rank that reached a convolution would end the whole server.
"""

from collections.abc import Sequence

import tensorflow as tf

PHOTO_SHAPE = (None, None, None, 3)
PLANE_SHAPE = (None, None, None, 1)
HALF_GRAY_BYTE = 127  # a mask is a hole above it, see `masking.HALF_GRAY`


def ensured(tensor: tf.Tensor, name: str, shape: Sequence[int | None]) -> tf.Tensor:
    """Refuses another rank or another number of channels.

    Args:
        tensor: as sent.
        name: of the input; the message ends with it and what is expected.
        shape: None where any length will do.

    Returns:
        The tensor.
    """
    words = {1: "a_list_of_strings"}.get(
        len(shape), f"batch_height_width_{shape[-1]}_channels"
    )
    return tf.ensure_shape(tensor, shape, name=f"{name}_must_be_{words}")


def require(
    condition: tf.Tensor, sentence: tf.Tensor, tensors: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Lets tensors pass where a condition holds, else fails with a sentence.

    Args:
        condition: bool scalar.
        sentence: string scalar.
        tensors: what must not be used unless the condition holds.

    Returns:
        The tensors.
    """
    with tf.control_dependencies([tf.debugging.Assert(condition, [sentence])]):
        return [tf.identity(tensor) for tensor in tensors]


def require_size(
    image: tf.Tensor, planes: dict[str, tf.Tensor], max_pixels: int
) -> list[tf.Tensor]:
    """Refuses planes of another size than the photos, no pixels, and too many.

    Args:
        image: uint8 `(B, H, W, 3)`.
        planes: name -> uint8 `(B, H, W, 1)`.
        max_pixels: bound of B x H x W.

    Returns:
        The photos, then the planes in their order.
    """
    tensors = [image, *planes.values()]
    size = tf.shape(image)[:3]
    for name, plane in planes.items():
        own = tf.shape(plane)[:3]
        sentence = tf.strings.format(
            name + " must have the batch, height and width of image, {}, got {}",
            [size, own],
        )
        tensors = require(tf.reduce_all(tf.equal(size, own)), sentence, tensors)
    pixels = tf.reduce_prod(tf.cast(tf.shape(tensors[0])[:3], tf.int64))
    sentence = tf.strings.format(
        "image must have 1 to "
        + f"{max_pixels} pixels, batch x height x width, got {{}}",
        [pixels],
    )
    return require((pixels > 0) & (pixels <= max_pixels), sentence, tensors)


def holes(mask: tf.Tensor) -> tf.Tensor:
    """Turns masks as sent into the project's mask, and refuses zeros and ones.

    Args:
        mask: uint8 `(B, H, W, 1)`, white = hole, not empty.

    Returns:
        float32 `(B, H, W, 1)`, 1 = hole.
    """
    sentence = tf.constant("mask holds 0 and 1 only, expected 0 (known) and 255 (hole)")
    (mask,) = require(tf.reduce_max(mask) != 1, sentence, [mask])
    return tf.cast(mask > HALF_GRAY_BYTE, tf.float32)


def drawings(edges: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Refuses edges that are mostly white, unless they are black all around the hole.

    Args:
        edges: uint8 `(B, H, W, 1)`, white = edge, not empty.
        mask: float32 `(B, H, W, 1)`, 1 = hole.

    Returns:
        The edges.
    """
    white = tf.cast(edges > HALF_GRAY_BYTE, tf.float32)
    # A part of a photo that is sent alone may be all hole, and full of edges.
    around = tf.reduce_max(white * (1 - mask), axis=(1, 2, 3))
    inverted = tf.where(around > 0, tf.reduce_mean(white, axis=(1, 2, 3)), 0.0)
    sentence = tf.strings.format(
        "edges[{}] is mostly white, so it seems inverted: edges must be white on black",
        [tf.argmax(inverted)],
    )
    return require(tf.reduce_max(inverted) <= 0.5, sentence, [edges])[0]
