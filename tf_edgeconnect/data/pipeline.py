"""The stream of training and validation batches.

Enters: a source of photos. Leaves: a `tf.data.Dataset` of dicts in the conventions of
`tf_edgeconnect.masking`. All of it is TensorFlow ops on constants, so it also runs in
the tf.data service.

In training the stream is endless, and each example depends only on its position and the
seed (`source.py`). A photo that cannot be decoded is replaced by the next of the same
epoch, and the example counts the skipped ones.
"""

import os
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import tensorflow as tf

from tf_edgeconnect.data.edge_files import EdgeOptions, pair_edges
from tf_edgeconnect.data.examples import (
    IN_A_ROW,
    Example,
    Read,
    first_good,
    maker,
    reader,
    replacing,
)
from tf_edgeconnect.data.images import Crop
from tf_edgeconnect.data.masks import MaskSampler, mask_sampler
from tf_edgeconnect.data.source import Source, check_seed
from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.errors import InputError

_PREFETCHED = 4  # batches
_AT_ONCE = 4  # batches that are being made, or more where they are small


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

    In training it is endless and shuffled, with `crop` and `flip`. In validation it is
    one pass in the source's order, with the centre crop, no flip and a fixed mask for
    each photo; photos that cannot be decoded are skipped.

    Args:
        source: a source, or anything that `open_source` accepts.
        size: side of an example in pixels, a multiple of 4, at least 12.
        batch_size: examples per batch of this shard.
        masks: kind -> weight, as `mask_sampler` takes them, or a function from a seed,
            int32 `(2,)`, to a mask, float32 `(size, size, 1)`. Irregular by default.
        edges: where edges come from; Canny with sigma 2 by default.
        crop: `center`, as published, or `random`: see `images.square`.
        flip: mirror half of the training examples.
        seed: of the order and all random choices, 0 to 2**31 - 1.
        start: first position, counted over all shards: s * b for step s of a run with b
            examples per step.
        shard: (index, count): position i goes to shard i % count.
        training: whether to train or to validate, see above.
        drop_remainder: drop the last batch if it is not full.
        service: `host:port` of a tf.data service whose workers compute the same
            training examples in the same order; they must see the same files.

    Returns:
        A dataset of dicts, float32: `image` `(B, size, size, 3)` RGB, `gray`, `edge`
        (of the whole photo, not only its known part) and `mask` (1 = hole)
        `(B, size, size, 1)`, all [0, 1]; with `edges.masked` also `known_edge`, like
        `edge`, found without the hole's pixels; `draw` `(B,)`, a random number in
        [0, 1) for a choice of the trainer; and int64 `(B,)`: `position` in the stream,
        and `skipped`, the number of photos that failed before this one
        (`Source.skipped_names` names them).

    Raises:
        InputError: an argument is out of range, or as in `open_source` and
            `mask_sampler`.

    Example:
        >>> batches = build_dataset("sample:", size=128, masks={"block": 1.0})
        >>> batch = next(iter(batches))
    """
    _check(size, batch_size, start, shard)
    if not isinstance(source, Source):
        source = open_source(source)
    masks = {"irregular": 1.0} if masks is None else masks
    edges = EdgeOptions() if edges is None else edges
    read = reader(
        source, pair_edges(source, edges), check_seed(seed), training=training
    )
    make = maker(
        # AutoGraph for a user's function, which may branch on tensors.
        tf.function(masks) if callable(masks) else mask_sampler(masks, size),
        edges,
        size=size,
        crop=crop if training else "center",
        flip=flip and training,
        seed=seed,
        training=training,
    )
    index, count = shard
    first = start + (index - start) % count
    stride = batch_size * count
    cores = os.cpu_count() or 1
    graph_only = tf.autograph.experimental.do_not_convert  # traces twice as fast

    if not training:
        dataset = tf.data.Dataset.range(first, max(first, len(source)), count)
        dataset = dataset.map(graph_only(read), 2 * cores, deterministic=True)
        dataset = dataset.ignore_errors()
        dataset = dataset.map(graph_only(make), 2 * cores, deterministic=True)
        dataset = dataset.batch(batch_size, drop_remainder=drop_remainder)
    else:
        # Autotune makes one batch at a time here, which leaves a second core idle, and
        # its thread keeps a run that is stopped waiting for up to half a minute.
        calls = max(2, min(cores, max(_AT_ONCE, cores // batch_size)))
        within = -(-cores // calls)
        parallel = {"num_parallel_calls": within, "deterministic": True}
        traced_make = tf.function(make, autograph=False)

        def batched(read: Read, positions: tf.data.Dataset) -> tf.data.Dataset:
            made = positions.map(
                lambda position: traced_make(read(position)),
                **parallel if within > 1 else {},
            )
            return made.batch(batch_size, drop_remainder=True)

        @graph_only
        def batch_at(start: tf.Tensor) -> Example:
            # Replacing costs time for every photo, so it is left to a second try.
            positions = tf.data.Dataset.range(start, start + stride, count)
            careful = batched(replacing(read, len(source)), positions)
            return first_good(batched(read, positions), careful)

        starts = tf.data.Dataset.range(first, tf.int64.max, stride)
        # Those of a service are sorted when they arrive.
        dataset = starts.map(batch_at, calls, deterministic=service is None)
        if service is not None:
            dataset = from_service(dataset, batch_at, first, stride, service)
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
    """Returns why the training stream failed.

    Args:
        error: what taking a batch raised.

    Returns:
        The stream position at which no photo could be decoded and how many were tried
        (`Source.skipped_names` names them); None where something else is the reason.
    """
    found = re.search(rf"\[(\d+){IN_A_ROW}\] \[(\d+)\]", str(error))
    return found and (int(found[2]), int(found[1]))


def _check(size: int, batch_size: int, start: int, shard: tuple[int, int]) -> None:
    if size < 12 or size % 4:
        raise InputError(f"size must be a multiple of 4, at least 12, not {size}")
    if batch_size < 1:
        raise InputError(f"batch_size must be at least 1, not {batch_size}")
    if start < 0:
        raise InputError(f"start must be a stream position of 0 or more, not {start}")
    if not 0 <= shard[0] < shard[1]:
        raise InputError(
            f"shard must be (index, count) with index from 0 to count - 1, not {shard}"
        )


# So many batches ahead of one that has not come mean that its worker is gone.
WINDOW = 64
_CONNECT_SECONDS = 10.0

MakeBatch = Callable[[tf.Tensor], Example]


def from_service(
    batches: tf.data.Dataset, make: MakeBatch, first: int, stride: int, service: str
) -> tf.data.Dataset:
    """Returns a stream of batches that the workers of a service compute.

    Args:
        batches: all of them, in any order, dicts that have their `position`.
        make: from a batch's first position, int64 scalar, to that batch.
        first: first position of the first batch.
        stride: from a batch's first position to the next one's.
        service: `host:port` of the dispatcher.

    Returns:
        The batches without end, in the order of their positions.

    Raises:
        InputError: nothing answers at that address.
    """
    distribute = tf.data.experimental.service.distribute(
        tf.data.experimental.service.ShardingPolicy.DYNAMIC, _reached(service)
    )
    arriving = batches.apply(distribute)
    return tf.data.Dataset.from_generator(
        lambda: in_order(arriving, make, first, stride),
        output_signature=batches.element_spec,
    )


def in_order(
    arriving: tf.data.Dataset, make: MakeBatch, first: int, stride: int
) -> Iterator[dict[str, tf.Tensor]]:
    """Yields batches in order of position; arguments as in `from_service`.

    Args:
        arriving: batches in any order; some may be missing.
        make: makes those.
        first: position of the first one.
        stride: between two of them.
    """
    wanted, early = first, {}
    for batch in arriving:
        start = int(batch["position"][0])
        if start >= wanted:  # else it was given up too soon
            early[start] = batch
        if len(early) > WINDOW:
            early[wanted] = make(tf.constant(wanted, tf.int64))
        while wanted in early:
            yield early.pop(wanted)
            wanted += stride


def _reached(service: str) -> str:
    address = service.removeprefix("grpc://")
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection(
            (host.strip("[]"), int(port)), _CONNECT_SECONDS
        ).close()
    except (OSError, OverflowError, ValueError) as error:
        raise InputError(
            f"no tf.data service answers at {service} ({error}): expected host:port of "
            "a running `tf-edgeconnect data-service dispatcher`"
        ) from None
    return f"grpc://{address}"
