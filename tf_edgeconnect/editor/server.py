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

from http import HTTPStatus

from tf_edgeconnect.client import ServingError
from tf_edgeconnect.editor.desk import Desk, GoneError, sample, thumbnail
from tf_edgeconnect.editor.painters import Painter
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.local_http import (
    PAGE_HEADERS,
    Answer,
    Handler,
    LocalServer,
    RefusedError,
    as_json,
    page_file,
)
from tf_edgeconnect.photos.reading import Photo, decode_photo
from tf_edgeconnect.photos.writing import encode_png

PAGE = ("page.html", "page.css", "page.js", "layers.js", "view.js", "server.js")
# Forms of other sites cannot send these types without being asked.
BODY_KINDS = ("application/octet-stream", "image/png")
MAX_UPLOAD = 64 * 2**20


class EditorServer(LocalServer):
    """Runs the editor until it is stopped; photos on its shelf are then gone.

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
        class WithDesk(_Handler):
            desk = Desk(painter)

        super().__init__(WithDesk, host, port)


class _Handler(Handler):
    desk: Desk
    headers_of_all = PAGE_HEADERS

    def refusal(self, error: Exception) -> tuple[HTTPStatus, str] | None:
        if isinstance(error, GoneError):
            return HTTPStatus.GONE, str(error)
        if isinstance(error, InputError):
            return HTTPStatus.BAD_REQUEST, str(error)
        if isinstance(error, ServingError):
            return HTTPStatus.BAD_GATEWAY, f"the endpoint answered {error}"
        return super().refusal(error)

    def get(self) -> Answer:
        path, query = self.asked()
        if found := page_file(__package__, path, PAGE):
            return found
        if path == "/about":
            return as_json(self.desk.about() | {"max_bytes": MAX_UPLOAD})
        if path == "/sample":
            return "image/png", thumbnail(query.get("name", ""))
        if path == "/photo":
            return "image/png", encode_png(self.desk.photo(query))
        raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def post(self) -> Answer:
        body, (path, query) = self._sent(), self.asked()
        if path == "/photo":
            photo = decode_photo(body, query.get("name", "that was sent"))
            return as_json(self.desk.take(photo))
        if path == "/sample":
            return as_json(self.desk.take(Photo(sample(query.get("name", "")))))
        if path == "/lines":
            return "image/png", self.desk.lines(query, body)
        if path == "/fill":
            return "image/png", self.desk.fill(query, body)
        if path == "/sketch":
            return "image/png", self.desk.photo_lines(query)
        raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _sent(self) -> bytes:
        length, kind = self.announced(), self.headers.get("Content-Type", "")
        if length is None or kind not in BODY_KINDS:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expected the bytes of a file")
        if length > MAX_UPLOAD:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the file is larger than {MAX_UPLOAD // 2**20} MB",
            )
        return self.body()
