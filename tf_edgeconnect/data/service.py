"""Batches made by other machines, through a tf.data service, in their usual order.

The service hands each batch to whichever of its workers is free, and they arrive in any
order. What stands in a batch is a pure function of its place in the stream, so waiting
for the right one, and making here the few that a worker took with it when it ended,
gives the stream of one machine, example for example.
"""

import socket
from collections.abc import Callable, Iterator

import tensorflow as tf

from tf_edgeconnect.errors import InputError

# So many batches ahead of one that has not come mean that its worker is gone.
WINDOW = 64
_CONNECT_SECONDS = 10.0

MakeBatch = Callable[[tf.Tensor], tf.data.Dataset]


def batches_from_service(
    make: MakeBatch, first: int, stride: int, service: str
) -> tf.data.Dataset:
    """Lets the workers of a service make the batches of a stream.

    Args:
        make: from a batch's first position, int64 scalar, to a data set of that batch
            alone, a dict that has its `position`.
        first: first position of the first batch.
        stride: from a batch's first position to the next one's.
        service: `host:port` of the dispatcher.

    Returns:
        The batches without end, in the order of their positions.

    Raises:
        InputError: nothing answers at that address.
    """
    starts = tf.data.Dataset.range(first, tf.int64.max, stride)
    batches = starts.interleave(make, 4, num_parallel_calls=4, deterministic=False)
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
    """Yields batches by rising position; arguments as of `batches_from_service`.

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
            early[wanted] = make(tf.constant(wanted, tf.int64)).get_single_element()
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
