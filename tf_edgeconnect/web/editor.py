"""The editor: a page on which a person draws edges in a hole.

The page holds mask and edges; the server holds photos, under names that cannot be
guessed, and runs the networks.

| request | body | answer |
|---|---|---|
| `GET /` | | the page |
| `GET /about` | | model, limits, samples |
| `GET /sample?name=` | | PNG of a sample photo |
| `POST /photo?name=` | a photo's file | its name here, its size |
| `GET /photo?photo=` | | PNG of a photo that the browser cannot show |
| `POST /mask?photo=&name=&grow=` | a mask's file, or none | mask at the photo's size |
| `POST /select?photo=&margin=` | JSON, `Marks` | mask of the thing, cut to its size |
| `POST /edges?photo=&sigma=` | a sketch | PNG: edges and lines, as `with_lines` |
| `POST /fill?photo=&sigma=&feather=&predicted=` | a sketch | PNG: the filled photo |
| `GET /progress?photo=` | | how many regions of it have run |
| `POST /photo_edges?photo=&sigma=&width=&height=` | | PNG: edges of a photo, resized |
| `POST /api/v1/inpaint` | a form of files | PNG: the filled photo; for programs |

A sketch is a PNG of the photo's size: red holds the edges, green the mask; with
`predicted=1` the model predicts them. A mask that is answered is a PNG whose hole is
opaque and whose known part is transparent; `X-Left` and `X-Top` say where one that is
cut out lies, `X-Note` whether it was stretched.
"""

import dataclasses
import io
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pydantic
from PIL import Image
from scipy import ndimage
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from tf_edgeconnect.data.samples import PHOTOS, sample_photos
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.masks import fit_mask, grow_hole
from tf_edgeconnect.photos.reading import Photo, decode_mask, decode_photo
from tf_edgeconnect.photos.selection import Points, Stroke, select
from tf_edgeconnect.photos.writing import encode
from tf_edgeconnect.web.api import Api
from tf_edgeconnect.web.app import MAX_BYTES, Application
from tf_edgeconnect.web.lines import with_lines

SIGMAS = tuple(step / 2 for step in range(2, 11))  # 1 to 5 pixels
DEFAULT_SIGMA = 2.0
MAX_PIXELS = 50_000_000  # the browser holds six layers of four bytes a pixel
MAX_PHOTO_BYTES = 2**30  # of all decoded photos together
MOST_GROWN = 500  # pixels; more would mark nearly everything


class Marks(NamedTuple):
    """What a person marked to select a thing: as `select` takes it."""

    around: Points
    strokes: list[Stroke] = []


_MARKS = pydantic.TypeAdapter(Marks, config={"allow_inf_nan": False})


class Editor:
    """The server's side of the editor.

    Args:
        inpainter: runs for one request at a time.
    """

    def __init__(self, inpainter: Inpainter) -> None:
        self._inpainter = inpainter
        self._running = threading.Lock()
        self._regions = ("", 0, 0)  # of which photo how many have run, of how many
        self._photos: OrderedDict[str, Photo] = OrderedDict()  # last used last
        self._storing = threading.Lock()

    def app(self, host: str = "127.0.0.1") -> Application:
        """Returns the application for a server that listens on `host`."""
        api = Api(self._inpainter, self._running)
        page = StaticFiles(packages=[("tf_edgeconnect.web", "page")], html=True)
        routes = [
            Route("/about", self._about),
            Route("/sample", _sample),
            Route("/photo", self._open_or_show, methods=["GET", "POST"]),
            Route("/mask", self._mask, methods=["POST"]),
            Route("/select", self._select, methods=["POST"]),
            Route("/edges", self._edges, methods=["POST"]),
            Route("/fill", self._fill, methods=["POST"]),
            Route("/photo_edges", self._photo_edges, methods=["POST"]),
            Route("/progress", self._progress),
            Route("/api/v1/inpaint", api.inpaint, methods=["POST"]),
        ]
        return Application(routes, host, page)

    def warm_up(self) -> None:
        """Traces TensorFlow's graphs before the first request."""
        image, mask = np.zeros((16, 16, 3), np.uint8), np.eye(16, dtype=bool)
        with self._running:
            edges = self._inpainter.predict_edges(image, mask)
            self._inpainter.paint(image, mask, edges)

    def _about(self, _: Request) -> JSONResponse:
        facts = {
            "model": self._inpainter.description,
            "sigma": self._inpainter.sigma or DEFAULT_SIGMA,  # 0 if random in training
            "sigmas": [SIGMAS[0], SIGMAS[-1]],
            "sigma_is_fixed": not self._inpainter.takes_sigma,
            "samples": PHOTOS,
            "max_bytes": MAX_BYTES,
        }
        return JSONResponse(facts)

    def _open_or_show(self, request: Request) -> Response:
        opens = request.method == "POST"
        return self._open(request) if opens else _png(self._photo(request))

    def _open(self, request: Request) -> JSONResponse:
        """Stores a photo; answers its name and size."""
        name = request.query_params.get("name", "that was sent")
        photo = decode_photo(request.state.body, name)
        photo = dataclasses.replace(photo, source=Path(name))  # for messages
        height, width = photo.size
        if height * width > MAX_PIXELS:
            raise InputError(
                f"the photo is {width} x {height}: the editor takes up to "
                f"{MAX_PIXELS // 10**6} megapixels; `tf-edgeconnect inpaint` takes 100"
            )
        name = secrets.token_urlsafe(16)  # known only to this page
        with self._storing:
            self._photos[name] = photo
            held = [one.pixels.nbytes for one in self._photos.values()]
            while len(held) > 1 and sum(held) > MAX_PHOTO_BYTES:
                self._photos.popitem(last=False)
                held.pop(0)
        facts = {"photo": name, "width": width, "height": height}
        return JSONResponse(facts | {"has_hole": bool(photo.transparent().any())})

    def _photo(self, request: Request) -> Photo:
        name = request.query_params.get("photo", "")
        with self._storing:
            if name not in self._photos:
                raise HTTPException(410, "the photo is no longer on the server")
            self._photos.move_to_end(name)
            return self._photos[name]

    def _mask(self, request: Request) -> Response:
        """Reads a mask file, or the photo's transparency; grows or shrinks the hole."""
        photo, grow = self._photo(request), _number(request, "grow", -MOST_GROWN)
        notes: list[str] = []
        if request.state.body:
            name = request.query_params.get("name", "")
            mask = decode_mask(request.state.body, name)
            mask = fit_mask(mask, photo.size, photo.orientation, name, notes.append)
        else:
            mask = photo.transparent()
        mask = grow_hole(mask, grow) if grow > 0 else ~grow_hole(~mask, -grow)
        # Headers are Latin-1; a file's name need not be.
        return _mask_png(mask, {"X-Note": quote(" ".join(notes))})

    def _select(self, request: Request) -> Response:
        photo, margin = self._photo(request), _number(request, "margin")
        try:
            marks = _MARKS.validate_json(request.state.body)
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"marks {where}: {first['msg']}") from None
        if not (marks.around and all(stroke.points for stroke in marks.strokes)):
            raise InputError("nothing is marked: draw a rectangle around an object")
        mask = select(photo.rgb(), *marks, margin)
        boxes = ndimage.find_objects(mask.view(np.int8))
        rows, columns = boxes[0] if boxes else (slice(0, 1), slice(0, 1))
        place = {"X-Left": str(columns.start), "X-Top": str(rows.start)}
        return _mask_png(mask[rows, columns], place)

    def _edges(self, request: Request) -> Response:
        photo = self._photo(request)
        _, mask = _read_sketch(request.state.body, photo)
        edges = self._run(request, self._inpainter.predict_edges, photo.rgb(), mask)
        return _png(Photo(with_lines(edges, mask)))

    def _fill(self, request: Request) -> Response:
        photo = self._photo(request)
        drawn, mask = _read_sketch(request.state.body, photo)
        edges = None if request.query_params.get("predicted") == "1" else drawn
        filled = self._run(request, self._inpainter.paint, photo.rgb(), mask, edges)
        feather = _number(request, "feather")
        return _png(photo.with_hole_filled(filled, mask, feather))

    def _progress(self, request: Request) -> JSONResponse:
        photo, done, of = self._regions
        is_running = photo == request.query_params.get("photo")
        return JSONResponse({"done": done, "of": of} if is_running else {})

    def _photo_edges(self, request: Request) -> Response:
        pixels, size = self._photo(request).rgb(), _size(request)
        if size != pixels.shape[1::-1]:
            picture = Image.fromarray(pixels)
            pixels = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
        edges = self._run(request, self._inpainter.photo_edges, pixels)
        return _png(Photo(edges[..., None]))

    def _run(
        self, request: Request, method: Callable, *arrays: np.ndarray | None
    ) -> Any:
        """Runs a method with the sigma asked for, if the model takes one."""
        sigma = _sigma(request) if self._inpainter.takes_sigma else None
        photo = request.query_params["photo"]

        def note(done: int, of: int) -> None:
            self._regions = photo, done, of

        with self._running:
            self._inpainter.on_region = note
            try:
                return method(*arrays, sigma=sigma)
            finally:
                self._inpainter.on_region, self._regions = None, ("", 0, 0)


def _sigma(request: Request) -> float:
    text = request.query_params.get("sigma", "")
    sigmas = {f"{sigma:g}": sigma for sigma in SIGMAS}  # as browsers write numbers
    if text not in sigmas:
        raise InputError(f"sigma must be one of {', '.join(sigmas)}, got {text!r}")
    return sigmas[text]


def _sample(request: Request) -> Response:
    name = request.query_params.get("name", "")
    if name not in PHOTOS:
        raise HTTPException(410, f"there is no sample {name!r}")
    return _png(Photo(sample_photos()[PHOTOS.index(name)]))


def _read_sketch(sketch: bytes, photo: Photo) -> tuple[np.ndarray, np.ndarray]:
    """Returns the edges, black outside the hole, and the mask."""
    pixels = decode_photo(sketch, "sketch").rgb()
    if pixels.shape[:2] != photo.size:
        raise InputError(f"the sketch is {pixels.shape[:2]}, the photo {photo.size}")
    mask = pixels[..., 1] > HALF_GRAY
    if not mask.any():
        raise InputError("there is no hole yet: paint over what to fill")
    return pixels[..., 0] * mask, mask


def _number(request: Request, name: str, least: int = 0, most: int = MOST_GROWN) -> int:
    text = request.query_params.get(name, "0")
    digits = text.removeprefix("-")
    if not (digits.isdecimal() and len(digits) < 9 and least <= int(text) <= most):
        raise InputError(f"{name} must be {least} to {most} pixels, got {text!r}")
    return int(text)


def _size(request: Request) -> tuple[int, int]:
    width, height = (_number(request, n, 1, MAX_PIXELS) for n in ("width", "height"))
    if width * height > MAX_PIXELS:
        raise InputError(f"edges cannot be {width} x {height}")
    return width, height


def _mask_png(mask: np.ndarray, headers: dict[str, str]) -> Response:
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "PNG", transparency=0)
    return Response(stream.getvalue(), headers=headers, media_type="image/png")


def _png(photo: Photo) -> Response:
    return Response(encode(photo, "PNG"), media_type="image/png")
