"""The gRPC side of `serving`.

Importing this module imports all of TensorFlow: the messages of TF Serving's API need
those of TensorFlow.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.errors import InputError, ServingError

try:
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import (
        get_model_status_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )
except ModuleNotFoundError as error:
    raise InputError(
        f"gRPC needs the package {error.name}: pip install 'tf-edgeconnect[serving]', "
        "or give an http:// address"
    ) from None


class GrpcTransport:
    """TF Serving's services behind one channel."""

    def __init__(
        self,
        host: str,
        model: str,
        *,
        label: str | None,
        version: int | None,
        tls: bool,
        ca: str | None,
        max_bytes: int,
    ) -> None:
        options = [
            # Where a name stands for several servers, they take turns.
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.max_send_message_length", max_bytes),
            ("grpc.max_receive_message_length", max_bytes),
        ]
        if tls:
            authority = None if ca is None else Path(ca).read_bytes()
            trust = grpc.ssl_channel_credentials(authority)
            channel = grpc.secure_channel(host, trust, options)
        else:
            channel = grpc.insecure_channel(host, options)
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._target = model, label, version

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray], seconds: float
    ) -> dict[str, np.ndarray]:
        """Calls a signature."""
        request = predict_pb2.PredictRequest()
        self._name(request.model_spec)
        request.model_spec.signature_name = signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        answer = _call(self._prediction.Predict, request, seconds)
        return {key: tf.make_ndarray(value) for key, value in answer.outputs.items()}

    def versions(self, seconds: float) -> dict[int, str]:
        """Asks for the state of each version."""
        request = get_model_status_pb2.GetModelStatusRequest()
        self._name(request.model_spec)
        answer = _call(self._models.GetModelStatus, request, seconds)
        states = get_model_status_pb2.ModelVersionStatus.State
        return {
            status.version: states.Name(status.state)
            for status in answer.model_version_status
        }

    def _name(self, spec: Any) -> None:
        spec.name, label, version = self._target
        if label is not None:
            spec.version_label = label
        elif version is not None:
            spec.version.value = version


def _call(method: Callable[..., Any], request: Any, seconds: float) -> Any:
    try:
        return method(request, timeout=seconds)
    except grpc.RpcError as error:
        raise ServingError(error.code().name, error.details()) from None
