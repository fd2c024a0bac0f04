"""The gRPC side of `serve`: Predict, GetModelMetadata, GetModelStatus and health.

The messages are TF Serving's own. An error is a status code and one sentence.
"""

import math
from collections.abc import Callable
from concurrent import futures
from functools import wraps
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.web.served_model import RequestError, ServedModel

MAX_MESSAGE = 256 * 2**20  # bytes: a photo of 60 megapixels as an array
THREADS = 8  # concurrent requests
SIGNATURE_FIELD = "signature_def"


def start_grpc(model: ServedModel, address: str) -> tuple[grpc.Server, int]:
    """Starts the gRPC server on `host:port`; returns it and its port.

    Raises:
        InputError: the address cannot be bound.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(THREADS),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", MAX_MESSAGE),
            ("grpc.so_reuseport", 0),
        ],
    )
    services = _Services(model)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        services, server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    checks = health.HealthServicer()
    checks.set("", health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        raise InputError(
            f"cannot listen on {address}: give another --port or --host"
        ) from None
    server.start()
    return server, port


def metadata(model: ServedModel) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Returns the signatures in TF Serving's message."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for key, definition in model.signatures.items():
        signatures.signature_def[key].CopyFrom(definition)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = model.name
    response.model_spec.version.value = model.version
    response.metadata[SIGNATURE_FIELD].Pack(signatures)
    return response


def status(model: ServedModel) -> get_model_status_pb2.GetModelStatusResponse:
    """Returns TF Serving's message that the version is available."""
    response = get_model_status_pb2.GetModelStatusResponse()
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    version = response.model_version_status.add(version=model.version, state=available)
    version.status.SetInParent()
    return response


def _answers(method: Callable) -> Callable:
    """Checks the model's name and version; turns `RequestError` into a gRPC status."""

    @wraps(method)
    def answer(self: "_Services", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            self.check(request.model_spec)
            return method(self, request)
        except RequestError as error:
            context.abort(error.code, error.detail)

    return answer


class _Services(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    def __init__(self, model: ServedModel) -> None:
        self._model = model

    def check(self, spec: Any) -> None:
        choice = spec.WhichOneof("version_choice")
        if choice == "version_label":
            raise RequestError(
                f"version label {spec.version_label!r} is unknown: this development "
                "server has none, TF Serving takes them from its model config",
                grpc.StatusCode.FAILED_PRECONDITION,
            )
        self._model.check(spec.name, str(spec.version.value) if choice else None)

    @_answers
    def Predict(self, request: Any) -> Any:
        signature = request.model_spec.signature_name
        outputs = self._model.predict(signature, request.inputs, _array)
        if unknown := set(request.output_filter) - set(outputs):
            raise RequestError(
                f"output_filter names {sorted(unknown)}; outputs are {sorted(outputs)}"
            )
        response = predict_pb2.PredictResponse()
        response.model_spec.name = self._model.name
        response.model_spec.version.value = self._model.version
        response.model_spec.signature_name = signature
        for key in request.output_filter or outputs:
            response.outputs[key].CopyFrom(tf.make_tensor_proto(outputs[key]))
        return response

    @_answers
    def GetModelMetadata(self, request: Any) -> Any:
        fields = list(request.metadata_field)
        if fields != [SIGNATURE_FIELD]:
            raise RequestError(
                f"metadata_field must be {SIGNATURE_FIELD!r}, got {fields}"
            )
        return metadata(self._model)

    @_answers
    def GetModelStatus(self, request: Any) -> Any:
        return status(self._model)


def _array(key: str, proto: Any, dtype: tf.DType) -> np.ndarray:
    try:
        got = types_pb2.DataType.Name(proto.dtype)
        if proto.dtype != dtype.as_datatype_enum:
            raise ValueError(f"expected type {dtype.name}, got {got}")
        # One value may stand for all, so a few bytes could take all memory.
        shape = [dim.size for dim in proto.tensor_shape.dim]
        small = math.prod(shape) * dtype.size <= MAX_MESSAGE
        if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0 or not small:
            raise ValueError(f"shape {shape} is not supported")
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, OverflowError, DecodeError) as error:
        raise RequestError(
            f"input {key} is not a valid tensor: {one_line(error)}"
        ) from None
