"""A server as a backend: its address, patience, and what it may import."""

import http.server
import threading
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path

import pytest

from tf_edgeconnect.errors import InputError, ServingError
from tf_edgeconnect.inference.backends import serving
from tf_edgeconnect.inference.backends.serving import ServingBackend
from tf_edgeconnect.inference.backends.transports import Address

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pauses(monkeypatch):
    """Collects the pauses instead of taking them."""
    taken = []
    monkeypatch.setattr(serving.time, "sleep", taken.append)
    return taken


def failing(client, *codes, busy=False):
    """Lets a connection fail with these codes, then answer."""
    left = list(codes)

    class Transport:
        def versions(self, seconds):
            assert 0 < seconds <= client.timeout
            if left:
                raise ServingError(left.pop(0), "no", busy=busy)
            return {1: "AVAILABLE"}

    client._transport = Transport()
    return left


def test_an_unavailable_server_is_asked_again(pauses):
    client = ServingBackend("http://127.0.0.1:1")
    failing(client, "UNAVAILABLE", "UNAVAILABLE")
    assert client.versions() == {1: "AVAILABLE"}
    assert len(pauses) == 2 and all(0 < pause <= 5 for pause in pauses)


@pytest.mark.parametrize(
    "code",
    ["INVALID_ARGUMENT", "NOT_FOUND", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"],
)
def test_a_refusal_is_final(pauses, code):
    client = ServingBackend("http://127.0.0.1:1")
    failing(client, code)
    with pytest.raises(ServingError, match=f"{code}: no"):
        client.versions()
    assert pauses == []


def test_attempts_come_to_an_end(pauses):
    client = ServingBackend("http://127.0.0.1:1", attempts=2)
    left = failing(client, *["UNAVAILABLE"] * 5)
    with pytest.raises(ServingError):
        client.versions()
    assert len(left) == 3


def test_a_busy_server_is_asked_more_often_than_one_that_does_not_answer(pauses):
    client = ServingBackend("http://127.0.0.1:1", attempts=2)
    failing(client, *["RESOURCE_EXHAUSTED"] * 9, busy=True)
    assert client.versions() == {1: "AVAILABLE"}
    assert len(pauses) == 9


def test_a_busy_server_is_asked_once_where_only_one_attempt_is_allowed(pauses):
    client = ServingBackend("http://127.0.0.1:1", attempts=1)
    failing(client, "RESOURCE_EXHAUSTED", busy=True)
    with pytest.raises(ServingError):
        client.versions()
    assert pauses == []


@pytest.mark.parametrize("busy", [False, True])
def test_no_attempt_starts_after_the_deadline(pauses, busy):
    client = ServingBackend("http://127.0.0.1:1", timeout=0.05)
    failing(client, "UNAVAILABLE", busy=busy)
    with pytest.raises(ServingError):
        client.versions()
    assert pauses == []


@contextmanager
def refusing_by_grpc(*refusals):
    """Serves by gRPC; refuses with these sentences, then answers."""
    import grpc

    left = list(refusals)

    def answer(request, context):
        if left:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, left.pop(0))
        return b""

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(answer)

    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"grpc://127.0.0.1:{port}"
    server.stop(None)


@contextmanager
def refusing_by_rest(*statuses):
    """Serves by HTTP; refuses with these statuses, then answers."""
    left = list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(left.pop(0) if left else 200)
            self.end_headers()
            self.wfile.write(b'{"model_version_status": []}')

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


NO_THREADS = "Server Threadpool Exhausted"  # of gRPC's server in C++
TOO_LARGE = "Received message larger than max (4194310 vs. 4194304)"


@pytest.mark.parametrize(
    ("serve", "refusals"),
    [
        (refusing_by_grpc, [NO_THREADS] * 5),
        (refusing_by_rest, [429, 503, 429, 503, 429]),
    ],
)
def test_a_server_without_a_free_thread_is_asked_again(pauses, serve, refusals):
    with serve(*refusals) as address:
        assert ServingBackend(address, timeout=300).versions() == {}
    assert len(pauses) == len(refusals)


@pytest.mark.parametrize(
    ("serve", "refusal"), [(refusing_by_grpc, TOO_LARGE), (refusing_by_rest, 413)]
)
def test_a_request_that_is_too_large_fails_at_once(pauses, serve, refusal):
    with serve(refusal) as address:
        with pytest.raises(ServingError) as raised:
            ServingBackend(address).versions()
    assert raised.value.code == "RESOURCE_EXHAUSTED"
    assert pauses == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("grpc://host:8500", Address("grpc", "host:8500")),
        ("grpcs://h:1/m?ca=x.pem", Address("grpcs", "h:1", "m", ca="x.pem")),
        ("http://h:1/m?label=stable", Address("http", "h:1", "m", "stable")),
        ("https://h/a/m?version=3", Address("https", "h/a", "m", version=3)),
        ("http://h:1/v1/models/m", Address("http", "h:1", "m")),
        ("grpc://[::1]:8500/m/", Address("grpc", "[::1]:8500", "m")),
    ],
)
def test_an_address_names_the_model_and_its_version(text, address):
    assert Address.parse(text) == address


@pytest.mark.parametrize(
    "text",
    ["grpc://", "http://h:1?model=m", "http://h:1?label=a&version=1"]
    + ["grpc://h:1?version=latest"],
)
def test_another_address_is_refused_in_one_line(text):
    with pytest.raises(InputError, match="HOST:PORT") as raised:
        Address.parse(text)
    assert "\n" not in str(raised.value)


def test_rest_and_tflite_need_neither_tensorflow_nor_grpc(fresh_python):
    script = (
        "import sys\n"
        "sys.modules.update(tensorflow=None, grpc=None, keras=None)\n"
        "import tf_edgeconnect as ec\n"
        "import tf_edgeconnect.photos, tf_edgeconnect.inference.backends.serving\n"
        "import tf_edgeconnect.inference.backends.file\n"
        "import tf_edgeconnect.inference.files\n"
        "from tf_edgeconnect.errors import ServingError\n"
        "try:\n    ec.Inpainter.load('http://127.0.0.1:1', timeout=0.1)\n"
        "except ServingError as error:\n    assert error.code == 'UNAVAILABLE'\n"
        "try:\n    ec.Inpainter.load('grpc://127.0.0.1:1')\n"
        "except ValueError as error:\n    print(error)\n"
    )
    printed = fresh_python(script)
    assert "pip install 'tf-edgeconnect[serving]'" in printed
