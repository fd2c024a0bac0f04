"""The gRPC side: Predict, GetModelMetadata, GetModelStatus and health.

The messages are TF Serving's own. Every refusal is a status code and one sentence.
"""

from collections.abc import Callable, Sequence
from concurrent import futures
from functools import wraps
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tf_edgeconnect.server.loading import RequestError, ServedModel

SIGNATURE_FIELD = "signature_def"
_AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE


def start_grpc(
    model: ServedModel, name: str, address: str, max_bytes: int, threads: int
) -> tuple[grpc.Server, int]:
    """Starts the gRPC server.

    Args:
        model: what answers.
        name: the model's name in requests.
        address: `host:port`, port 0 for a free one.
        max_bytes: bound of one message.
        threads: requests at work at once.

    Returns:
        The running server and its port.

    Raises:
        RuntimeError: the address cannot be bound.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(threads),
        options=[
            ("grpc.max_receive_message_length", max_bytes),
            ("grpc.max_send_message_length", max_bytes),
            ("grpc.so_reuseport", 0),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Prediction(model, name), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        _Status(model, name), server
    )
    checks = health.HealthServicer()
    checks.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port(address)
    server.start()
    return server, port


def _answers(method: Callable) -> Callable:
    @wraps(method)
    def answer(self: Any, request: Any, context: Any) -> Any:
        try:
            return method(self, request)
        except RequestError as error:
            context.abort(grpc.StatusCode[error.code], str(error))

    return answer


def check_spec(model: ServedModel, name: str, asked: str, version: int | None) -> None:
    """Refuses requests for another model or version.

    Args:
        model: what is served.
        name: its name.
        asked: the name of the request.
        version: of the request; None for the latest.

    Raises:
        RequestError: it is not the one that is served.
    """
    if asked != name:
        raise RequestError(
            "NOT_FOUND", f"model {asked!r} is not served here; {name!r} is"
        )
    if version is not None and version != model.version:
        raise RequestError(
            "NOT_FOUND",
            f"version {version} of {name!r} is not served here; {model.version} is",
        )


def _check(model: ServedModel, name: str, spec: Any) -> None:
    choice = spec.WhichOneof("version_choice")
    if choice == "version_label":
        raise RequestError(
            "FAILED_PRECONDITION",
            f"version label {spec.version_label!r} is unknown: this development server "
            "has none, TF Serving takes them from its model config",
        )
    version = spec.version.value if choice == "version" else None
    check_spec(model, name, spec.name, version)


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model: ServedModel, name: str) -> None:
        self._model, self._name = model, name

    @_answers
    def Predict(self, request: Any) -> Any:
        _check(self._model, self._name, request.model_spec)
        signature = request.model_spec.signature_name
        inputs = {key: _array(key, proto) for key, proto in request.inputs.items()}
        outputs = self._model.predict(signature, inputs)
        outputs = _chosen(outputs, request.output_filter)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self._name
        response.model_spec.version.value = self._model.version
        response.model_spec.signature_name = signature
        for key, value in outputs.items():
            response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
        return response

    @_answers
    def GetModelMetadata(self, request: Any) -> Any:
        _check(self._model, self._name, request.model_spec)
        if list(request.metadata_field) != [SIGNATURE_FIELD]:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"metadata_field must be {SIGNATURE_FIELD!r}, got "
                f"{list(request.metadata_field)}",
            )
        return metadata(self._model, self._name)


class _Status(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, model: ServedModel, name: str) -> None:
        self._model, self._name = model, name

    @_answers
    def GetModelStatus(self, request: Any) -> Any:
        _check(self._model, self._name, request.model_spec)
        response = get_model_status_pb2.GetModelStatusResponse()
        response.model_version_status.add(version=self._model.version, state=_AVAILABLE)
        return response


def metadata(
    model: ServedModel, name: str
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Returns the signatures as TF Serving tells them.

    Args:
        model: what is served.
        name: its name.
    """
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for key, definition in model.signatures.items():
        signatures.signature_def[key].CopyFrom(definition)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = name
    response.model_spec.version.value = model.version
    response.metadata[SIGNATURE_FIELD].Pack(signatures)
    return response


def _array(key: str, proto: Any) -> np.ndarray:
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, DecodeError) as error:
        raise RequestError(
            "INVALID_ARGUMENT", f"input {key} is no valid tensor: {error}"
        ) from None


def _chosen(outputs: dict, names: Sequence[str]) -> dict:
    unknown = [key for key in names if key not in outputs]
    if unknown:
        raise RequestError(
            "INVALID_ARGUMENT",
            f"output_filter names {unknown}; outputs are {sorted(outputs)}",
        )
    return {key: outputs[key] for key in names} if names else outputs
