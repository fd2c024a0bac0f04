"""The REST side of the client: NumPy and Python's own library, no TensorFlow."""

import base64
import json
import socket
import ssl
import urllib.error
import urllib.request

import numpy as np

from tf_edgeconnect.client.errors import ServingError

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


class RestWire:
    """TF Serving's REST paths below one address; see `Client` for the arguments."""

    def __init__(
        self,
        address: str,
        *,
        model: str,
        version: int | None,
        label: str | None,
        ca: str | None,
    ) -> None:
        self._url = f"{address.rstrip('/')}/v1/models/{model}"
        if label is not None:
            self._url += f"/labels/{label}"
        elif version is not None:
            self._url += f"/versions/{version}"
        self._trust = ssl.create_default_context(cafile=ca)

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray], seconds: float
    ) -> dict[str, np.ndarray]:
        """Calls a signature once; see `Client.predict`."""
        body = {
            "signature_name": signature,
            "inputs": {key: _json(np.asarray(value)) for key, value in inputs.items()},
        }
        outputs = self._ask(f"{self._url}:predict", seconds, body)["outputs"]
        if not isinstance(outputs, dict):
            # An only output comes without its name.
            outputs = {_ONLY.get(signature, "output"): outputs}
        return {key: _array(value) for key, value in outputs.items()}

    def versions(self, seconds: float) -> dict[int, str]:
        """Asks for the versions once; see `Client.versions`."""
        answer = self._ask(self._url, seconds)
        return {
            int(status["version"]): status["state"]
            for status in answer["model_version_status"]
        }

    def close(self) -> None:
        """Does nothing: each request has its own connection."""

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
            code = _CODES.get(error.code, "INTERNAL")
            raise ServingError(code, _sentence(error)) from None
        except TimeoutError:
            raise _late(seconds) from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError | socket.timeout):
                raise _late(seconds) from None
            raise ServingError("UNAVAILABLE", f"{url}: {error.reason}") from None
        except OSError as error:
            raise ServingError("UNAVAILABLE", f"{url}: {error}") from None
        except ValueError as error:
            raise ServingError("INTERNAL", f"{url}: no JSON came: {error}") from None


_ONLY = {
    "predict_edges": "edges",
    "inpaint_with_edges": "inpainted",
    "serving_bytes": "inpainted_bytes",
}


def _late(seconds: float) -> ServingError:
    return ServingError("DEADLINE_EXCEEDED", f"no answer in {seconds:.1f} s")


def _sentence(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return text[:300] or error.reason


def _json(array: np.ndarray) -> object:
    if array.dtype != object:
        return array.tolist()
    return [{"b64": base64.b64encode(item).decode()} for item in array]


def _array(value: list) -> np.ndarray:
    if value and isinstance(value[0], dict):
        strings = np.empty(len(value), dtype=object)
        strings[:] = [base64.b64decode(item["b64"]) for item in value]
        return strings
    return np.array(value, dtype=np.uint8)
