"""The four signatures of an export: what each takes, checks and gives.

| signature | inputs | outputs |
|---|---|---|
| `serving_default` | `image` uint8, `mask` uint8 | `inpainted`, `edges` uint8 |
| `predict_edges` | the same | `edges` uint8 |
| `inpaint_with_edges` | and `edges` uint8 | `inpainted` uint8 |
| `serving_bytes` | `image_bytes`, `mask_bytes` string `(B,)` | `inpainted_bytes` |

Photos are `(B, H, W, 3)`, masks and edges `(B, H, W, 1)`, of any batch, height and
width. Masks: white = hole, cut at 50 % grey. `edges`: white = line, they count inside
the hole only. Strings `(B,)` are PNG or JPEG files, their sizes may differ within a
batch, and PNG files come back.
"""

from collections.abc import Callable

import tensorflow as tf

from tf_edgeconnect.data.images import decode
from tf_edgeconnect.export.byte_strings import decode_hole, require_decodable
from tf_edgeconnect.export.checks import (
    PHOTO_SHAPE,
    PLANE_SHAPE,
    drawings,
    ensured,
    holes,
    require,
    require_size,
)
from tf_edgeconnect.inference.graph import InpaintGraph, traced

_IMAGE = tf.TensorSpec(PHOTO_SHAPE, tf.uint8, "image")
_MASK = tf.TensorSpec(PLANE_SHAPE, tf.uint8, "mask")
_EDGES = tf.TensorSpec(PLANE_SHAPE, tf.uint8, "edges")
_IMAGE_BYTES = tf.TensorSpec([None], tf.string, "image_bytes")
_MASK_BYTES = tf.TensorSpec([None], tf.string, "mask_bytes")


def build_signatures(graph: InpaintGraph, max_pixels: int) -> dict[str, Callable]:
    """Wraps an inference graph for callers that may send anything.

    Args:
        graph: with both networks.
        max_pixels: bound of batch x height x width; in strings, of each picture.

    Returns:
        Signature name -> `tf.function` of named tensors, giving a dict of them.
    """
    # One trace of each serves all signatures.
    fill, complete = traced(graph.fill), traced(graph.completed_edges)

    @traced(input_signature=[_IMAGE, _MASK])
    def serving_default(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        inpainted, edges = fill(*_checked(image, mask, max_pixels))
        return {"inpainted": inpainted, "edges": edges}

    @traced(input_signature=[_IMAGE, _MASK])
    def predict_edges(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"edges": complete(*_checked(image, mask, max_pixels))}

    @traced(input_signature=[_IMAGE, _MASK, _EDGES])
    def inpaint_with_edges(
        image: tf.Tensor, mask: tf.Tensor, edges: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        image = ensured(image, "image", PHOTO_SHAPE)
        planes = {
            "mask": ensured(mask, "mask", PLANE_SHAPE),
            "edges": ensured(edges, "edges", PLANE_SHAPE),
        }
        image, mask, edges = require_size(image, planes, max_pixels)
        mask = holes(mask)
        inpainted, _ = graph.fill_along(image, mask, drawings(edges, mask))
        return {"inpainted": inpainted}

    @traced(input_signature=[_IMAGE_BYTES, _MASK_BYTES])
    def serving_bytes(
        image_bytes: tf.Tensor, mask_bytes: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        image_bytes = ensured(image_bytes, "image_bytes", [None])
        mask_bytes = ensured(mask_bytes, "mask_bytes", [None])
        counts = [tf.size(image_bytes), tf.size(mask_bytes)]
        sentence = tf.strings.format(
            "image_bytes and mask_bytes must be as many, got {} and {}", counts
        )
        image_bytes, mask_bytes = require(
            tf.equal(*counts), sentence, [image_bytes, mask_bytes]
        )
        pair = require_decodable(image_bytes, mask_bytes, max_pixels)

        def filled(item: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            photo, hole = decode(item[0])[None], decode_hole(item[1])[None]
            return tf.io.encode_png(fill(photo, hole)[0][0])

        return {
            "inpainted_bytes": tf.map_fn(
                filled,
                pair,
                fn_output_signature=tf.TensorSpec([], tf.string),
                parallel_iterations=1,
            )
        }

    return {
        "serving_default": serving_default,
        "predict_edges": predict_edges,
        "inpaint_with_edges": inpaint_with_edges,
        "serving_bytes": serving_bytes,
    }


def _checked(
    image: tf.Tensor, mask: tf.Tensor, max_pixels: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the photos and their float32 mask, 1 = hole."""
    image = ensured(image, "image", PHOTO_SHAPE)
    planes = {"mask": ensured(mask, "mask", PLANE_SHAPE)}
    image, mask = require_size(image, planes, max_pixels)
    return image, holes(mask)
