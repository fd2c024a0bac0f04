"""Photos that ship inside scikit-image, so that everything runs without a download.

They are few, so `sample:held-out` is not other photos: it is **other regions of the
same photos**. Each photo is cut once across its longer side; `sample:` takes squares
from the first two thirds, `sample:held-out` from the last third, so they share no
pixel. Numbers on held-out regions are kinder than numbers on new photos.
"""

from functools import cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import skimage
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.source import ScanReport, Source
from tf_edgeconnect.errors import InputError

# Photos of things and people; the diagrams, scans and binary pictures are left out.
PHOTOS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "motorcycle_left.png",
    "rocket.jpg",
)
Part = Literal["train", "held-out"]
_TRAIN_SHARE = 2 / 3
# Squares that overlap, at several scales: few photos have to give many examples. Half
# of the smaller part would be a blur once it is enlarged to an example.
_SCALES = {"train": (1.0, 0.75, 0.5), "held-out": (1.0, 0.75)}


class Region(NamedTuple):
    """A square of one of the photos, pixels."""

    photo: int
    top: int
    left: int
    side: int


class SampleSource(Source):
    """Square regions of the photos that ship inside scikit-image.

    Args:
        part: `train` or `held-out`.
        regions: which squares; all of the part by default.
    """

    def __init__(self, part: Part = "train", regions: list[Region] | None = None):
        if part not in _SCALES:
            raise InputError(
                f"sample:{part} is unknown; expected sample: or sample:held-out"
            )
        self.part = part
        self.regions = _regions(part) if regions is None else regions
        super().__init__(ScanReport(len(self.regions)))
        pixels = sample_photos()
        ends = np.cumsum([photo.size for photo in pixels])
        with tf.device("CPU:0"):
            # Photos differ in size, so they are laid end to end.
            self._flat = tf.constant(np.concatenate([p.ravel() for p in pixels]))
            self._starts = tf.constant([0, *ends[:-1]], tf.int32)
            self._shapes = tf.constant([photo.shape for photo in pixels], tf.int32)
            self._regions = tf.constant(self.regions, tf.int32)

    def __len__(self) -> int:
        return len(self.regions)

    def name(self, index: int) -> str:
        """The photo's file and the square in it."""
        photo, top, left, side = self.regions[index]
        return f"{PHOTOS[photo]} rows {top}+{side} columns {left}+{side}"

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """Cuts one square out of its photo: see `Source.read`."""
        photo, top, left, side = tf.unstack(self._regions[index])
        shape, start = self._shapes[photo], self._starts[photo]
        pixels = self._flat[start : start + tf.reduce_prod(shape)]
        pixels = tf.reshape(pixels, shape)[top : top + side, left : left + side]
        return tf.ensure_shape(pixels, (None, None, 3))

    def stored(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Encodes one square as PNG: no file holds it."""
        return tf.io.encode_png(self.read(index)), tf.constant(1)

    def select(self, indices: np.ndarray) -> "SampleSource":
        """A source of some of the squares."""
        return SampleSource(self.part, [self.regions[i] for i in indices])

    def split(self, fraction: float, seed: int) -> tuple["Source", "Source"]:
        """Returns the training regions and the held-out regions.

        Regions of one part overlap, so no fraction of them can be held out: what is
        held out is fixed, and neither argument is used.

        Raises:
            InputError: these are the held-out regions already.
        """
        if self.part != "train":
            raise InputError("sample:held-out cannot be split: train on sample:")
        return self, SampleSource("held-out")


@cache
def sample_photos() -> list[np.ndarray]:
    """The photos of `PHOTOS`, whole.

    Returns:
        uint8 `(H, W, 3)` of each, in the order of `PHOTOS`; not to be changed.

    Raises:
        InputError: this scikit-image has not all of the photos.
    """
    folder = Path(skimage.__file__).parent / "data"
    try:
        return [np.asarray(Image.open(folder / name).convert("RGB")) for name in PHOTOS]
    except OSError as error:
        raise InputError(f"sample: {error}; install scikit-image 0.26") from None


def part_of_photo(height: int, width: int, part: Part) -> tuple[int, int, int, int]:
    """The rows and columns of a photo that belong to a part.

    Returns:
        (top, left, bottom, right), pixels, ends excluded.
    """
    cut = round(max(height, width) * _TRAIN_SHARE)
    if width >= height:
        return (0, 0, height, cut) if part == "train" else (0, cut, height, width)
    return (0, 0, cut, width) if part == "train" else (cut, 0, height, width)


def _regions(part: Part) -> list[Region]:
    """Squares of a part; the photos take turns, so the first few show each of them."""
    queues = []
    for number, pixels in enumerate(sample_photos()):
        height, width, _ = pixels.shape
        top, left, bottom, right = part_of_photo(height, width, part)
        short = min(bottom - top, right - left)
        sides = [round(short * scale) for scale in _SCALES[part]]
        queues.append(
            [
                Region(number, row, column, side)
                for side in sides
                for row in _starts(top, bottom, side)
                for column in _starts(left, right, side)
            ]
        )
    return [region for region in chain(*zip_longest(*queues)) if region]


def _starts(low: int, high: int, side: int) -> list[int]:
    """Evenly spaced starts of windows that reach both ends, half a side apart."""
    room = high - low - side
    count = 1 + -(-room * 2 // side)
    return [low + room * i // max(count - 1, 1) for i in range(count)]
