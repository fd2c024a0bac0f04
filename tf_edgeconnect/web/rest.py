"""The REST side of `serve`: TF Serving's predict, status and metadata.

`POST /v1/models/NAME[/versions/N]:predict` takes `inputs` (whole batch) or `instances`
(a list of examples); `GET /v1/models/NAME[/versions/N]` is the status, and with
`/metadata` the signatures. Bytes travel as `{"b64": "..."}`.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tf_edgeconnect.web.app import Application
from tf_edgeconnect.web.grpc import metadata, status
from tf_edgeconnect.web.served_model import RequestError, ServedModel


def rest(model: ServedModel, host: str) -> Application:
    """Returns the application of a model for a server that listens on `host`."""

    def endpoint(answer: Callable[[bytes], dict]) -> Callable[[Request], JSONResponse]:
        def checked(request: Request) -> JSONResponse:
            model.check(request.path_params["name"], request.path_params.get("version"))
            return JSONResponse(answer(request.state.body))

        return checked

    predict = endpoint(lambda body: _predict(model, body))
    signatures = endpoint(lambda _: _as_dict(metadata(model)))
    state = endpoint(lambda _: _as_dict(status(model)))
    routes = []
    for path in ("/v1/models/{name}", "/v1/models/{name}/versions/{version}"):
        routes += [
            Route(path + ":predict", predict, methods=["POST"]),
            Route(path + "/metadata", signatures),
            Route(path, state),
        ]
    return Application(routes, host)


def _as_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _predict(model: ServedModel, body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from None
    if not isinstance(request, dict) or ("inputs" in request) == (
        "instances" in request
    ):
        raise RequestError('the body must be {"inputs": ...} or {"instances": [...]}')
    signature = request.get("signature_name", "")
    if not isinstance(signature, str):
        raise RequestError("signature_name must be a string")
    by_row = "instances" in request
    inputs = _columns(request["instances"]) if by_row else request["inputs"]
    if not isinstance(inputs, dict):
        raise RequestError("inputs must be an object: input name -> array")
    outputs = model.predict(signature, inputs, _array)
    encoded = {key: _json(key, value) for key, value in outputs.items()}
    if not by_row:
        return {"outputs": _alone(encoded)}
    rows = zip(*encoded.values(), strict=True)
    return {
        "predictions": [_alone(dict(zip(encoded, row, strict=True))) for row in rows]
    }


def _columns(rows: object) -> dict[str, list]:
    if (
        not isinstance(rows, list)
        or not rows
        or not all(isinstance(row, dict) for row in rows)
        or any(row.keys() != rows[0].keys() for row in rows)
    ):
        raise RequestError(
            "instances must be a list of one or more objects, all with the same inputs"
        )
    return {key: [row[key] for row in rows] for key in rows[0]}


def _alone(values: dict) -> object:
    """Drops the name of a single output, as TF Serving does."""
    return values if len(values) > 1 else next(iter(values.values()))


def _array(key: str, value: object, dtype: tf.DType) -> np.ndarray:
    try:
        if dtype == tf.string:
            return np.array(_bytes(value), dtype=object)
        array = np.array(value)
        if array.dtype.kind not in "iu" and array.size:
            raise ValueError(f"expected numbers of type {dtype.name}")
        if array.size and not (dtype.min <= array.min() and array.max() <= dtype.max):
            raise ValueError(f"expected numbers from {dtype.min} to {dtype.max}")
        return array.astype(dtype.as_numpy_dtype)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise RequestError(f"input {key}: {' '.join(str(error).split())}") from None


def _bytes(value: object) -> object:
    if isinstance(value, list):
        return [_bytes(item) for item in value]
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, dict) or value.keys() != {"b64"}:
        raise ValueError('expected strings or {"b64": "..."}')
    try:
        return base64.b64decode("".join(value["b64"].split()), validate=True)
    except (AttributeError, ValueError, binascii.Error):
        raise ValueError(
            "b64 must be a string of standard base64 (A-Z, a-z, 0-9, + and /, padded "
            f"with =), without a data: prefix; it begins with {value['b64']!r:.24}"
        ) from None


def _json(key: str, array: np.ndarray) -> list:
    if array.dtype != object:
        return array.tolist()
    # As in TF Serving, outputs with this ending are bytes.
    if key.endswith("_bytes"):
        return [{"b64": base64.b64encode(item).decode()} for item in array.tolist()]
    return [item.decode(errors="replace") for item in array.tolist()]
