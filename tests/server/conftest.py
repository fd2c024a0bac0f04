"""A tiny export behind a real server on loopback, and clients of it.

Holes are filled with the inverse of what lies there, so the expected answer is plain
NumPy. Where TENSORFLOW_MODEL_SERVER names a binary of the real TF Serving, the
same tests start and use that one.
"""

import importlib.util
import os
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.stand_in import save_stand_in
from tf_edgeconnect.errors import ServingError
from tf_edgeconnect.inference.backends.serving import ServingBackend

MAX_PIXELS = 64 * 64
REAL_SERVER = os.environ.get("TENSORFLOW_MODEL_SERVER")


@pytest.fixture(scope="session")
def export(tmp_path_factory):
    """A folder with versions 1 and 2; the latter is the one to be served."""
    return save_stand_in(tmp_path_factory.mktemp("exported"), MAX_PIXELS, ("1", "2"))


def pytest_collection_modifyitems(items):
    """Skips what needs the serving extra where it is absent."""
    needed = ("tensorflow_serving", "grpc_health")
    if all(map(importlib.util.find_spec, needed)):
        return
    reason = "needs the serving extra: pip install 'tf-edgeconnect[serving]'"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def ports(export, tmp_path_factory):
    """The ports of gRPC and REST of a running server."""
    if REAL_SERVER:
        yield from _real_server(export, tmp_path_factory.mktemp("log"))
        return
    from tf_edgeconnect.web.serve import ModelServer

    with ModelServer(export) as server:
        yield server.port, server.rest_port


def _real_server(export, folder):
    ports = [_free_port(), _free_port()]
    with open(folder / "log.txt", "w") as log:
        process = subprocess.Popen(
            [
                REAL_SERVER,
                f"--port={ports[0]}",
                f"--rest_api_port={ports[1]}",
                "--model_name=edgeconnect",
                f"--model_base_path={export}",
                "--enable_grpc_healthcheck_service=true",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        client = ServingBackend(f"grpc://127.0.0.1:{ports[0]}", attempts=50)
        # NOT_FOUND until the model's name is known.
        for _ in range(50):
            try:
                if client.versions().get(2) == "AVAILABLE":
                    break
            except ServingError:
                assert process.poll() is None, (folder / "log.txt").read_text()
        yield ports
    finally:
        process.terminate()
        process.wait()


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def addresses(ports):
    """Of the server, by gRPC and by REST."""
    return [f"grpc://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"]


@pytest.fixture(params=["grpc", "rest"])
def client(addresses, request):
    """A connection of each kind."""
    return ServingBackend(addresses[request.param == "rest"], timeout=30)


@pytest.fixture
def batch():
    """Two photos of 12 x 20 and their masks."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (2, 12, 20, 3), np.uint8)
    mask = np.zeros((2, 12, 20, 1), np.uint8)
    mask[0, 2:6, 3:9] = 255
    mask[1, 7:] = 255
    return image, mask


@pytest.fixture
def answers_well(client, batch):
    """Asserts that the server still does its work."""

    def check():
        image, mask = batch
        inputs = {"image": image, "mask": mask}
        inpainted = client.predict("serving_default", inputs)["inpainted"]
        np.testing.assert_array_equal(inpainted, np.where(mask > 0, 255 - image, image))

    return check
