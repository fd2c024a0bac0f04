"""A tf.data service on loopback makes the batches that one machine would make."""

import socket

import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.data.edge_files import EdgeOptions
from tf_edgeconnect.data.pipeline import WINDOW, build_dataset, in_order, undecodable
from tf_edgeconnect.errors import InputError

OPTIONS = dict(size=16, masks={"block": 1.0}, edges=EdgeOptions(sigma=-1))


@pytest.fixture(scope="module")
def service():
    """The address of a dispatcher with two workers, in this process."""
    api = tf.data.experimental.service
    dispatcher = api.DispatchServer()
    address = dispatcher.target.removeprefix("grpc://")
    workers = [api.WorkerServer(api.WorkerConfig(address)) for _ in range(2)]
    yield address
    del workers, dispatcher


def batches(source, count: int, **options) -> list[dict]:
    dataset = build_dataset(source, batch_size=2, **OPTIONS, **options)
    return list(dataset.take(count).as_numpy_iterator())


def test_a_service_gives_the_batches_of_one_machine_in_order(photo_folder, service):
    folder, place = photo_folder(5), dict(start=30, shard=(1, 2), crop="random")
    local = batches(folder, 12, **place)
    served = batches(folder, 12, service=service, **place)
    for one, other in zip(local, served, strict=True):
        for name in one:
            np.testing.assert_array_equal(other[name], one[name], err_msg=name)


def test_a_stream_that_breaks_off_in_the_service_says_where(photo_folder, service):
    folder = photo_folder(2)
    dataset = build_dataset(folder, batch_size=2, **OPTIONS, service=service)
    for photo in folder.iterdir():
        photo.unlink()
    with pytest.raises(tf.errors.OpError) as told:
        next(iter(dataset))
    assert undecodable(told.value)[1] == 2


def stream(*starts: int) -> tf.data.Dataset:
    spec = {"position": tf.TensorSpec((None,), tf.int64)}
    return tf.data.Dataset.from_generator(
        lambda: ({"position": [start]} for start in starts), output_signature=spec
    )


def test_batches_are_put_in_order_and_lost_ones_made_here():
    made = []

    def make(start: tf.Tensor) -> dict[str, tf.Tensor]:
        made.append(int(start))
        return {"position": start[None]}

    # 14 is lost with its worker, and 18 comes after all that wait for it.
    early = [10 + 2 * n for n in range(2 * WINDOW) if n not in (2, 4)]
    arriving = stream(*reversed(early[:5]), *early[5:], 18)
    found = [int(b["position"][0]) for b in in_order(arriving, make, 10, 2)]
    assert found == list(range(10, 10 + 4 * WINDOW, 2))
    assert made == [14, 18]


def test_an_address_where_no_service_answers_is_refused(photo_folder):
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    for wrong in (f"localhost:{port}", "localhost", "localhost:port"):
        with pytest.raises(InputError, match=f"no tf.data service answers at {wrong}"):
            batches(photo_folder(1), 1, service=wrong)
