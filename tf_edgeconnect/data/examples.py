"""From a position in the stream to one example, in two steps.

`reader` reads the photo at a position, and `replacing` moves on where that fails;
`maker` cuts it, draws its mask and finds its edges. What they make depends on the
position and the seed alone.
"""

from collections.abc import Callable

import tensorflow as tf

from tf_edgeconnect.data.edge_files import EdgeOptions
from tf_edgeconnect.data.images import Crop, crop_resize, square, to_gray
from tf_edgeconnect.data.masks import MaskSampler
from tf_edgeconnect.data.source import (
    Source,
    example_draw,
    example_seeds,
    shuffled_index,
)
from tf_edgeconnect.edges.exact import inference_edges, training_edges

# So many photos in a row that cannot be decoded are no accident but a lost disk.
MAX_ATTEMPTS = 16
IN_A_ROW = " photos in a row cannot be decoded, from position"

Example = dict[str, tf.Tensor]
Read = Callable[..., Example]
ReadEdges = Callable[[tf.Tensor], tf.Tensor]


def reader(
    source: Source, read_edges: ReadEdges | None, seed: int, *, training: bool
) -> Read:
    """Returns a function from a position to `photo`, `position` and `skipped`.

    Its second argument, 0 by default, moves on by so many photos of the same epoch and
    is what `skipped` says (training only). With `read_edges`, a function from a photo's
    index to its edge file's pixels, the dict also has `edge_map`, of the photo's size,
    [0, 255].
    """

    def read(position: tf.Tensor, skipped: tf.Tensor | int = 0) -> Example:
        index = position
        if training:
            index = shuffled_index(position, len(source), seed, skipped)
        photo = {
            "photo": source.read(index),
            "position": position,
            "skipped": tf.cast(skipped, tf.int64),
        }
        if read_edges is not None:
            size = tf.shape(photo["photo"])[:2]
            edges = tf.image.resize(read_edges(index), size, antialias=True)
            photo["edge_map"] = tf.ensure_shape(edges, (None, None, 1))
        return photo

    return read


def replacing(read: Read, count: int) -> Callable[[tf.Tensor], Example]:
    """Returns `read`, moved on to the next of `count` photos until one can be decoded.

    It makes a dataset for each position, which takes as long as decoding a small photo.
    """
    attempts = min(count, MAX_ATTEMPTS)

    def read_first(position: tf.Tensor) -> Example:
        candidates = tf.data.Dataset.range(attempts).map(
            lambda attempt: read(position, attempt)
        )

        def give_up(position: tf.Tensor) -> Example:
            message = [f"{attempts}{IN_A_ROW}", position]
            with tf.control_dependencies([tf.debugging.Assert(False, message)]):
                return {
                    name: tf.zeros(
                        [1 if n is None else n for n in spec.shape], spec.dtype
                    )
                    for name, spec in candidates.element_spec.items()
                }

        none = tf.data.Dataset.from_tensors(position).map(give_up)
        return first_good(candidates, none)

    return read_first


def first_good(tried: tf.data.Dataset, last: tf.data.Dataset) -> Example:
    """The first element of `tried` that can be made, else of `last`, or its error.

    A graph cannot catch an error, but a dataset can drop an element that fails.
    """
    return tried.ignore_errors().concatenate(last).take(1).get_single_element()


def maker(
    draw_mask: MaskSampler,
    edges: EdgeOptions,
    *,
    size: int,
    crop: Crop,
    flip: bool,
    seed: int,
    training: bool,
) -> Callable[[Example], Example]:
    """Returns a function from what `reader` gives to the example of `build_dataset`."""

    def make(photo: Example) -> Example:
        position = photo["position"]
        crop_seed, flip_seed, mask_seed, edge_seed = example_seeds(
            position, seed, 4, training=training
        )
        box = square(tf.shape(photo["photo"]), size, crop, crop_seed)
        flipped = tf.random.stateless_uniform((), flip_seed) < 0.5

        def cut(pixels: tf.Tensor) -> tf.Tensor:
            pixels = crop_resize(pixels, box, size)
            if not flip:
                return pixels
            return tf.cond(flipped, lambda: tf.reverse(pixels, [1]), lambda: pixels)

        def canny(valid: tf.Tensor | None = None) -> tf.Tensor:
            if training:
                return training_edges(gray, edges.sigma, edge_seed, valid)
            return inference_edges(gray, edges.sigma, valid)

        image = cut(photo["photo"])
        gray = to_gray(image)
        mask = tf.cast(draw_mask(mask_seed), tf.float32)
        edge = cut(photo["edge_map"]) if "edge_map" in photo else canny()
        if edges.thin:
            edge *= canny()
        pictures = {"image": image, "gray": gray, "edge": edge, "mask": mask}
        if edges.masked:
            pictures["known_edge"] = canny(1 - mask)
        for name, picture in pictures.items():
            shape = size, size, 3 if name == "image" else 1
            pictures[name] = tf.ensure_shape(picture, shape)
        return pictures | {
            "draw": example_draw(position, seed),
            "position": position,
            "skipped": photo["skipped"],
        }

    return make
