"""`LocalServer`: an export behind gRPC and REST, until it is stopped."""

from pathlib import Path

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.server.grpc_service import start_grpc
from tf_edgeconnect.server.loading import ServedModel
from tf_edgeconnect.server.rest import start_rest

MODEL_NAME = "edgeconnect"
MAX_BYTES = 256 * 2**20  # a message: a photo of 60 megapixels as an array
THREADS = 8


class LocalServer:
    """Serves the latest version of an export; a new version needs a new start.

    Args:
        export: folder of version folders.
        host: to listen on.
        port: of gRPC, 0 for a free one.
        rest_port: of REST, 0 for a free one.
        name: the model's name in requests.
        max_bytes: bound of one message.

    Attributes:
        port: of gRPC.
        rest_port: of REST.
        model: the `ServedModel`.

    Raises:
        InputError: the export does not load, or a port is taken.

    Example:
        >>> with LocalServer("exported", port=0, rest_port=0) as server:
        ...     client = Client(f"127.0.0.1:{server.port}")
    """

    def __init__(
        self,
        export: str | Path,
        *,
        host: str = "127.0.0.1",
        port: int = 8500,
        rest_port: int = 8501,
        name: str = MODEL_NAME,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.model = ServedModel(export)
        try:
            self._grpc, self.port = start_grpc(
                self.model, name, _address(host, port), max_bytes, THREADS
            )
        except RuntimeError:
            self.model.close()
            raise InputError(
                f"cannot listen on {host}:{port}: give another --port or --host"
            ) from None
        try:
            self._rest = start_rest(self.model, name, host, rest_port, max_bytes)
        except InputError:
            self._grpc.stop(None).wait()
            self.model.close()
            raise
        self.rest_port = self._rest.port

    def wait(self) -> None:
        """Returns when the server has been stopped."""
        self._grpc.wait_for_termination()

    def stop(self, grace: float | None = None) -> None:
        """Stops both; requests at work get some time.

        Args:
            grace: seconds; None gives none.
        """
        self._rest.stop()
        self._grpc.stop(grace).wait()
        self.model.close()

    def __enter__(self) -> "LocalServer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
