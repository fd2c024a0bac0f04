"""`EditorServer`: the editor's page over HTTP, on this machine unless told otherwise.

| request | body | answer |
|---|---|---|
| `GET /`, `/page.css`, `/*.js` | | the page |
| `GET /about` | | model, limits, samples |
| `GET /sample?name=` | | a sample photo, small |
| `POST /photo?name=` | a photo's file | its name here, its size |
| `POST /sample?name=` | | the same, of a sample photo |
| `GET /photo?photo=` | | PNG of a photo, for what browsers cannot show |
| `POST /lines?photo=&sigma=` | a sketch | PNG: known lines and imagined ones |
| `POST /fill?photo=&sigma=` | a sketch | PNG: the filled photo, of its own kind |
| `POST /sketch?photo=&sigma=&width=&height=` | | PNG: lines of a photo at that size |

A sketch is a PNG of the photo's size: its red is the lines, its green the hole.
"""

import json
import threading
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from urllib.parse import parse_qs, urlsplit

from tf_edgeconnect.client import ServingError
from tf_edgeconnect.data.photo_writing import encode_png
from tf_edgeconnect.data.photos import Photo, decode_photo
from tf_edgeconnect.editor.desk import Desk, GoneError, sample, thumbnail
from tf_edgeconnect.editor.painters import Painter
from tf_edgeconnect.errors import InputError

PAGE = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
} | {
    f"/{name}.js": (f"{name}.js", "text/javascript; charset=utf-8")
    for name in ("page", "layers", "view", "server")
}
HEADERS = {
    "Cache-Control": "no-store",
    # Nothing of the page may come from, or go to, anywhere else.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
# Forms of other sites cannot send these types without being asked.
BODY_KINDS = ("application/octet-stream", "image/png")
FAULT = {"error": "something failed; the editor's terminal says what"}
MAX_UPLOAD = 64 * 2**20
READ_SECONDS = 60
POLL_SECONDS = 0.1  # how soon a stop is noticed


class EditorServer:
    """Runs the editor until it is stopped.

    Args:
        painter: finds lines and fills holes.
        host: to listen on.
        port: 0 for a free one.

    Attributes:
        port: on which it listens.

    Raises:
        InputError: the port is taken.
    """

    def __init__(
        self, painter: Painter, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        class Handler(_Handler):
            desk = Desk(painter)

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise InputError(
                f"cannot listen on {host}:{port} ({error.strerror or error}): give "
                "another --port or --host"
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
        """Stops it; photos on its shelf are gone."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "EditorServer":
        return self

    def __exit__(self, *exception) -> None:
        self.stop()


class _RefusedError(Exception):
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    desk: Desk
    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS

    def do_GET(self) -> None:  # noqa: N802, the name http.server asks for
        self._answer(self._get)

    def do_POST(self) -> None:  # noqa: N802, the name http.server asks for
        self._answer(self._post)

    def log_message(self, *arguments) -> None:
        """Requests are not logged: they name people's pictures."""

    def _answer(self, method) -> None:
        status = HTTPStatus.OK
        try:
            kind, data = method()
        except _RefusedError as error:
            status, (kind, data) = error.status, _json({"error": str(error)})
        except GoneError as error:
            status, (kind, data) = HTTPStatus.GONE, _json({"error": str(error)})
        except InputError as error:
            status, (kind, data) = HTTPStatus.BAD_REQUEST, _json({"error": str(error)})
        except ServingError as error:
            status = HTTPStatus.BAD_GATEWAY
            kind, data = _json({"error": f"the endpoint answered {error}"})
        except (ConnectionError, TimeoutError):  # an upload broke off
            self.close_connection = True
            return
        except Exception:
            traceback.print_exc()  # a fault of ours
            status, (kind, data) = HTTPStatus.INTERNAL_SERVER_ERROR, _json(FAULT)
        try:
            self._send(status, kind, data)
        except ConnectionError:  # the page was closed
            self.close_connection = True

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        self.send_response(status)
        headers = HEADERS | {"Content-Type": kind, "Content-Length": str(len(data))}
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _get(self) -> tuple[str, bytes]:
        path, query = self._asked()
        if path in PAGE:
            name, kind = PAGE[path]
            return kind, resources.files(__package__).joinpath(name).read_bytes()
        if path == "/about":
            return _json(self.desk.about() | {"max_bytes": MAX_UPLOAD})
        if path == "/sample":
            return "image/png", thumbnail(query.get("name", ""))
        if path == "/photo":
            return "image/png", encode_png(self.desk.photo(query))
        raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _post(self) -> tuple[str, bytes]:
        body, (path, query) = self._body(), self._asked()
        if path == "/photo":
            photo = decode_photo(body, query.get("name", "that was sent"))
            return _json(self.desk.take(photo))
        if path == "/sample":
            return _json(self.desk.take(Photo(sample(query.get("name", "")))))
        if path == "/lines":
            return "image/png", self.desk.lines(query, body)
        if path == "/fill":
            return "image/png", self.desk.fill(query, body)
        if path == "/sketch":
            return "image/png", self.desk.photo_lines(query)
        raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _asked(self) -> tuple[str, dict[str, str]]:
        url = urlsplit(self.path)
        return url.path, {key: one[0] for key, one in parse_qs(url.query).items()}

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        kind = self.headers.get("Content-Type", "")
        if not length.isdecimal() or kind not in BODY_KINDS:
            self.close_connection = True
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "expected the bytes of a file")
        if int(length) > MAX_UPLOAD:
            self.close_connection = True
            raise _RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the file is larger than {MAX_UPLOAD // 2**20} MB",
            )
        return self.rfile.read(int(length))


def _json(value: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(value).encode()
