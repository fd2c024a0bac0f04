"""Servers: `LocalServer` runs an application, `ModelServer` an export.

Only `ModelServer` imports TensorFlow and gRPC.
"""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.backends.transports import MODEL_NAME

HEADER_SECONDS = 30.0  # to receive the head of a request
GRACE_SECONDS = 5  # for running requests when a server stops
_SETTINGS: dict[str, Any] = {
    "access_log": False,
    "lifespan": "off",
    "log_config": None,
    "log_level": "critical",  # `Application` prints errors
    "proxy_headers": False,
    "server_header": False,
    "timeout_graceful_shutdown": GRACE_SECONDS,
    "ws": "none",
}


class LocalServer:
    """Runs an application in a thread; a context manager that stops it.

    Args:
        app: the application.
        host: a name or an address of this machine, IPv4 or IPv6.
        port: 0 for a free one.
        option: the command's option for the port, for messages.

    Attributes:
        port: the port it listens on.
        url: where it answers.

    Raises:
        InputError: the port is taken, or the address is not this machine's.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int = 0, option: str = "--port"
    ) -> None:
        listener = _listen(host, port, option)
        self.port = listener.getsockname()[1]
        self.url = f"http://{authority(host, self.port)}/"
        config = uvicorn.Config(app, http=_Protocol, **_SETTINGS)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, daemon=True
        )
        self._thread.start()

    def wait(self) -> None:
        """Waits until the server is stopped."""
        self._thread.join()

    def stop(self) -> None:
        """Stops the server; running requests get some seconds to finish."""
        self._server.should_exit = True
        self._thread.join(GRACE_SECONDS + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def authority(host: str, port: int) -> str:
    """Joins host and port, IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Protocol(H11Protocol):
    """Closes a connection if the head of its request does not arrive in time.

    uvicorn 0.54 has no such limit.
    """

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.loop.call_later(
            HEADER_SECONDS, lambda: self.cycle is None and transport.close()
        )


def _listen(host: str, port: int, option: str) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot listen on {authority(host, port)} ({reason}): give another "
            f"{option} or --host"
        ) from None


class ModelServer(contextlib.ExitStack):
    """Serves the latest version of an export over gRPC and REST until it is closed.

    Args:
        export: folder of version folders.
        host: to listen on.
        port: of gRPC, 0 for a free one.
        rest_port: of REST, 0 for a free one.
        name: the model's name in requests.

    Attributes:
        port: of gRPC.
        rest_port: of REST.
        model: the `ServedModel`.

    Raises:
        InputError: the export does not load, or a port is taken.

    Example:
        >>> with ModelServer("exported") as server:
        ...     inpainter = Inpainter.load(f"grpc://127.0.0.1:{server.port}")
    """

    def __init__(
        self,
        export: str | Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rest_port: int = 0,
        name: str = MODEL_NAME,
    ) -> None:
        from tf_edgeconnect.web.grpc import start_grpc
        from tf_edgeconnect.web.rest import rest
        from tf_edgeconnect.web.served_model import ServedModel

        super().__init__()
        with contextlib.ExitStack() as started:
            self.model = ServedModel(export, name)
            started.callback(self.model.close)
            self._grpc, self.port = start_grpc(self.model, authority(host, port))
            started.callback(lambda: self._grpc.stop(GRACE_SECONDS).wait())
            app = rest(self.model, host)
            server = LocalServer(app, host, rest_port, "--rest-port")
            self.rest_port = started.enter_context(server).port
            self.enter_context(started.pop_all())

    def wait(self) -> None:
        """Waits until the server is stopped."""
        self._grpc.wait_for_termination()
