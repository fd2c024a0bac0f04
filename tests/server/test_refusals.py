"""What a server refuses, with which status; after each it answers a good request."""

import base64
import json
import urllib.error
import urllib.request

import numpy as np
import pytest

from tests.server.conftest import MAX_PIXELS, REAL_SERVER
from tf_edgeconnect.errors import ServingError
from tf_edgeconnect.inference.backends import transports
from tf_edgeconnect.inference.backends.serving import ServingBackend
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode

IMAGE = np.zeros((1, 12, 12, 3), np.uint8)
MASK = np.zeros((1, 12, 12, 1), np.uint8)
RNG = np.random.default_rng(6)
INPUTS = {"image": IMAGE, "mask": MASK}
NO_PICTURE = np.array([b"no picture"], dtype=object)
ours = pytest.mark.skipif(bool(REAL_SERVER), reason="TF Serving answers otherwise")

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


# TF Serving's REST ignores unknown inputs.
@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[ours] * (c == "an input too many")) for c in BAD]
)
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


@pytest.mark.parametrize("which", ["other", "edgeconnect?version=77"])
def test_an_unknown_model_or_version_is_not_found(addresses, answers_well, which):
    for address in addresses:
        with pytest.raises(ServingError, match="other|77") as refusal:
            ServingBackend(f"{address}/{which}").predict("serving_default", INPUTS)
        assert refusal.value.code == "NOT_FOUND"
    answers_well()


def test_floats_are_refused_over_grpc(addresses):
    client = ServingBackend(addresses[0])
    with pytest.raises(ServingError, match="uint8") as refusal:
        inputs = {"image": IMAGE.astype(np.float32), "mask": MASK}
        client.predict("serving_default", inputs)
    assert refusal.value.code == "INVALID_ARGUMENT"
    client.predict("serving_default", INPUTS)


def test_a_message_over_the_clients_bound_is_not_sent(addresses, monkeypatch):
    monkeypatch.setattr(transports, "MAX_BYTES", 1000)
    client = ServingBackend(addresses[0])
    inputs = {name: np.repeat(array, 9, 0) for name, array in INPUTS.items()}
    with pytest.raises(ServingError) as refusal:
        client.predict("serving_default", inputs)
    assert refusal.value.code == "RESOURCE_EXHAUSTED"


def test_a_server_that_is_not_there_is_unavailable():
    for address in ("grpc://127.0.0.1:1", "http://127.0.0.1:1"):
        client = ServingBackend(address, attempts=1, timeout=5)
        with pytest.raises(ServingError) as refusal:
            client.predict("serving_default", INPUTS)
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
        # TF Serving's REST wraps integers: 300 becomes 44.
        pytest.param(
            b'{"inputs": {"image": [[[[1, 2, 300]]]], "mask": [[[[0]]]]}}', marks=ours
        ),
        b'{"inputs": {"image": [[1], [1, 2]], "mask": [[[[0]]]]}}',
        b'{"inputs": ' + b"[" * 90000,
        b'{"inputs": {"image": [[[[true, true, true]]]], "mask": [[[[0]]]]}}',
    ],
)
def test_a_bad_body_is_a_bad_request(ports, body):
    url = f"http://127.0.0.1:{ports[1]}/v1/models/edgeconnect:predict"
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(urllib.request.Request(url, data=body))
    assert refusal.value.code == 400
    assert json.load(refusal.value)["error"]


def ask(ports, text):
    """Sends two pictures as base64; the mask is sound."""
    png = base64.b64encode(encode(Photo(MASK[0]), "PNG")).decode()
    inputs = {"image_bytes": [{"b64": text}], "mask_bytes": [{"b64": png}]}
    body = {"signature_name": "serving_bytes", "inputs": inputs}
    url = f"http://127.0.0.1:{ports[1]}/v1/models/edgeconnect:predict"
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_base64_may_have_line_breaks(ports):
    lines = base64.encodebytes(
        encode(Photo(RNG.integers(0, 256, (12, 12, 3), "u1")), "PNG")
    )
    assert lines.count(b"\n") > 1
    assert "b64" in ask(ports, lines.decode())["outputs"][0]


@ours
@pytest.mark.parametrize(
    "text", ["?", "data:image/png;base64,iVBORw0KGgo=", "a-_b", "iVBORw0KGgo", 3]
)
def test_other_kinds_of_base64_get_one_sentence(ports, text):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        ask(ports, text)
    assert refusal.value.code == 400
    sentence = json.load(refusal.value)["error"]
    assert sentence.startswith("input image_bytes: b64 must be a string of standard")
    assert sentence.endswith(f"it begins with {text!r:.24}")


def hostile(**fields):
    """A tensor of 1 x 12 x 12 x 3 with other fields."""
    import tensorflow as tf

    shape = fields.pop("shape", (1, 12, 12, 3))
    proto = tf.make_tensor_proto(IMAGE)
    proto.ClearField("tensor_content")
    proto.dtype = fields.pop("dtype", proto.dtype)
    proto.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    for name, value in fields.items():
        getattr(proto, name).append(value)
    return proto


DT_RESOURCE, DT_VARIANT, UNKNOWN = 20, 21, 99


@ours
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"int_val": 300}, "300"),
        ({"int_val": -1}, "-1"),
        ({"dtype": DT_RESOURCE}, "expected type uint8, got DT_RESOURCE"),
        ({"dtype": DT_VARIANT}, "expected type uint8, got DT_VARIANT"),
        ({"dtype": UNKNOWN}, "99"),
        ({"int_val": 1, "shape": (2**63 - 1,)}, "shape [9223372036854775807]"),
        ({"int_val": 1, "shape": (20000, 20000)}, "shape [20000, 20000]"),
        ({"int_val": 1, "shape": None}, "shape []"),
    ],
    ids=str,
)
def test_a_hostile_tensor_gets_a_sentence(ports, answers_well, fields, sentence):
    import grpc
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "edgeconnect"
    request.inputs["image"].CopyFrom(hostile(**fields))
    request.inputs["mask"].CopyFrom(hostile(int_val=0, shape=(1, 12, 12, 1)))
    with grpc.insecure_channel(f"127.0.0.1:{ports[0]}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        with pytest.raises(
            grpc.RpcError, match="input image is not a valid"
        ) as refusal:
            stub.Predict(request, timeout=30)
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert sentence in refusal.value.details()
    answers_well()


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
