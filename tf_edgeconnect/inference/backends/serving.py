"""`ServingBackend`: a model behind TF Serving's API; TensorFlow only with gRPC."""

import io
import math
import random
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from PIL import Image

from tf_edgeconnect.errors import ServingError
from tf_edgeconnect.inference.backends import SignatureBackend
from tf_edgeconnect.inference.backends.transports import (
    Address,
    GrpcTransport,
    RestTransport,
)
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode

Result = TypeVar("Result")

_LONGEST_PAUSE = 5.0


class ServingBackend(SignatureBackend):
    """A served export; several threads may use one connection.

    Args:
        address: `grpc://HOST:PORT` or `http://HOST:PORT`, see `Address.parse`.
        timeout: seconds after which a call, with its retries, fails.
        attempts: maximum number of calls if no server responds. A busy server is
            retried until `timeout`, unless this is 1.
        ca: PEM file of the certificate authority, in place of that in the address.

    Raises:
        InputError: the address is invalid, or gRPC's packages are missing.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout: float = 60.0,
        attempts: int = 4,
        ca: str | None = None,
    ) -> None:
        if attempts < 1:
            raise ValueError(f"attempts must be 1 or more, got {attempts}")
        target = Address.parse(address)
        target = target._replace(ca=ca or target.ca)
        self.description = f"the server {address}"
        self.timeout, self.attempts = timeout, attempts
        self._by_rest = target.scheme.startswith("http")
        self._transport = (RestTransport if self._by_rest else GrpcTransport)(target)

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills holes; by REST without returning edges."""
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
        """Returns Canny's edges where known; only the server knows its sigma."""
        return self.predict_edges(images, masks) * ~masks

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls a signature; strings are arrays of bytes objects.

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
        """Tries a call of (seconds left) until it succeeds or no retry can help."""
        end = time.monotonic() + self.timeout
        attempt, longest = 1, 0.1
        while True:
            try:
                return call(max(end - time.monotonic(), 0.001))
            except ServingError as error:
                longest = min(2 * longest, _LONGEST_PAUSE)
                # Drawn, so that many clients do not come back at once.
                pause = longest * random.uniform(0.5, 1)
                may_help = error.busy or error.code == "UNAVAILABLE"
                limit = math.inf if error.busy and self.attempts > 1 else self.attempts
                if not may_help or attempt >= limit or time.monotonic() + pause >= end:
                    raise
            attempt += 1
            time.sleep(pause)


def _pngs(planes: np.ndarray) -> np.ndarray:
    return np.array([encode(Photo(plane), "PNG") for plane in planes], dtype=object)
