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
| `POST /mask?photo=&name=` | a mask's file | PNG: the mask at the photo's size |
| `POST /edges?photo=&sigma=` | a sketch | PNG: known edges and predicted ones |
| `POST /fill?photo=&sigma=` | a sketch | PNG: the filled photo, of its own kind |
| `POST /photo_edges?photo=&sigma=&width=&height=` | | PNG: edges of a photo, resized |
| `POST /api/v1/inpaint` | a form of files | PNG: the filled photo; for programs |

A sketch is a PNG of the photo's size: red holds the edges, green the mask.
"""

import secrets
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message

from tf_edgeconnect.data.samples import PHOTOS, sample_photos
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.files import fill_file
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.jobs import Job
from tf_edgeconnect.photos.masks import fit_mask
from tf_edgeconnect.photos.reading import Photo, decode_mask, decode_photo
from tf_edgeconnect.photos.writing import encode
from tf_edgeconnect.web.app import MAX_BYTES, Application

SIGMAS = tuple(step / 2 for step in range(2, 11))  # 1 to 5 pixels
DEFAULT_SIGMA = 2.0
FILES = ("photo", "mask", "edges")
MAX_PIXELS = 50_000_000  # the browser holds three more layers of four bytes a pixel
MAX_PHOTO_BYTES = 2**30  # of all decoded photos together


class Editor:
    """The server's side of the editor.

    Args:
        inpainter: runs for one request at a time.
    """

    def __init__(self, inpainter: Inpainter) -> None:
        self._inpainter = inpainter
        self._running = threading.Lock()
        self._photos: OrderedDict[str, Photo] = OrderedDict()  # last used last
        self._storing = threading.Lock()

    def app(self, host: str = "127.0.0.1") -> Application:
        """Returns the application for a server that listens on `host`."""
        page = StaticFiles(packages=[("tf_edgeconnect.web", "page")], html=True)
        routes = [
            Route("/about", self._about),
            Route("/sample", _sample),
            Route("/photo", self._show),
            Route("/photo", self._open, methods=["POST"]),
            Route("/mask", self._mask, methods=["POST"]),
            Route("/edges", self._edges, methods=["POST"]),
            Route("/fill", self._fill, methods=["POST"]),
            Route("/photo_edges", self._photo_edges, methods=["POST"]),
            Route("/api/v1/inpaint", self._inpaint, methods=["POST"]),
            Mount("/", page),
        ]
        return Application(routes, host)

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

    def _open(self, request: Request) -> JSONResponse:
        """Stores a photo; answers its name and size."""
        name = request.query_params.get("name", "that was sent")
        photo = decode_photo(request.state.body, name)
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
        return JSONResponse({"photo": name, "width": width, "height": height})

    def _photo(self, request: Request) -> Photo:
        name = request.query_params.get("photo", "")
        with self._storing:
            if name not in self._photos:
                raise HTTPException(410, "the photo is no longer on the server")
            self._photos.move_to_end(name)
            return self._photos[name]

    def _show(self, request: Request) -> Response:
        return _png(self._photo(request))

    def _mask(self, request: Request) -> Response:
        """Answers the hole of a mask file, white, at the photo's size."""
        photo = self._photo(request)
        mask = decode_mask(request.state.body, request.query_params.get("name", ""))
        mask = fit_mask(mask, photo.size, photo.orientation, Path("that was sent"))
        return _png(Photo(mask[..., None] * np.uint8(255)))

    def _edges(self, request: Request) -> Response:
        photo = self._photo(request)
        _, mask = _read_sketch(request.state.body, photo)
        edges = self._run(request, self._inpainter.predict_edges, photo.rgb(), mask)
        return _png(Photo(edges[..., None]))

    def _fill(self, request: Request) -> Response:
        photo = self._photo(request)
        edges, mask = _read_sketch(request.state.body, photo)
        filled = self._run(request, self._inpainter.paint, photo.rgb(), mask, edges)
        return _png(photo.with_hole_filled(filled, mask))

    def _photo_edges(self, request: Request) -> Response:
        pixels, size = self._photo(request).rgb(), _size(request)
        if size != pixels.shape[1::-1]:
            picture = Image.fromarray(pixels)
            pixels = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
        edges = self._run(request, self._inpainter.photo_edges, pixels)
        return _png(Photo(edges[..., None]))

    def _run(self, request: Request, method: Callable, *arrays: np.ndarray) -> Any:
        """Runs a method with the sigma asked for, if the model takes one."""
        sigma = _sigma(request) if self._inpainter.takes_sigma else None
        with self._running:
            return method(*arrays, sigma=sigma)

    async def _inpaint(self, request: Request) -> Response:
        async def body() -> Message:
            return {"type": "http.request", "body": request.state.body}

        async with Request(request.scope, body).form(max_files=3) as form:
            return await run_in_threadpool(self._fill_files, form)

    def _fill_files(self, form: FormData) -> Response:
        """Fills as `tf-edgeconnect inpaint` does."""
        files = {k: v for k, v in form.items() if isinstance(v, UploadFile)}
        if not {"photo", "mask"} <= files.keys() == set(form) <= {*FILES}:
            raise InputError(
                "expected a form of the files photo, mask and optionally edges (curl "
                f"-F photo=@FILE), got files {sorted(files)} of {sorted(form)}"
            )
        with tempfile.TemporaryDirectory() as folder:
            paths = {name: Path(folder, name) for name in files}
            for name, path in paths.items():
                path.write_bytes(files[name].file.read())
            job = Job(output=Path(folder, "filled.png"), **paths)
            try:
                with self._running:
                    fill_file(self._inpainter, job)
            except InputError as error:
                message = str(error)
                for name, path in paths.items():
                    message = message.replace(str(path), files[name].filename or name)
                raise InputError(message) from None
            return Response(job.output.read_bytes(), media_type="image/png")


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


def _size(request: Request) -> tuple[int, int]:
    texts = [request.query_params.get(side, "") for side in ("width", "height")]
    if not all(text.isdecimal() and len(text) < 6 for text in texts):
        raise InputError(f"expected a width and a height in pixels, got {texts}")
    width, height = map(int, texts)
    if not 0 < width * height <= MAX_PIXELS:
        raise InputError(f"edges cannot be {width} x {height}")
    return width, height


def _png(photo: Photo) -> Response:
    return Response(encode(photo, "PNG"), media_type="image/png")
