"""The way from a photo with a hole to a filled one, in TensorFlow operations alone.

uint8 photos `(B, H, W, 3)` and float32 masks `(B, H, W, 1)` of zeros and ones enter, at
any size; uint8 photos and edges of that size leave. Canny sees the unpadded photo with
its known region as `valid`; photo, grey, edges and mask are then padded alike to a size
the networks take, and the results are cropped. Edges leave as `round(255 * edge)`.
"""

import dataclasses
import functools
import itertools
import re
from collections.abc import Callable
from typing import Any, TypeVar

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.images import to_gray
from tf_edgeconnect.edges.exact import inference_edges
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import composite
from tf_edgeconnect.models.generators import edge_inputs, inpaint_inputs, takes_mask

SIZE_MULTIPLE = 4  # two halvings in the encoders
SMALLEST_SIZE = 12  # reflection padding of 2 on a map of a quarter of the size
EAGER_VALUES = 2**23  # of one map of a batch, at full size: all maps then take 1 GB

# What the methods of `InpaintGraph` take: images and masks, and a person's edges.
PAIR = [
    tf.TensorSpec([None, None, None, 3], tf.uint8),
    tf.TensorSpec([None, None, None, 1], tf.float32),
]
EDGES = tf.TensorSpec([None, None, None, 1], tf.uint8)

Result = TypeVar("Result")

# Nothing here branches or loops on a tensor in Python. Rewriting Canny for that case
# would take a third of the time of a trace.
traced = functools.partial(tf.function, autograph=False)


def errors_named(method: Callable[..., Result]) -> Callable[..., Result]:
    """Turns TensorFlow's errors into `MemoryError`, or a check's own sentence."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Result:
        try:
            return method(*args, **kwargs)
        except tf.errors.ResourceExhaustedError:
            raise MemoryError("TensorFlow needs more memory than there is") from None
        except tf.errors.InvalidArgumentError as error:
            # Without the names of operations that stand around it.
            sentence = re.search(r"assertion failed: \[(.*)\]", error.message)
            raise InputError(sentence[1] if sentence else error.message) from None

    return call


def on_arrays(
    method: Callable, signature: list[tf.TensorSpec] = PAIR, filters: int = 64
) -> Callable:
    """Wraps a method of `InpaintGraph` for arrays, with bool masks.

    The second call traces: for a photo alone, a trace costs more than it saves. A large
    photo is traced for at once, since Keras models keep all their maps when eager.

    Args:
        method: of an `InpaintGraph`.
        signature: of what it takes.
        filters: of the networks' maps at full size.
    """
    graph = traced(method, input_signature=signature)
    most = EAGER_VALUES // filters
    calls = itertools.count()

    @errors_named
    def run(images: np.ndarray, masks: np.ndarray, *edges: np.ndarray) -> Any:
        is_first = next(calls) == 0
        call = method if is_first and masks.size <= most else graph
        arrays = images, masks.astype(np.float32), *edges
        found = call(*map(tf.convert_to_tensor, arrays))
        return tf.nest.map_structure(np.array, found)

    return run


@dataclasses.dataclass(frozen=True, eq=False)
class InpaintGraph:
    """Both networks and all between them; each method may be traced or called eagerly.

    Methods take uint8 `images` `(B, H, W, 3)`, a float32 `mask` `(B, H, W, 1)`, 1 =
    hole, and uint8 `edges` `(B, H, W, 1)`, white = edge, and return uint8.

    Attributes:
        edge_generator: draws edges inside the hole; None leaves the hole without any.
        inpaint_generator: paints the hole; None: only the methods that give edges work.
        sigma: of Canny, in pixels; 0 (random at training) means 2, -1 means no edges.
        find_edges: `edges.exact.inference_edges`, or another way to the same edges.
    """

    edge_generator: keras.Model | None
    inpaint_generator: keras.Model | None
    sigma: float = 2.0
    find_edges: Callable[[tf.Tensor, float, tf.Tensor], tf.Tensor] = inference_edges

    def known_edges(self, images: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Canny's edges of the known region, 0 or 255."""
        return _to_bytes(self._known(images, mask)[2])

    def completed_edges(self, images: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Canny's edges where known, the edge generator's inside the hole."""
        _, known, predicted, mask = self._predicted(images, mask)
        return _to_bytes(_crop(composite(predicted, known, mask), images))

    def fill(self, images: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Fills the hole along the completed edges; returns photos and edges."""
        image, known, predicted, mask = self._predicted(images, mask)
        return self._painted(images, image, composite(predicted, known, mask), mask)

    def fill_as_published(
        self, images: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Fills the hole along the raw output of the edge generator.

        The published test script feeds it so, outside the hole too, and cuts colours
        to whole grey levels instead of rounding; its training and the paper use the
        composite of `fill`.

        Args:
            images: uint8 `(B, H, W, 3)`.
            mask: float32 `(B, H, W, 1)`, 1 = hole.

        Returns:
            As `fill`, with the raw edges.
        """
        image, _, predicted, mask = self._predicted(images, mask)
        return self._painted(images, image, predicted, mask, tf.floor)

    def fill_along(
        self, images: tf.Tensor, mask: tf.Tensor, edges: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Fills the hole along a person's edges, which count inside the hole only."""
        image, _, known = self._known(images, mask)
        edge = composite(tf.cast(edges, tf.float32) / 255, known, mask)
        return self._painted(images, pad(image), pad(edge), pad(mask))

    def _known(
        self, images: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        image = tf.cast(images, tf.float32) / 255
        gray = to_gray(image)
        return image, gray, self.find_edges(gray, self.sigma, 1 - mask)

    def _predicted(
        self, images: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Padded photos, known edges, the edge generator's raw output, and mask."""
        image, gray, known = map(pad, self._known(images, mask))
        mask = pad(mask)
        if self.edge_generator is None:
            return image, known, known, mask  # Canny finds none inside the hole
        inputs = edge_inputs(gray, known, mask)
        return image, known, self.edge_generator(inputs, training=False), mask

    def _painted(
        self,
        images: tf.Tensor,
        image: tf.Tensor,
        edge: tf.Tensor,
        mask: tf.Tensor,
        to_levels: Callable[[tf.Tensor], tf.Tensor] = tf.round,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Paints padded photos; known bytes are taken from the photos as given."""
        generator = self.inpaint_generator
        if generator is None:
            raise ValueError("this graph has no inpaint_generator: it only gives edges")
        inputs = inpaint_inputs(image, edge, mask, mask_channel=takes_mask(generator))
        painted = to_levels(255 * _crop(generator(inputs, training=False), images))
        # In float32, which holds every byte: TFLite selects between no uint8.
        known = tf.cast(images, tf.float32)
        filled = tf.where(_crop(mask, images) > 0, painted, known)
        return tf.cast(filled, tf.uint8), _to_bytes(_crop(edge, images))


def pad(tensor: tf.Tensor) -> tf.Tensor:
    """Pads below and right to a size the networks take; a slice crops it again.

    Sides become multiples of 4, at least 12, by reflection, or by repeating the border
    where a side is too short to be reflected that far.

    Args:
        tensor: `(B, H, W, C)`.

    Returns:
        `(B, H', W', C)`.
    """
    for axis in (1, 2):
        length = tensor.shape[axis]
        if length and length % SIZE_MULTIPLE == 0 and length >= SMALLEST_SIZE:
            continue
        tensor = tf.gather(tensor, _padded_index(tf.shape(tensor)[axis]), axis=axis)
    return tensor


def _padded_index(length: tf.Tensor) -> tf.Tensor:
    """Which row (or column) of the unpadded tensor stands at each padded place."""
    target = tf.maximum(
        (length + SIZE_MULTIPLE - 1) // SIZE_MULTIPLE * SIZE_MULTIPLE, SMALLEST_SIZE
    )
    place, last = tf.range(target), length - 1
    reflected = last - tf.abs(place - last)
    return tf.where(target - length <= last, reflected, tf.minimum(place, last))


def _crop(padded: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    return padded[:, :height, :width]


def _to_bytes(unit: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.round(255 * unit), tf.uint8)
