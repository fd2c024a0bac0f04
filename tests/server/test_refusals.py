"""What a server refuses, with which status; after each it answers a good request."""

import json
import urllib.error
import urllib.request

import numpy as np
import pytest

from tests.server.conftest import MAX_PIXELS
from tf_edgeconnect.client import Client, ServingError

IMAGE = np.zeros((1, 12, 12, 3), np.uint8)
MASK = np.zeros((1, 12, 12, 1), np.uint8)
NO_PICTURE = np.array([b"no picture"], dtype=object)

# signature, inputs, a word of the sentence
BAD = {
    "a rank too low": ("serving_default", {"image": IMAGE[0], "mask": MASK}, "shape"),
    "wrong channels": ("serving_default", {"image": MASK, "mask": MASK}, "shape"),
    "an input missing": ("serving_default", {"image": IMAGE}, "mask"),
    "an input too many": (
        "predict_edges",
        {"image": IMAGE, "mask": MASK, "hat": MASK},
        "hat",
    ),
    "unequal sizes": (
        "serving_default",
        {"image": IMAGE, "mask": MASK[:, :8]},
        "size|width",
    ),
    "too many pixels": (
        "serving_default",
        {
            "image": np.zeros((1, MAX_PIXELS + 1, 1, 3), np.uint8),
            "mask": np.zeros((1, MAX_PIXELS + 1, 1, 1), np.uint8),
        },
        str(MAX_PIXELS),
    ),
    "bytes of no picture": (
        "serving_bytes",
        {"image_bytes": NO_PICTURE, "mask_bytes": NO_PICTURE},
        r"image_bytes\[0\]",
    ),
    "no batch": (
        "serving_default",
        {"image": IMAGE[:0], "mask": MASK[:0]},
        "pixels|shape|rank",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_request_gets_a_sentence_and_harms_nothing(client, answers_well, case):
    signature, inputs, word = BAD[case]
    with pytest.raises(ServingError, match=word) as refusal:
        client.predict(signature, inputs)
    assert refusal.value.code == "INVALID_ARGUMENT"
    answers_well()


def test_an_unknown_signature_is_refused(client, answers_well):
    with pytest.raises(ServingError, match="paint_it_black") as refusal:
        client.predict("paint_it_black", {"image": IMAGE, "mask": MASK})
    known = ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION")
    assert refusal.value.code in known  # TF Serving's own choice differs by release
    answers_well()


def test_an_unknown_model_is_not_found(client, answers_well, ports):
    for address in (f"127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"):
        with Client(address, model="other") as stranger:
            with pytest.raises(ServingError, match="other") as refusal:
                stranger.inpaint(IMAGE, MASK)
            assert refusal.value.code == "NOT_FOUND"
    answers_well()


def test_an_unknown_version_is_not_found(ports):
    with Client(f"127.0.0.1:{ports[0]}", version=77) as stranger:
        with pytest.raises(ServingError, match="77") as refusal:
            stranger.inpaint(IMAGE, MASK)
    assert refusal.value.code == "NOT_FOUND"


def test_floats_are_refused_over_grpc(ports):
    with Client(f"127.0.0.1:{ports[0]}") as client:
        with pytest.raises(ServingError, match="uint8") as refusal:
            inputs = {"image": IMAGE.astype(np.float32), "mask": MASK}
            client.predict("serving_default", inputs)
        assert refusal.value.code == "INVALID_ARGUMENT"
        client.inpaint(IMAGE, MASK)


def test_a_message_over_the_clients_bound_is_not_sent(ports):
    with Client(f"127.0.0.1:{ports[0]}", max_bytes=1000) as client:
        image, mask = np.repeat(IMAGE, 9, 0), np.repeat(MASK, 9, 0)
        with pytest.raises(ServingError) as refusal:
            client.inpaint(image, mask)
    assert refusal.value.code == "RESOURCE_EXHAUSTED"


def test_a_server_that_is_not_there_is_unavailable():
    for address in ("127.0.0.1:1", "http://127.0.0.1:1"):
        with Client(address, attempts=1, timeout=5) as client:
            with pytest.raises(ServingError) as refusal:
                client.inpaint(IMAGE, MASK)
        assert refusal.value.code == "UNAVAILABLE"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"inputs": 3}',
        b'{"instances": []}',
        b'{"inputs": {"image": [[["a"]]], "mask": [[[1]]]}}',
        b'{"inputs": {"image": [[[[1, 2, 300]]]], "mask": [[[[0]]]]}}',
        b'{"inputs": {"image": [[1], [1, 2]], "mask": [[[[0]]]]}}',
        b'{"signature_name": "serving_bytes", "inputs": '
        b'{"image_bytes": [{"b64": "?"}], "mask_bytes": [{"b64": "?"}]}}',
    ],
)
def test_a_bad_body_is_a_bad_request(ports, body):
    url = f"http://127.0.0.1:{ports[1]}/v1/models/edgeconnect:predict"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(url, data=body))
    assert refusal.value.code == 400
    assert json.load(refusal.value)["error"]


def test_an_unknown_path_is_not_found(ports):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/v2/models/edgeconnect")
    assert refusal.value.code == 404


def test_health_is_serving(ports):
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=10
        )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
