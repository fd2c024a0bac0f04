"""The REST side: predict, status and metadata, with TF Serving's paths and JSON.

`POST /v1/models/NAME[/versions/N]:predict` takes `inputs` (whole batch) or `instances`
(a list of examples); `GET /v1/models/NAME[/versions/N]` is the status, and with
`/metadata` the signatures. Bytes travel as `{"b64": "..."}`.
"""

import base64
import binascii
import json
import re
from http import HTTPStatus

import numpy as np
import tensorflow as tf

from tf_edgeconnect.local_http import Answer, Handler, LocalServer, as_json
from tf_edgeconnect.server.grpc_service import check_spec, metadata
from tf_edgeconnect.server.loading import RequestError, ServedModel

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+))?"
    r"(?P<verb>:predict|/metadata)?"
)
_STATUS = {
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "FAILED_PRECONDITION": HTTPStatus.PRECONDITION_FAILED,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
}


def start_rest(
    model: ServedModel, name: str, host: str, port: int, max_bytes: int
) -> LocalServer:
    """Starts the REST server.

    Args:
        model: what answers.
        name: the model's name in paths.
        host: to listen on.
        port: 0 for a free one.
        max_bytes: bound of a request's body.

    Returns:
        The running server.

    Raises:
        InputError: the address cannot be bound.
    """

    class WithModel(_Handler):
        served, served_name, limit = model, name, max_bytes

    return LocalServer(WithModel, host, port, "--rest-port")


class _Handler(Handler):
    served: ServedModel
    served_name: str
    limit: int

    def refusal(self, error: Exception) -> tuple[HTTPStatus, str] | None:
        if isinstance(error, RequestError):
            code = _STATUS.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
            return code, str(error)
        return super().refusal(error)

    def get(self) -> Answer:
        return as_json(self._facts())

    def post(self) -> Answer:
        return as_json(self._predictions())

    def _path(self, verbs: tuple[str | None, ...]) -> str | None:
        match = _PATH.fullmatch(self.path)
        if match is None or match["verb"] not in verbs:
            raise RequestError(
                "NOT_FOUND",
                f"{self.command} {self.path} is unknown; there is POST /v1/models/"
                f"{self.served_name}:predict and GET /v1/models/{self.served_name}",
            )
        version = int(match["version"]) if match["version"] else None
        check_spec(self.served, self.served_name, match["name"], version)
        return match["verb"]

    def _facts(self) -> dict:
        if self._path((None, "/metadata")):
            from google.protobuf import json_format

            return json_format.MessageToDict(
                metadata(self.served, self.served_name),
                preserving_proto_field_name=True,
            )
        status = {
            "version": str(self.served.version),
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
        return {"model_version_status": [status]}

    def _predictions(self) -> dict:
        body = self._sent()
        self._path((":predict",))
        try:
            request = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _invalid(f"the body is not JSON: {error}") from None
        if not isinstance(request, dict) or (
            ("inputs" in request) == ("instances" in request)
        ):
            raise _invalid('the body must be {"inputs": ...} or {"instances": [...]}')
        signature = request.get("signature_name", "")
        if not isinstance(signature, str):
            raise _invalid("signature_name must be a string")
        dtypes = self.served.dtypes(signature)
        by_row = "instances" in request
        columns = (
            _from_rows(request["instances"], dtypes) if by_row else request["inputs"]
        )
        if not isinstance(columns, dict):
            raise _invalid(f"inputs must be an object of {sorted(dtypes)}")
        arrays = {
            key: _array(key, value, dtypes[key]) if key in dtypes else np.zeros(())
            for key, value in columns.items()
        }
        outputs = self.served.predict(signature, arrays)
        encoded = {key: _json(key, value) for key, value in outputs.items()}
        if by_row:
            return {"predictions": _to_rows(encoded)}
        return {"outputs": _alone(encoded)}

    def _sent(self) -> bytes:
        length = self.announced()
        if length is None:
            raise _invalid("the request needs a Content-Length")
        if length > self.limit:
            raise _invalid(
                f"the body has {length} bytes, this server takes {self.limit}"
            )
        return self.body()


def _invalid(message: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", message)


def _from_rows(rows: object, dtypes: dict[str, tf.DType]) -> dict[str, list]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _invalid(f"instances must be a list of objects of {sorted(dtypes)}")
    if not rows or any(row.keys() != rows[0].keys() for row in rows):
        raise _invalid("instances must be one or more, all with the same inputs")
    return {key: [row[key] for row in rows] for key in rows[0]}


def _to_rows(columns: dict[str, list]) -> list:
    rows = zip(*columns.values(), strict=True)
    return [_alone(dict(zip(columns, row, strict=True))) for row in rows]


def _alone(values: dict) -> object:
    """As TF Serving: an only output comes without its name."""
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
    except (ValueError, TypeError, OverflowError, binascii.Error) as error:
        raise _invalid(f"input {key}: {' '.join(str(error).split())}") from None


def _bytes(value: object) -> object:
    if isinstance(value, list):
        return [_bytes(item) for item in value]
    if isinstance(value, dict) and value.keys() == {"b64"}:
        return base64.b64decode(value["b64"], validate=True)
    if isinstance(value, str):
        return value.encode()
    raise ValueError('expected strings or {"b64": "..."}')


def _json(key: str, array: np.ndarray) -> list:
    if array.dtype != object:
        return array.tolist()
    # As TF Serving: outputs whose names end so are bytes.
    if key.endswith("_bytes"):
        return [{"b64": base64.b64encode(item).decode()} for item in array.tolist()]
    return [item.decode(errors="replace") for item in array.tolist()]
