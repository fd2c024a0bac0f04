"""The stream of training and validation batches.

Enters: a source of photos. Leaves: a `tf.data.Dataset` of dicts in the conventions of
`tf_edgeconnect.masking`. All of it is TensorFlow ops on constants, so it also runs in
the tf.data service.

The stream is endless in training, and what stands at a position depends on the position
and the seed alone (`tf_edgeconnect.data.order`). A photo that fails only at full decode
is replaced by the next one of the same epoch; the example says how many were skipped.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from tf_edgeconnect.data.edge_files import EdgeOptions, pair_edges
from tf_edgeconnect.data.files import FileSource
from tf_edgeconnect.data.images import (
    Crop,
    crop_resize,
    flip_left_right,
    square,
    to_gray,
)
from tf_edgeconnect.data.index import open_source
from tf_edgeconnect.data.masks import MaskSampler, mask_sampler
from tf_edgeconnect.data.order import (
    check_seed,
    example_draw,
    example_seeds,
    shuffled_index,
)
from tf_edgeconnect.data.service import batches_from_service
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.edges.exact import inference_edges, training_edges
from tf_edgeconnect.errors import InputError

# So many photos in a row that cannot be decoded are no accident but a lost disk.
MAX_ATTEMPTS = 16
_PREFETCHED = 4  # batches
_IN_A_ROW = " photos in a row cannot be decoded, from position"
_FOREVER = tf.int64.max

Example = dict[str, tf.Tensor]


def build_dataset(
    source: Source | str | Path,
    *,
    size: int = 256,
    batch_size: int = 8,
    masks: Mapping[str, float] | MaskSampler | None = None,
    edges: EdgeOptions | None = None,
    crop: Crop = "center",
    flip: bool = True,
    seed: int = 0,
    start: int = 0,
    shard: tuple[int, int] = (0, 1),
    training: bool = True,
    drop_remainder: bool = False,
    service: str | None = None,
) -> tf.data.Dataset:
    """Builds the stream of batches.

    With `training` it is endless, shuffled, cropped and flipped as asked. Without, it
    is one pass in the source's order with the centre crop, no flip and, for each photo,
    always the same mask; photos that cannot be decoded are left out.

    Args:
        source: photos, or what `open_source` takes.
        size: side of an example, pixels; a multiple of 4, at least 12.
        batch_size: examples in a batch of this shard.
        masks: kind -> weight, as `mask_sampler` takes them, or a function from a seed,
            int32 `(2,)`, to a mask, float32 `(size, size, 1)`. Irregular by default.
        edges: where edges come from; Canny with sigma 2 by default.
        crop: `center`, as published, or `random`: see `images.square`.
        flip: mirror half of the training examples.
        seed: of the order and all random choices, 0 to 2**31 - 1.
        start: first position of the whole stream, counted over all shards; step s of a
            run whose shards together take b examples a step starts at s * b.
        shard: (index, count): position i goes to shard i % count.
        training: see above.
        drop_remainder: leave out a last batch that is not full.
        service: `host:port` of a tf.data service whose workers make the examples of
            training, the same ones in the same order; they must see the same files.

    Returns:
        A dataset of dicts, float32: `image` `(B, size, size, 3)` RGB, `gray`, `edge`
        (of the whole photo, not only its known part) and `mask` (1 = hole)
        `(B, size, size, 1)`, all [0, 1]; with `edges.masked` also `known_edge`, like
        `edge`, found without the hole's pixels; `draw` `(B,)`, a random number in
        [0, 1) for a choice of the trainer; and int64 `(B,)`: `position` in the stream,
        and `skipped`, how many photos failed before the one that stands there
        (`Source.skipped_names` names them).

    Raises:
        InputError: an argument is out of its range, or as `open_source` and
            `mask_sampler` raise it.

    Example:
        >>> batches = build_dataset("sample:", size=128, masks={"block": 1.0})
        >>> batch = next(iter(batches))
    """
    _check(size, batch_size, start, shard)
    if not isinstance(source, Source):
        source = open_source(source)
    masks = {"irregular": 1.0} if masks is None else masks
    edges = EdgeOptions() if edges is None else edges
    maker = _Maker(
        source=source,
        edge_maps=pair_edges(source, edges),
        sample_mask=masks if callable(masks) else mask_sampler(masks, size),
        sigma=edges.sigma,
        thin=edges.thin,
        masked=edges.masked,
        size=size,
        crop=crop if training else "center",
        flip=flip and training,
        seed=check_seed(seed),
        training=training,
    )
    index, count = shard
    first = start + (index - start) % count
    end = _FOREVER if training else len(source)
    # Autotune makes one example at a time here, which leaves a second core idle, and
    # its thread keeps a run that is stopped waiting for up to half a minute.
    calls = max(8, 2 * (os.cpu_count() or 1))

    def batches(positions: tf.data.Dataset) -> tf.data.Dataset:
        photos = positions.map(maker.read, calls, deterministic=True)
        if not training:
            photos = photos.filter(lambda photo: photo["decoded"])
        examples = photos.map(maker.make, calls, deterministic=True)
        return examples.batch(batch_size, drop_remainder=drop_remainder or training)

    if service is None or not training:
        dataset = batches(tf.data.Dataset.range(first, max(first, end), count))
    else:
        stride = batch_size * count

        def batch(start: tf.Tensor) -> tf.data.Dataset:
            return batches(tf.data.Dataset.range(start, start + stride, count))

        dataset = batches_from_service(batch, first, stride, service)
    if training:
        # Else workers would ask each other before each batch whether it is the last.
        endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
        dataset = dataset.apply(endless)
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False
    # Shards are dealt out by position above; nothing else may divide the stream.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.OFF
    )
    return dataset.prefetch(_PREFETCHED).with_options(options)


def undecodable(error: Exception) -> tuple[int, int] | None:
    """Reads why the training stream broke off.

    Args:
        error: what taking a batch raised.

    Returns:
        The stream position at which no photo could be decoded and how many were tried
        (`Source.skipped_names` names them); None where something else is the reason.
    """
    found = re.search(rf"\[(\d+){_IN_A_ROW}\] \[(\d+)\]", str(error))
    return found and (int(found[2]), int(found[1]))


def _check(size: int, batch_size: int, start: int, shard: tuple[int, int]) -> None:
    if size < 12 or size % 4:
        raise InputError(f"size must be a multiple of 4, at least 12, not {size}")
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, not {batch_size}")
    if start < 0:
        raise InputError(f"start must be a stream position from 0, not {start}")
    if not 0 <= shard[0] < shard[1]:
        raise InputError(
            f"shard must be (index, count) with index from 0 to count - 1, not {shard}"
        )


@dataclass(frozen=True)
class _Maker:
    """Makes the example at a position, in two steps, `read` and `make`."""

    source: Source
    edge_maps: FileSource | None
    sample_mask: Callable[[tf.Tensor], tf.Tensor]
    sigma: float
    thin: bool
    masked: bool
    size: int
    crop: Crop
    flip: bool
    seed: int
    training: bool

    def read(self, position: tf.Tensor) -> Example:
        """The first photo at a position that can be decoded, with its edge map."""
        attempts = min(len(self.source), MAX_ATTEMPTS) if self.training else 1

        def candidate(attempt: tf.Tensor) -> Example:
            index = position
            if self.training:
                index = shuffled_index(position, len(self.source), self.seed, attempt)
            photo = self.source.read(index)
            edge_map = self._edge_map(index, photo)
            return self._photo(position, attempt, photo, edge_map)

        nothing = self._photo(
            position,
            tf.constant(attempts, tf.int64),
            tf.zeros((1, 1, 3), tf.uint8),
            None if self.edge_maps is None else tf.zeros((1, 1, 1)),
            decoded=False,
        )
        # A graph cannot catch an error, but a dataset can drop an element that fails.
        candidates = tf.data.Dataset.range(attempts).map(candidate)
        candidates = candidates.ignore_errors(log_warning=False)
        candidates = candidates.concatenate(tf.data.Dataset.from_tensors(nothing))
        photo = candidates.take(1).get_single_element()
        if self.training:
            message = f"{attempts}{_IN_A_ROW}"
            check = tf.debugging.Assert(photo["decoded"], [message, position])
            with tf.control_dependencies([check]):
                photo["position"] = tf.identity(photo["position"])
        return photo

    def _photo(
        self,
        position: tf.Tensor,
        skipped: tf.Tensor,
        photo: tf.Tensor,
        edge_map: tf.Tensor | None,
        *,
        decoded: bool = True,
    ) -> Example:
        element = {"photo": photo, "position": position, "skipped": skipped}
        element["decoded"] = tf.constant(decoded)
        if edge_map is not None:
            element["edge_map"] = edge_map
        return element

    def _edge_map(self, index: tf.Tensor, photo: tf.Tensor) -> tf.Tensor | None:
        """The edge map of a photo at the photo's size, [0, 255]."""
        if self.edge_maps is None:
            return None
        lines = tf.reduce_max(self.edge_maps.read(index), axis=-1, keepdims=True)
        lines = tf.image.resize(lines, tf.shape(photo)[:2], antialias=True)
        return tf.ensure_shape(lines, (None, None, 1))

    def make(self, photo: Example) -> Example:
        """The example of a photo."""
        position = photo["position"]
        crop_seed, flip_seed, mask_seed, edge_seed = example_seeds(
            position, self.seed, 4, training=self.training
        )
        box = square(tf.shape(photo["photo"]), self.size, self.crop, crop_seed)
        flipped = tf.random.stateless_uniform((), flip_seed) < 0.5

        def turned(pixels: tf.Tensor) -> tf.Tensor:
            return flip_left_right(pixels, flipped) if self.flip else pixels

        image = turned(crop_resize(photo["photo"], box, self.size))
        gray = to_gray(image)
        mask = tf.cast(self.sample_mask(mask_seed), tf.float32)
        example = {
            "image": image,
            "gray": gray,
            "edge": self._edge(photo, gray, box, turned, edge_seed),
            "mask": mask,
            "draw": example_draw(position, self.seed),
            "position": position,
            "skipped": photo["skipped"],
        }
        if self.masked:
            example["known_edge"] = self._canny(gray, edge_seed, 1 - mask)
        for name in ("image", "gray", "edge", "known_edge", "mask"):
            if name not in example:
                continue
            channels = 3 if name == "image" else 1
            shape = (self.size, self.size, channels)
            example[name] = tf.ensure_shape(example[name], shape)
        return example

    def _canny(
        self, gray: tf.Tensor, seed: tf.Tensor, valid: tf.Tensor | None = None
    ) -> tf.Tensor:
        if self.training:
            return training_edges(gray, self.sigma, seed, valid)
        return inference_edges(gray, self.sigma, valid)

    def _edge(
        self,
        photo: Example,
        gray: tf.Tensor,
        box: tf.Tensor,
        turned: Callable[[tf.Tensor], tf.Tensor],
        seed: tf.Tensor,
    ) -> tf.Tensor:
        if self.edge_maps is None:
            return self._canny(gray, seed)
        lines = turned(crop_resize(photo["edge_map"], box, self.size))
        return lines * self._canny(gray, seed) if self.thin else lines
