"""`ServingBackend`: a model behind TF Serving's API, over REST or gRPC.

REST needs NumPy and Python's own library. gRPC is imported late: TF Serving's messages
need those of TensorFlow, and importing them imports all of it.
"""

import base64
import io
import json
import random
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from tf_edgeconnect.errors import InputError, ServingError
from tf_edgeconnect.inference.backends import SignatureBackend
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode_png

Result = TypeVar("Result")

MODEL_NAME = "edgeconnect"
MAX_BYTES = 256 * 2**20  # of one gRPC message, both ways
_PASSES = "UNAVAILABLE"  # no server yet, or its queue is full: later may do
_LONGEST_PAUSE = 5.0
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


class ServingBackend(SignatureBackend):
    """A served export; several threads may use one connection.

    Args:
        address: `grpc://HOST:PORT` or `http://HOST:PORT`, see `Address.parse`.
        timeout: seconds until a call is given up, its retries among them.
        attempts: how often a call is tried while the server is unavailable.
        max_bytes: bound of one gRPC message, both ways.
        ca: PEM file of the authority to trust, in place of the address's.

    Raises:
        InputError: it is no address, or gRPC's packages are missing.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout: float = 60.0,
        attempts: int = 4,
        max_bytes: int = MAX_BYTES,
        ca: str | None = None,
    ) -> None:
        """Prepares the connection; nothing is sent yet."""
        if attempts < 1:
            raise ValueError(f"attempts must be 1 or more, got {attempts}")
        target = Address.parse(address)
        target = target._replace(ca=ca or target.ca)
        self.description = f"the server {address}"
        self.timeout, self.attempts = timeout, attempts
        self._by_rest = target.scheme.startswith("http")
        self._transport: Any
        if self._by_rest:
            self._transport = RestTransport(target)
        else:
            from tf_edgeconnect.inference.backends.serving_grpc import GrpcTransport

            self._transport = GrpcTransport(
                target.host,
                target.model,
                label=target.label,
                version=target.version,
                tls=target.scheme == "grpcs",
                ca=target.ca,
                max_bytes=max_bytes,
            )

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills holes; by REST without giving edges back."""
        if edges is not None or not self._by_rest:
            return super().fill(images, masks, edges)
        # Arrays are short as protocol buffers and long as JSON.
        files = {
            "image_bytes": _pngs(images),
            "mask_bytes": _pngs(np.uint8(255) * masks),
        }
        answers = self.predict("serving_bytes", files)["inpainted_bytes"]
        opened = [Image.open(io.BytesIO(answer)).convert("RGB") for answer in answers]
        return np.stack([np.asarray(image) for image in opened]), None

    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Canny's edges where known, by the server, which alone knows its sigma."""
        return self.predict_edges(images, masks) * ~masks

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls any signature.

        Args:
            signature: its name.
            inputs: input name -> array; strings as an array of bytes objects.

        Returns:
            Output name -> array.

        Raises:
            ServingError: the server refused, could not be reached, or took too long.
        """
        return self._patiently(
            lambda seconds: self._transport.predict(signature, inputs, seconds)
        )

    def versions(self) -> dict[int, str]:
        """Returns version -> state, such as `AVAILABLE`."""
        return self._patiently(self._transport.versions)

    def _patiently(self, call: Callable[[float], Result]) -> Result:
        """Tries a call of (seconds left) until it passes, fails for good or is late."""
        end = time.monotonic() + self.timeout
        attempt = 1
        while True:
            try:
                return call(max(end - time.monotonic(), 0.001))
            except ServingError as error:
                # Drawn, so that many clients do not come back at once.
                pause = min(_LONGEST_PAUSE, 0.1 * 2**attempt) * random.uniform(0.5, 1)
                late = time.monotonic() + pause >= end
                if error.code != _PASSES or attempt == self.attempts or late:
                    raise
            attempt += 1
            time.sleep(pause)


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
            "inputs": {key: _json(np.asarray(value)) for key, value in inputs.items()},
        }
        outputs = self._ask(f"{self._url}:predict", seconds, body)["outputs"]
        if not isinstance(outputs, dict):
            # An only output comes without its name.
            outputs = {_ONLY_OUTPUT.get(signature, "output"): outputs}
        return {key: _array(value) for key, value in outputs.items()}

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
            code = _CODES.get(error.code, "INTERNAL")
            raise ServingError(code, _sentence(error)) from None
        except ValueError as error:
            raise ServingError("INTERNAL", f"{url}: no JSON came: {error}") from None
        except OSError as error:
            reason = getattr(error, "reason", error)  # of a URLError
            if isinstance(reason, TimeoutError | socket.timeout):
                late = f"no answer in {seconds:.1f} s"
                raise ServingError("DEADLINE_EXCEEDED", late) from None
            raise ServingError("UNAVAILABLE", f"{url}: {reason}") from None


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


def _pngs(planes: np.ndarray) -> np.ndarray:
    return np.array([encode_png(Photo(plane)) for plane in planes], dtype=object)
