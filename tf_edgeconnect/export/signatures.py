"""The four signatures of a SavedModel: what each takes, checks and gives.

| signature | inputs | outputs |
|---|---|---|
| `serving_default` | `image` uint8, `mask` uint8 | `inpainted`, `edges` uint8 |
| `predict_edges` | the same | `edges` uint8 |
| `inpaint_with_edges` | and `edges` uint8 | `inpainted` uint8 |
| `serving_bytes` | `image_bytes`, `mask_bytes` string `(B,)` | `inpainted_bytes` |

Photos are `(B, H, W, 3)`, masks and edges `(B, H, W, 1)`, of any batch, height and
width. Masks: white = hole, cut at 50 % grey. `edges`: white = edge; they count inside
the hole only. Strings: see `files.py`.

TF Serving passes whatever a client sends to the graph, so the graph itself refuses:
each check answers INVALID_ARGUMENT with a sentence, and what it guards runs only after
it. A wrong rank that reached a convolution would end the whole server.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tf_edgeconnect.export.files import decode_hole, decode_photo, require_decodable
from tf_edgeconnect.inference.graph import InpaintGraph, traced

_PHOTO, _PLANE = (None, None, None, 3), (None, None, None, 1)
_IMAGE = tf.TensorSpec(_PHOTO, tf.uint8, "image")
_MASK = tf.TensorSpec(_PLANE, tf.uint8, "mask")
_EDGES = tf.TensorSpec(_PLANE, tf.uint8, "edges")
_ONE_PHOTO, _ONE_PLANE = (tf.TensorSpec(s[1:], tf.uint8) for s in (_PHOTO, _PLANE))
_IMAGE_BYTES = tf.TensorSpec([None], tf.string, "image_bytes")
_MASK_BYTES = tf.TensorSpec([None], tf.string, "mask_bytes")
_HALF_GRAY_BYTE = 127  # a mask is a hole above it, see `masking.HALF_GRAY`


def build_signatures(
    graph: InpaintGraph, max_pixels: int, *, one_by_one: bool = False
) -> dict[str, Callable]:
    """Wraps an inference graph for callers that may send anything.

    Args:
        graph: with both networks.
        max_pixels: bound of batch x height x width; in strings, of each picture.
        one_by_one: run the networks on one photo of a batch after the other, which
            takes processors a tenth less time, and the memory of one photo.

    Returns:
        Signature name -> `tf.function` of named tensors, giving a dict of them.
    """
    fill, along, complete = graph.fill, graph.fill_along, graph.completed_edges
    if one_by_one:
        both = _ONE_PHOTO, _ONE_PLANE
        fill, along = _one_by_one(fill, both), _one_by_one(along, both)
        complete = _one_by_one(complete, _ONE_PLANE)
    # One trace of each serves all signatures.
    fill, complete = traced(fill), traced(complete)

    @traced(input_signature=[_IMAGE, _MASK])
    def serving_default(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        inpainted, edges = fill(*_checked(max_pixels, image, mask))
        return {"inpainted": inpainted, "edges": edges}

    @traced(input_signature=[_IMAGE, _MASK])
    def predict_edges(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"edges": complete(*_checked(max_pixels, image, mask))}

    @traced(input_signature=[_IMAGE, _MASK, _EDGES])
    def inpaint_with_edges(
        image: tf.Tensor, mask: tf.Tensor, edges: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        image, mask, edges = _checked(max_pixels, image, mask, edges)
        inpainted, _ = along(image, mask, _not_inverted(edges, mask))
        return {"inpainted": inpainted}

    @traced(input_signature=[_IMAGE_BYTES, _MASK_BYTES])
    def serving_bytes(
        image_bytes: tf.Tensor, mask_bytes: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        image_bytes = _ranked(image_bytes, "image_bytes", [None])
        mask_bytes = _ranked(mask_bytes, "mask_bytes", [None])
        counts = [tf.size(image_bytes), tf.size(mask_bytes)]
        pair = _require(
            tf.equal(*counts),
            "image_bytes and mask_bytes must be as many, got {} and {}",
            counts,
            [image_bytes, mask_bytes],
        )

        def filled(item: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            photo, hole = decode_photo(item[0])[None], decode_hole(item[1])[None]
            return tf.io.encode_png(fill(photo, hole)[0][0])

        return {
            "inpainted_bytes": tf.map_fn(
                filled,
                require_decodable(pair[0], pair[1], max_pixels),
                fn_output_signature=tf.TensorSpec([], tf.string),
                parallel_iterations=1,  # one decoded picture at a time
            )
        }

    functions = serving_default, predict_edges, inpaint_with_edges, serving_bytes
    return {function.__name__: function for function in functions}


def _one_by_one(method: Callable, outputs: Any) -> Callable:
    def run(*batches: tf.Tensor) -> Any:
        return tf.map_fn(
            lambda photo: tf.nest.map_structure(
                lambda batch: batch[0], method(*(part[None] for part in photo))
            ),
            batches,
            fn_output_signature=outputs,
            parallel_iterations=1,
        )

    return run


def _checked(
    max_pixels: int, image: tf.Tensor, mask: tf.Tensor, *edges: tf.Tensor
) -> list[tf.Tensor]:
    """Refuses wrong ranks and sizes; returns the mask as float32, 1 = hole."""
    tensors = [_ranked(image, "image", _PHOTO), _ranked(mask, "mask", _PLANE)]
    tensors += [_ranked(plane, "edges", _PLANE) for plane in edges]
    size = tf.shape(tensors[0])[:3]
    for name, plane in zip(("mask", "edges"), tensors[1:], strict=False):
        own = tf.shape(plane)[:3]
        sentence = (
            f"{name} must have the batch, height and width of image, {{}}, got {{}}"
        )
        tensors = _require(
            tf.reduce_all(tf.equal(size, own)), sentence, [size, own], tensors
        )
    pixels = tf.reduce_prod(tf.cast(tf.shape(tensors[0])[:3], tf.int64))
    sentence = (
        f"image must have 1 to {max_pixels} pixels, batch x height x width, got {{}}"
    )
    within = (pixels > 0) & (pixels <= max_pixels)
    image, mask, *rest = _require(within, sentence, [pixels], tensors)
    sentence = "mask holds 0 and 1 only, expected 0 (known) and 255 (hole)"
    (mask,) = _require(tf.reduce_max(mask) != 1, sentence, [], [mask])
    return [image, tf.cast(mask > _HALF_GRAY_BYTE, tf.float32), *rest]


def _not_inverted(edges: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Refuses edges that are mostly white, unless black all around the hole."""
    white = tf.cast(edges > _HALF_GRAY_BYTE, tf.float32)
    # A part of a photo that is sent alone may be all hole, and full of edges.
    around = tf.reduce_max(white * (1 - mask), axis=(1, 2, 3))
    share = tf.where(around > 0, tf.reduce_mean(white, axis=(1, 2, 3)), 0.0)
    sentence = (
        "edges[{}] is mostly white, so it seems inverted: edges must be white on black"
    )
    within = tf.reduce_max(share) <= 0.5
    return _require(within, sentence, [tf.argmax(share)], [edges])[0]


def _ranked(tensor: tf.Tensor, name: str, shape: Sequence[int | None]) -> tf.Tensor:
    """Refuses another rank or another number of channels.

    The message ends with the name of this operation, which says what is expected.
    """
    words = f"batch_height_width_{shape[-1]}_channels"
    if len(shape) == 1:
        words = "a_list_of_strings"
    return tf.ensure_shape(tensor, shape, name=f"{name}_must_be_{words}")


def _require(
    condition: tf.Tensor,
    sentence: str,
    values: Sequence[tf.Tensor],
    tensors: Sequence[tf.Tensor],
) -> list[tf.Tensor]:
    """Lets tensors pass where a condition holds, else fails with a sentence."""
    message = tf.strings.format(sentence, list(values)) if values else sentence
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return [tf.identity(tensor) for tensor in tensors]
