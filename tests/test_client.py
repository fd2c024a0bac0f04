"""The client's patience, and what it may import."""

import subprocess
import sys
from pathlib import Path

import pytest

from tf_edgeconnect.client import Client, ServingError
from tf_edgeconnect.client import client as client_module

ROOT = Path(__file__).parents[1]


@pytest.fixture
def pauses(monkeypatch):
    """Collects the pauses instead of taking them."""
    taken = []
    monkeypatch.setattr(client_module.time, "sleep", taken.append)
    return taken


def failing(client, *codes):
    """Lets a client's wire fail with these codes, then answer."""
    left = list(codes)

    class Wire:
        def versions(self, seconds):
            assert 0 < seconds <= client.timeout
            if left:
                raise ServingError(left.pop(0), "told")
            return {1: "AVAILABLE"}

    client._wire = Wire()
    return left


def test_an_unavailable_server_is_asked_again(pauses):
    client = Client("http://127.0.0.1:1")
    failing(client, "UNAVAILABLE", "UNAVAILABLE")
    assert client.versions() == {1: "AVAILABLE"}
    assert len(pauses) == 2 and all(0 < pause <= 5 for pause in pauses)


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "NOT_FOUND", "DEADLINE_EXCEEDED"])
def test_a_refusal_is_final(pauses, code):
    client = Client("http://127.0.0.1:1")
    failing(client, code)
    with pytest.raises(ServingError, match=f"{code}: told"):
        client.versions()
    assert pauses == []


def test_attempts_come_to_an_end(pauses):
    client = Client("http://127.0.0.1:1", attempts=2)
    left = failing(client, *["UNAVAILABLE"] * 5)
    with pytest.raises(ServingError):
        client.versions()
    assert len(left) == 3


def test_no_attempt_starts_after_the_deadline(pauses):
    client = Client("http://127.0.0.1:1", timeout=0.05)
    failing(client, "UNAVAILABLE")
    with pytest.raises(ServingError):
        client.versions()
    assert pauses == []


def test_rest_needs_neither_tensorflow_nor_grpc():
    script = (
        "import sys\n"
        "sys.modules.update(tensorflow=None, grpc=None, keras=None)\n"
        "import tf_edgeconnect.client.command\n"
        "from tf_edgeconnect.client import Client\n"
        "Client('http://127.0.0.1:1')\n"
        "try:\n    Client('127.0.0.1:1')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "pip install 'tf-edgeconnect[serving]'" in done.stdout
