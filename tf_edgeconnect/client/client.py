"""`Client`: asks a server for filled photos.

Arrays enter and leave as DESIGN's signatures have them: uint8, white = hole. REST needs
NumPy alone. gRPC needs grpcio and tensorflow-serving-api, whose messages import all of
TensorFlow; so they are imported when the first gRPC client is made, not before.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tf_edgeconnect.client.errors import ServingError

if TYPE_CHECKING:
    from tf_edgeconnect.client.grpc_wire import GrpcWire
    from tf_edgeconnect.client.rest_wire import RestWire

Result = TypeVar("Result")

MODEL_NAME = "edgeconnect"
MAX_BYTES = 256 * 2**20
_PASSES = "UNAVAILABLE"  # no server yet, or its queue is full: later may do
_LONGEST_PAUSE = 5.0


class Client:
    """A connection that several threads may use.

    Args:
        address: `host:port` for gRPC, `http://host:port` or `https://...` for REST.
        model: its name on the server.
        version: a number, or None for the latest.
        label: such as `canary`, in place of a version.
        timeout: seconds until a call is given up, its retries among them.
        attempts: how often a call is tried while the server is unavailable.
        max_bytes: bound of one gRPC message, both ways.
        ca: PEM file of the authority to trust; gRPC then speaks TLS. None: no TLS for
            gRPC, the system's authorities for https.

    Raises:
        InputError: gRPC is asked for and its packages are missing.

    Example:
        >>> with Client("127.0.0.1:8500") as client:
        ...     inpainted, edges = client.inpaint(image, mask)
    """

    _wire: "RestWire | GrpcWire"

    def __init__(
        self,
        address: str,
        *,
        model: str = MODEL_NAME,
        version: int | None = None,
        label: str | None = None,
        timeout: float = 60.0,
        attempts: int = 4,
        max_bytes: int = MAX_BYTES,
        ca: str | None = None,
    ) -> None:
        self.timeout, self.attempts = timeout, attempts
        target: dict[str, Any] = {"model": model, "version": version, "label": label}
        if address.startswith(("http://", "https://")):
            from tf_edgeconnect.client.rest_wire import RestWire

            self._wire = RestWire(address, ca=ca, **target)
        else:
            from tf_edgeconnect.client.grpc_wire import GrpcWire

            self._wire = GrpcWire(address, ca=ca, max_bytes=max_bytes, **target)
        # Arrays are short as protocol buffers and long as JSON.
        self.prefers_bytes = address.startswith("http")

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
            lambda seconds: self._wire.predict(signature, inputs, seconds)
        )

    def inpaint(
        self, image: np.ndarray, mask: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fills the holes of photos of one size.

        Args:
            image: uint8 `(B, H, W, 3)`.
            mask: uint8 `(B, H, W, 1)`, white = hole.

        Returns:
            Filled photos uint8 `(B, H, W, 3)`, edges uint8 `(B, H, W, 1)`.

        Raises:
            ServingError: as `predict`.
        """
        answer = self.predict("serving_default", {"image": image, "mask": mask})
        return answer["inpainted"], answer["edges"]

    def predict_edges(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Completes the edges of photos, paints nothing.

        Args:
            image: uint8 `(B, H, W, 3)`.
            mask: uint8 `(B, H, W, 1)`, white = hole.

        Returns:
            uint8 `(B, H, W, 1)`, white = line.

        Raises:
            ServingError: as `predict`.
        """
        return self.predict("predict_edges", {"image": image, "mask": mask})["edges"]

    def inpaint_with_edges(
        self, image: np.ndarray, mask: np.ndarray, edges: np.ndarray
    ) -> np.ndarray:
        """Fills holes along lines that a person drew.

        Args:
            image: uint8 `(B, H, W, 3)`.
            mask: uint8 `(B, H, W, 1)`, white = hole.
            edges: uint8 `(B, H, W, 1)`, white = line; they count inside the hole.

        Returns:
            Filled photos uint8 `(B, H, W, 3)`.

        Raises:
            ServingError: as `predict`.
        """
        inputs = {"image": image, "mask": mask, "edges": edges}
        return self.predict("inpaint_with_edges", inputs)["inpainted"]

    def inpaint_bytes(
        self, images: Sequence[bytes], masks: Sequence[bytes]
    ) -> list[bytes]:
        """Fills photos given as files; only their pixels come back.

        Args:
            images: PNG or JPEG files; sizes may differ.
            masks: as many, of their photos' sizes, white = hole.

        Returns:
            PNG files.

        Raises:
            ServingError: as `predict`.
        """
        inputs = {
            "image_bytes": np.array(images, dtype=object),
            "mask_bytes": np.array(masks, dtype=object),
        }
        return list(self.predict("serving_bytes", inputs)["inpainted_bytes"])

    def versions(self) -> dict[int, str]:
        """Returns version -> state, such as `AVAILABLE`.

        Raises:
            ServingError: as `predict`.
        """
        return self._patiently(self._wire.versions)

    def close(self) -> None:
        """Ends the connection."""
        self._wire.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _patiently(self, call: Callable[[float], Result]) -> Result:
        """Tries a call of (seconds left) until it passes, fails for good or is late."""
        end = time.monotonic() + self.timeout
        for attempt in range(1, self.attempts + 1):
            try:
                return call(max(end - time.monotonic(), 0.001))
            except ServingError as error:
                # Drawn, so that many clients do not come back at once.
                pause = min(_LONGEST_PAUSE, 0.1 * 2**attempt) * random.uniform(0.5, 1)
                late = time.monotonic() + pause >= end
                if error.code != _PASSES or attempt == self.attempts or late:
                    raise
                time.sleep(pause)
        raise ValueError(f"attempts must be 1 or more, got {self.attempts}")
