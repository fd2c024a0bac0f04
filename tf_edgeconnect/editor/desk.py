"""`Desk`: does what the editor's page asks for; `server.py` speaks HTTP around it.

A `query` holds a request's parameters as texts; pictures enter and leave as the bytes
of files. What cannot be done raises `InputError`, or `GoneError` for what is not here.
"""

import functools
import io

import numpy as np
from PIL import Image

from tf_edgeconnect.data.samples import PHOTOS, sample_photos
from tf_edgeconnect.editor.painters import SIGMAS, Painter, check_sigma
from tf_edgeconnect.editor.shelf import MAX_PIXELS, Shelf
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.reading import Photo, decode_photo
from tf_edgeconnect.photos.writing import encode_png

THUMBNAIL = 240


class GoneError(Exception):
    """What a request names is not here; a page may send its photo again."""


class Desk:
    """The photos that pages work on, and what is done to them.

    Args:
        painter: finds lines and fills holes.
    """

    def __init__(self, painter: Painter) -> None:
        self._painter = painter
        self._shelf = Shelf()

    def about(self) -> dict[str, object]:
        """The model, its sigma, samples and limits."""
        return {
            "model": self._painter.description,
            "sigma": self._painter.sigma,
            "sigmas": [SIGMAS[0], SIGMAS[-1]],
            "sigma_is_fixed": self._painter.sigma_is_fixed,
            "samples": list(PHOTOS),
            "max_pixels": MAX_PIXELS,
        }

    def take(self, photo: Photo) -> dict[str, object]:
        """Takes in a photo; returns its name here and its size."""
        height, width = photo.size
        return {"photo": self._shelf.put(photo), "width": width, "height": height}

    def photo(self, query: dict[str, str]) -> Photo:
        """The photo that a query names."""
        photo = self._shelf.get(query.get("photo", ""))
        if photo is None:
            raise GoneError("the photo is no longer here")
        return photo

    def lines(self, query: dict[str, str], sketch: bytes) -> bytes:
        """PNG of known lines outside a sketch's hole and imagined ones inside."""
        photo = self.photo(query)
        _, hole = _read_sketch(sketch, photo)
        return _png(self._painter.lines(photo.rgb(), hole, self._sigma(query)))

    def fill(self, query: dict[str, str], sketch: bytes) -> bytes:
        """PNG of the photo, of its own kind, filled along a sketch's lines."""
        photo = self.photo(query)
        drawing, hole = _read_sketch(sketch, photo)
        sigma = self._sigma(query)
        filled = self._painter.fill(photo.rgb(), hole, drawing, sigma)
        return encode_png(photo.with_hole_filled(filled, hole))

    def photo_lines(self, query: dict[str, str]) -> bytes:
        """PNG of all lines of a photo, brought to another size first."""
        pixels = self.photo(query).rgb()
        size = _size(query)
        if size != pixels.shape[1::-1]:
            picture = Image.fromarray(pixels)
            pixels = np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
        return _png(self._painter.sketch(pixels, self._sigma(query)))

    def _sigma(self, query: dict[str, str]) -> float:
        if self._painter.sigma_is_fixed:
            return self._painter.sigma
        return check_sigma(query.get("sigma", ""))


def sample(name: str) -> np.ndarray:
    """The sample photo of a name, uint8 `(H, W, 3)`."""
    if name not in PHOTOS:
        raise GoneError("there is no such sample")
    return sample_photos()[PHOTOS.index(name)]


@functools.cache
def thumbnail(name: str) -> bytes:
    """A small PNG of a sample photo."""
    picture = Image.fromarray(sample(name))
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def _read_sketch(sketch: bytes, photo: Photo) -> tuple[np.ndarray, np.ndarray]:
    """Returns its lines, black outside the hole, and its hole."""
    pixels = decode_photo(sketch, "sketch").rgb()
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


def _png(lines: np.ndarray) -> bytes:
    return encode_png(Photo(lines[..., None]))
