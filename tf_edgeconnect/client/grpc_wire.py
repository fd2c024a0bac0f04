"""The gRPC side of the client.

Importing this module imports TensorFlow: the messages of TF Serving's API need those of
TensorFlow. Nothing else of TensorFlow is used here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.client.errors import ServingError
from tf_edgeconnect.errors import InputError

try:
    import grpc
    from tensorflow.core.framework import tensor_pb2, types_pb2
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

_UINT8, _STRING = types_pb2.DT_UINT8, types_pb2.DT_STRING
_TYPES = {
    np.dtype(np.uint8): _UINT8,
    np.dtype(np.int32): types_pb2.DT_INT32,
    np.dtype(np.float32): types_pb2.DT_FLOAT,
}


class GrpcWire:
    """TF Serving's services behind one channel; see `Client` for the arguments."""

    def __init__(
        self,
        address: str,
        *,
        model: str,
        version: int | None,
        label: str | None,
        max_bytes: int,
        ca: str | None,
    ) -> None:
        options = [
            # Where a name stands for several servers, they take turns.
            ("grpc.lb_policy_name", "round_robin"),
            ("grpc.max_send_message_length", max_bytes),
            ("grpc.max_receive_message_length", max_bytes),
        ]
        if ca is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            trust = grpc.ssl_channel_credentials(Path(ca).read_bytes())
            self._channel = grpc.secure_channel(address, trust, options)
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._target = model, version, label

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray], seconds: float
    ) -> dict[str, np.ndarray]:
        """Calls a signature once; see `Client.predict`."""
        request = predict_pb2.PredictRequest()
        self._name(request.model_spec)
        request.model_spec.signature_name = signature
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tensor_of(np.asarray(value)))
        answer = _call(self._prediction.Predict, request, seconds)
        return {key: array_of(value) for key, value in answer.outputs.items()}

    def versions(self, seconds: float) -> dict[int, str]:
        """Asks for the versions once; see `Client.versions`."""
        request = get_model_status_pb2.GetModelStatusRequest()
        self._name(request.model_spec)
        answer = _call(self._models.GetModelStatus, request, seconds)
        states = get_model_status_pb2.ModelVersionStatus.State
        return {
            status.version: states.Name(status.state)
            for status in answer.model_version_status
        }

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def _name(self, spec: Any) -> None:
        spec.name, version, label = self._target
        if label is not None:
            spec.version_label = label
        elif version is not None:
            spec.version.value = version


def _call(method: Callable[..., Any], request: Any, seconds: float) -> Any:
    try:
        return method(request, timeout=seconds)
    except grpc.RpcError as error:
        raise ServingError(error.code().name, error.details()) from None


def tensor_of(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Writes an array as a message.

    Args:
        array: uint8, int32, float32, or objects that are bytes; any shape.
    """
    proto = tensor_pb2.TensorProto()
    for length in array.shape:
        proto.tensor_shape.dim.add(size=length)
    if array.dtype == object:
        proto.dtype = _STRING
        proto.string_val.extend(array.ravel().tolist())
        return proto
    if array.dtype not in _TYPES:
        known = ", ".join(map(str, _TYPES))
        raise InputError(f"arrays to send are {known} or bytes, got {array.dtype}")
    proto.dtype = _TYPES[array.dtype]
    proto.tensor_content = array.tobytes()
    return proto


def array_of(proto: tensor_pb2.TensorProto) -> np.ndarray:
    """Reads an array from a message: uint8, or objects that are bytes.

    Args:
        proto: as a server sends it; numbers packed, or one by one (the last one then
            stands for all that follow).
    """
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.dtype == _STRING:
        strings = np.empty(len(proto.string_val), dtype=object)
        strings[:] = proto.string_val
        return strings.reshape(shape)
    if proto.dtype != _UINT8:
        raise ServingError("INTERNAL", f"an output has the type {proto.dtype}")
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, np.uint8).reshape(shape)
    count = int(np.prod(shape))
    values = np.array(proto.int_val, np.uint8)
    rest = np.full(count - len(values), values[-1] if len(values) else 0, np.uint8)
    return np.concatenate([values, rest]).reshape(shape)
