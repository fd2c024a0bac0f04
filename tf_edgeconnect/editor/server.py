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

import functools
import io
import json
import threading
import traceback
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from tf_edgeconnect.client import ServingError
from tf_edgeconnect.data.photo_writing import encode_png
from tf_edgeconnect.data.photos import Photo, decode_photo
from tf_edgeconnect.data.samples import PHOTOS, sample_photos
from tf_edgeconnect.editor.painters import SIGMAS, Painter, check_sigma
from tf_edgeconnect.editor.shelf import MAX_PIXELS, Shelf
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY

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
THUMBNAIL = 240
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
            editor = _Editor(painter)

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


class _Editor:
    """What requests ask for; `query` holds a request's parameters."""

    def __init__(self, painter: Painter) -> None:
        self.painter = painter
        self.shelf = Shelf()

    def about(self) -> dict[str, object]:
        return {
            "model": self.painter.description,
            "sigma": self.painter.sigma,
            "sigmas": [SIGMAS[0], SIGMAS[-1]],
            "sigma_is_fixed": self.painter.sigma_is_fixed,
            "samples": list(PHOTOS),
            "max_bytes": MAX_UPLOAD,
            "max_pixels": MAX_PIXELS,
        }

    def take(self, photo: Photo) -> dict[str, object]:
        height, width = photo.size
        return {"photo": self.shelf.put(photo), "width": width, "height": height}

    def photo(self, query: dict[str, str]) -> Photo:
        photo = self.shelf.get(query.get("photo", ""))
        if photo is None:
            raise _RefusedError(HTTPStatus.GONE, "the photo is no longer here")
        return photo

    def lines(self, query: dict[str, str], body: bytes) -> bytes:
        photo = self.photo(query)
        _, hole = _read_sketch(body, photo)
        return _png(self.painter.lines(photo.rgb(), hole, self._sigma(query)))

    def fill(self, query: dict[str, str], body: bytes) -> bytes:
        photo = self.photo(query)
        drawing, hole = _read_sketch(body, photo)
        sigma = self._sigma(query)
        filled = self.painter.fill(photo.rgb(), hole, drawing, sigma)
        return encode_png(photo.with_hole_filled(filled, hole))

    def sketch(self, query: dict[str, str]) -> bytes:
        pixels = self.photo(query).rgb()
        size = _size(query)
        if size != pixels.shape[1::-1]:
            picture = Image.fromarray(pixels)
            pixels = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
        return _png(self.painter.sketch(pixels, self._sigma(query)))

    def _sigma(self, query: dict[str, str]) -> float:
        if self.painter.sigma_is_fixed:
            return self.painter.sigma
        return check_sigma(query.get("sigma", ""))


def _read_sketch(body: bytes, photo: Photo) -> tuple[np.ndarray, np.ndarray]:
    """Returns lines, black outside the hole, and hole."""
    pixels = decode_photo(body, "sketch").rgb()
    if pixels.shape[:2] != photo.size:
        raise InputError(f"the sketch is {pixels.shape[:2]}, the photo {photo.size}")
    hole = pixels[..., 1] > HALF_GRAY
    if not hole.any():
        raise InputError("there is no hole yet: paint over what shall be filled")
    return pixels[..., 0] * hole, hole


def _size(query: dict[str, str]) -> tuple[int, int]:
    texts = query.get("width", ""), query.get("height", "")
    if not all(text.isdecimal() and 0 < len(text) < 6 for text in texts):
        raise InputError(f"expected a width and a height in pixels, got {texts}")
    width, height = map(int, texts)
    if not 0 < width * height <= MAX_PIXELS:
        raise InputError(f"a sketch cannot be {width} x {height}")
    return width, height


def _sample(query: dict[str, str]) -> np.ndarray:
    name = query.get("name", "")
    if name not in PHOTOS:
        raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such sample")
    return sample_photos()[PHOTOS.index(name)]


@functools.cache
def _thumbnail(name: str) -> bytes:
    picture = Image.fromarray(_sample({"name": name}))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _png(lines: np.ndarray) -> bytes:
    return encode_png(Photo(lines[..., None]))


class _Handler(BaseHTTPRequestHandler):
    editor: _Editor
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
        except InputError as error:
            status, (kind, data) = HTTPStatus.BAD_REQUEST, _json({"error": str(error)})
        except ServingError as error:
            status = HTTPStatus.BAD_GATEWAY
            kind, data = _json({"error": f"the endpoint answered {error}"})
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
            return _json(self.editor.about())
        if path == "/sample":
            _sample(query)
            return "image/png", _thumbnail(query["name"])
        if path == "/photo":
            return "image/png", encode_png(self.editor.photo(query))
        raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _post(self) -> tuple[str, bytes]:
        body, (path, query) = self._body(), self._asked()
        if path == "/photo":
            photo = decode_photo(body, query.get("name", "that was sent"))
            return _json(self.editor.take(photo))
        if path == "/sample":
            return _json(self.editor.take(Photo(_sample(query))))
        if path == "/lines":
            return "image/png", self.editor.lines(query, body)
        if path == "/fill":
            return "image/png", self.editor.fill(query, body)
        if path == "/sketch":
            return "image/png", self.editor.sketch(query)
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
