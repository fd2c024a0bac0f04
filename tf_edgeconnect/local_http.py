"""Small HTTP servers on this machine: the editor and REST for development.

A `Handler` says what is answered; a `LocalServer` listens in threads of its own. A
refusal is JSON, `{"error": a sentence}`; a fault of ours is one too, and is printed.
There is no TLS and nobody has to log in: commands listen on loopback by default.
"""

import json
import threading
import traceback
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import PurePath
from typing import ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from tf_edgeconnect.errors import InputError

Answer = tuple[str, bytes]  # content type and content

# For pages: nothing of them may come from, or go to, anywhere else.
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FAULT = "something failed; the terminal of the server says what"
READ_SECONDS = 60
POLL_SECONDS = 0.1  # how soon a stop is noticed
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


class RefusedError(Exception):
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Answers requests: a subclass gives `get`, `post` and what its errors mean.

    Attributes:
        headers_of_all: sent with every answer.
    """

    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS
    headers_of_all: ClassVar[Mapping[str, str]] = {}
    _unread = False  # a body that was sent and not read

    def get(self) -> Answer:
        """Answers a GET."""
        raise NotImplementedError

    def post(self) -> Answer:
        """Answers a POST."""
        raise NotImplementedError

    def refusal(self, error: Exception) -> tuple[HTTPStatus, str] | None:
        """Status and sentence for an error of `get` or `post`; None: a fault of ours.

        Args:
            error: what was raised.
        """
        if isinstance(error, RefusedError):
            return error.status, str(error)
        return None

    def asked(self) -> tuple[str, dict[str, str]]:
        """The path of the request, and its query: each key's first value."""
        url = urlsplit(self.path)
        return url.path, {key: one[0] for key, one in parse_qs(url.query).items()}

    def announced(self) -> int | None:
        """How many bytes the request says it has; None where it says nothing sound."""
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isascii() and length.isdecimal() else None

    def body(self) -> bytes:
        """Reads what was announced; check that first."""
        self._unread = False
        return self.rfile.read(self.announced() or 0)

    def do_GET(self) -> None:  # noqa: N802, the name http.server asks for
        """Answers with `get`."""
        self._answer(self.get)

    def do_POST(self) -> None:  # noqa: N802, the name http.server asks for
        """Answers with `post`."""
        self._unread = True
        self._answer(self.post)

    def log_message(self, *arguments: object) -> None:
        """Requests are not logged: they would tell who did what when."""

    def _answer(self, method: Callable[[], Answer]) -> None:
        status = HTTPStatus.OK
        try:
            kind, content = method()
        except (ConnectionError, TimeoutError):  # an upload broke off
            self.close_connection = True
            return
        except Exception as error:
            refusal = self.refusal(error)
            if refusal is None:
                traceback.print_exc()
                refusal = HTTPStatus.INTERNAL_SERVER_ERROR, FAULT
            status, message = refusal
            kind, content = as_json({"error": message})
        if self._unread:  # so nothing may follow it
            self.close_connection = True
        try:
            self._send(status, kind, content)
        except ConnectionError:  # the page was closed
            self.close_connection = True

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        own = {"Content-Type": kind, "Content-Length": str(len(content))}
        for name, value in {**self.headers_of_all, **own}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)


class LocalServer:
    """Answers in threads of its own until it is stopped; a context that stops it.

    Args:
        handler: a class, whose attributes hold what is served.
        host: to listen on.
        port: 0 for a free one.
        option: of the command, by which another port is given.

    Attributes:
        port: on which it listens.

    Raises:
        InputError: the port is taken, or the address is none of this machine.
    """

    def __init__(
        self, handler: type[Handler], host: str, port: int, option: str = "--port"
    ) -> None:
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            raise InputError(
                f"cannot listen on {host}:{port} ({error.strerror or error}): give "
                f"another {option} or --host"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True
        )
        self._thread.start()
        self.port = self._server.server_address[1]

    def wait(self) -> None:
        """Returns when the server has been stopped."""
        self._thread.join()

    def stop(self) -> None:
        """Stops it; what was answered stays so."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def as_json(value: object) -> Answer:
    """Gives a value as JSON."""
    return "application/json", json.dumps(value).encode()


def page_file(package: str, path: str, names: Collection[str]) -> Answer | None:
    """Gives a file of a page.

    Args:
        package: that holds the files.
        path: of the request; `/` is `page.html`.
        names: of the page's files.

    Returns:
        The file; None where the path names none.
    """
    name = path.removeprefix("/") or "page.html"
    if name not in names:
        return None
    file = resources.files(package).joinpath(name)
    return _KINDS[PurePath(name).suffix], file.read_bytes()
