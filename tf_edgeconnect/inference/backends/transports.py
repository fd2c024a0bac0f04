"""Requests to TF Serving's API, by REST or by gRPC.

REST needs NumPy and Python's own library alone. gRPC needs TF Serving's messages, whose
import imports all of TensorFlow.
"""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import numpy as np

from tf_edgeconnect.errors import InputError, ServingError

MODEL_NAME = "edgeconnect"
MAX_BYTES = 256 * 2**20  # of one gRPC message, both ways
_CODES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    412: "FAILED_PRECONDITION",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_BUSY = (429, 503)
# How gRPC's server in C++ says so; requests that are too large have the same code.
_NO_THREAD = "Server Threadpool Exhausted"
_ONLY_OUTPUT = {
    "predict_edges": "edges",
    "inpaint_with_edges": "inpainted",
    "serving_bytes": "inpainted_bytes",
}


class Address(NamedTuple):
    """Where a model is served.

    Attributes:
        scheme: `grpc`, `grpcs`, `http` or `https`.
        host: with its port; for REST also the path above `/v1/models`.
        model: its name there.
        label: such as `canary`, in place of a version.
        version: a number; None: the latest.
        ca: PEM file of the authority to trust; None: the system's.
    """

    scheme: str
    host: str
    model: str = MODEL_NAME
    label: str | None = None
    version: int | None = None
    ca: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Reads `SCHEME://HOST:PORT[/NAME][?label=L|version=N][&ca=FILE]`.

        Raises:
            InputError: it is no such address.
        """
        parts = urlsplit(text)
        path, _, name = parts.path.rstrip("/").rpartition("/")
        given = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        version = given.get("version")
        if (
            not parts.netloc
            or set(given) - {"label", "version", "ca"}
            or {"label", "version"} <= set(given)
            or not (version or "0").isdecimal()
        ):
            raise InputError(
                f"model {text}: expected {parts.scheme}://HOST:PORT, then perhaps "
                f"/NAME (else {MODEL_NAME}), then ?label=L or ?version=N, and ca=FILE"
            )
        return cls(
            parts.scheme,
            parts.netloc + path.removesuffix("/v1/models"),
            name or MODEL_NAME,
            given.get("label"),
            None if version is None else int(version),
            given.get("ca"),
        )


class RestTransport:
    """TF Serving's REST paths; each request has its own connection."""

    def __init__(self, target: Address) -> None:
        self._url = f"{target.scheme}://{target.host}/v1/models/{target.model}"
        if target.label is not None:
            self._url += f"/labels/{target.label}"
        elif target.version is not None:
            self._url += f"/versions/{target.version}"
        self._trust = ssl.create_default_context(cafile=target.ca)

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray], seconds: float
    ) -> dict[str, np.ndarray]:
        """Calls a signature."""
        body = {
            "signature_name": signature,
            "inputs": {
                key: _to_json(np.asarray(value)) for key, value in inputs.items()
            },
        }
        outputs = self._ask(f"{self._url}:predict", seconds, body)["outputs"]
        if not isinstance(outputs, dict):
            # A single output comes without its name.
            outputs = {_ONLY_OUTPUT.get(signature, "output"): outputs}
        return {key: _from_json(value) for key, value in outputs.items()}

    def versions(self, seconds: float) -> dict[int, str]:
        """Asks for the state of each version."""
        answer = self._ask(self._url, seconds)
        return {
            int(status["version"]): status["state"]
            for status in answer["model_version_status"]
        }

    def _ask(self, url: str, seconds: float, body: dict | None = None) -> dict:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            url, data=data, headers={"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(
                request, timeout=seconds, context=self._trust
            ) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            code, busy = _CODES.get(error.code, "INTERNAL"), error.code in _BUSY
            raise ServingError(code, _message(error), busy=busy) from None
        except ValueError as error:
            raise ServingError(
                "INTERNAL", f"{url}: not a JSON answer: {error}"
            ) from None
        except OSError as error:
            reason = getattr(error, "reason", error)  # of a URLError
            if isinstance(reason, TimeoutError):
                late = f"no answer in {seconds:.1f} s"
                raise ServingError("DEADLINE_EXCEEDED", late) from None
            raise ServingError("UNAVAILABLE", f"{url}: {reason}") from None


def _message(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return text[:300] or error.reason


def _to_json(array: np.ndarray) -> object:
    if array.dtype != object:
        return array.tolist()
    return [{"b64": base64.b64encode(item).decode()} for item in array]


def _from_json(value: list) -> np.ndarray:
    if value and isinstance(value[0], dict):
        strings = np.empty(len(value), dtype=object)
        strings[:] = [base64.b64decode(item["b64"]) for item in value]
        return strings
    return np.array(value, dtype=np.uint8)


class GrpcTransport:
    """TF Serving's gRPC services; all requests share one channel.

    Args:
        target: the model's address.

    Raises:
        InputError: a package is missing.
    """

    def __init__(self, target: Address) -> None:
        try:
            import grpc
            import tensorflow  # noqa: F401 (the messages' own)
            from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
            from tensorflow_serving.apis.prediction_service_pb2_grpc import (
                PredictionServiceStub,
            )
        except ModuleNotFoundError as error:
            raise InputError(
                f"gRPC needs the package {error.name}: "
                "pip install 'tf-edgeconnect[serving]', or give an http:// address"
            ) from None
        options = [
            # Where a name stands for several servers, they take turns.
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.max_send_message_length", MAX_BYTES),
            ("grpc.max_receive_message_length", MAX_BYTES),
        ]
        if target.scheme == "grpcs":
            ca = None if target.ca is None else Path(target.ca).read_bytes()
            trust = grpc.ssl_channel_credentials(ca)
            channel = grpc.secure_channel(target.host, trust, options)
        else:
            channel = grpc.insecure_channel(target.host, options)
        self._target = target
        self._predict = PredictionServiceStub(channel).Predict
        self._status = ModelServiceStub(channel).GetModelStatus

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray], seconds: float
    ) -> dict[str, np.ndarray]:
        """Calls a signature."""
        import tensorflow as tf
        from tensorflow_serving.apis.predict_pb2 import PredictRequest

        request = PredictRequest()
        request.model_spec.signature_name = signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        answer = self._answer(self._predict, request, seconds)
        return {key: tf.make_ndarray(value) for key, value in answer.outputs.items()}

    def versions(self, seconds: float) -> dict[int, str]:
        """Asks for the state of each version."""
        from tensorflow_serving.apis.get_model_status_pb2 import (
            GetModelStatusRequest,
            ModelVersionStatus,
        )

        answer = self._answer(self._status, GetModelStatusRequest(), seconds)
        return {
            status.version: ModelVersionStatus.State.Name(status.state)
            for status in answer.model_version_status
        }

    def _answer(self, call: Callable, request: Any, seconds: float) -> Any:
        import grpc

        spec, target = request.model_spec, self._target
        spec.name = target.model
        if target.label is not None:
            spec.version_label = target.label
        elif target.version is not None:
            spec.version.value = target.version
        try:
            return call(request, timeout=seconds)
        except grpc.RpcError as error:
            code, sentence = error.code().name, error.details() or ""
            raise ServingError(code, sentence, busy=_NO_THREAD in sentence) from None
