"""Reads the hole from a mask file: bool `(H, W)`, true = hole.

White is hole, cut at 50 % grey (`masking.py`). `MaskFile` recognises other kinds of
mask by the rules of docs/guide/masks.md: two values, transparency, labels. An image
that fits no rule is an error that says what was found.
"""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.decoding import CANONICAL_MODE, gray_of, upright
from tf_edgeconnect.photos.names import some

logger = logging.getLogger(__name__)

MaskKind = Literal["auto", "paint", "transparency", "grey", "labels"]

MODES = {*CANONICAL_MODE, "I", "F"} - {"CMYK", "LAB"}  # 32 bit and float too
# By how much channels of a grey mask, or pixels of one colour, may differ in a JPEG.
NOISE = 8
# In a label map few colours cover most pixels, and most pixels equal their neighbour.
LABELS, COVERED, FLAT = 32, 0.9, 0.5
JPEG_NOISE = 32
SAMPLE = 10**6  # pixels whose colours are examined
MIDDLE = 0.5  # of a grey photo at least so much is neither dark nor light
SHADES = 8  # of one colour: more are a smooth border, fewer may be labels
ASPECT_TOLERANCE = 0.02  # resizing rounds the sides
# A mask seems inverted if the hole's share of it and of its border exceed these.
INVERTED_RATIO, INVERTED_BORDER = 0.5, 0.6
ONCE = {"once": True}  # the command line shows such a warning for the first file only


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """How masks are read where photos are filled.

    Attributes:
        kind: what the mask is made of; `auto` finds out.
        label: the label that is the hole; None for all but the background.
        threshold: grey above it, of 255, is hole.
        invert: swap hole and known.
        dilate: pixels to grow holes by, 0 or more.
        allow_empty: accept a mask without a hole.
    """

    kind: MaskKind = "auto"
    label: int | None = None
    threshold: float = HALF_GRAY
    invert: bool = False
    dilate: int = 0
    allow_empty: bool = False


class MaskFile:
    """A decoded mask file.

    Args:
        image: of one of the `MODES`.
        path: the file, for messages.
        options: only `kind`, `label` and `threshold` count here.
    """

    def __init__(self, image: Image.Image, path: Path, options: MaskOptions) -> None:
        self._path, self._options = path, options
        self._indices = np.asarray(image) if image.mode == "P" else None
        self._alpha = None
        if image.mode.startswith(("I", "F")):
            self._numbers = np.asarray(image)[..., None]
            return
        if image.has_transparency_data:
            image = image.convert("RGBA")
            self._alpha = np.asarray(image)[..., 3]
            if self._alpha.min() > HALF_GRAY:
                self._alpha = None
        gray = image.mode in ("1", "L")
        pixels = np.asarray(image.convert("L" if gray else "RGB"))
        self._numbers = pixels.reshape(*pixels.shape[:2], -1)
        apart = np.abs(np.diff(self._numbers.astype(np.int16), axis=-1))
        if apart.max(initial=0) <= NOISE:
            self._numbers = self._numbers[..., :1]

    @property
    def _is_gray(self) -> bool:
        return self._numbers.shape[-1] == 1

    def hole(self) -> np.ndarray:
        """Returns the hole, bool `(H, W)`, not yet upright.

        Raises:
            InputError: the image is not a mask of the kind asked for, or of any kind.
        """
        kind = self._options.kind
        if self._options.label is not None:
            kind = "labels"
        if kind == "auto":
            kind = self._kind()
        if kind in ("grey", "labels"):
            return self._labels() if kind == "labels" else self._gray()
        if self._alpha is None:
            raise self._refused(f"has no transparent part, as {kind} requires")
        solid = self._alpha > HALF_GRAY
        return solid if kind == "paint" else ~solid

    def _kind(self) -> MaskKind:
        if self._alpha is not None:
            solid = self._numbers[self._alpha > HALF_GRAY]
            if not len(solid):
                raise self._refused("is transparent everywhere")
            if np.ptp(solid, axis=0).max() <= NOISE:
                return "paint"
            black_and_white = self._is_gray and set(np.unique(solid)) == {0, 255}
            return "grey" if black_and_white else "transparency"
        if self._is_gray:
            if self._is_gray_photo():
                raise self._refused("is a grey photo, not a mask")
            return "grey"
        if self._is_flat() or self._is_one_colour_on_black():
            return "labels"
        raise self._refused("is a colour photo, not a mask")

    def _is_gray_photo(self) -> bool:
        sample, top = self._sample(), self._top()
        is_middle = (sample > top / 8) & (sample < top * 7 / 8)
        is_mostly_middle = is_middle.mean() > MIDDLE and sample.max() > top / 2
        return bool(is_mostly_middle and len(np.unique(sample)) > LABELS)

    def _is_flat(self) -> bool:
        codes = self._codes()
        counts = np.sort(np.unique(codes, return_counts=True)[1])[::-1]
        is_covered = counts[:LABELS].sum() >= COVERED * codes.size
        return bool(is_covered and (codes[:, 1:] == codes[:, :-1]).mean() >= FLAT)

    def _is_one_colour_on_black(self) -> bool:
        """True for one colour and black up to the noise of a JPEG."""
        sample = self._sample()
        dark = sample.max(axis=-1) <= JPEG_NOISE
        if dark.all():
            return False
        paint = _colour(self._codes()[~dark])
        light = np.abs(sample - paint).max(axis=-1) <= JPEG_NOISE
        return bool(dark.any() and (dark | light).mean() >= COVERED)

    def _sample(self) -> np.ndarray:
        """Evenly spaced rows, at most some `SAMPLE` pixels."""
        return self._numbers[:: 1 + self._numbers[..., 0].size // SAMPLE]

    def _codes(self) -> np.ndarray:
        return self._sample().astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], "u4")

    def _gray(self) -> np.ndarray:
        gray, top = gray_of(self._numbers), self._top()
        if self._alpha is not None:
            gray = gray * (self._alpha / 255)
        values = np.unique(gray)
        if not np.isfinite(values).all():
            raise self._refused("has values that are not numbers")
        if self._options.threshold == 0:  # as the published test script does
            return gray > 0
        if len(values) == 1 and values[0] not in (0, top):
            raise self._refused(f"has only one value, {values[0]:g} of {top}")
        if len(values) == 2:
            low, high = values
            if not low <= top / 2 < high:
                logger.warning(
                    "mask %s has only the values %g and %g: the larger is taken as "
                    "the hole (reported once)",
                    self._path,
                    low,
                    high,
                    extra=ONCE,
                )
            return gray == high
        hole = gray > self._options.threshold * (top / 255)
        if values[-1] and not hole.any():
            found = some(map("{:g}".format, values), 5)
            raise self._refused(
                f"has no pixel lighter than mid-grey: its values are {found} of {top}"
            )
        return hole

    def _top(self) -> int:
        """The value of white: 255 in 8 bits, else the first that is large enough."""
        tops = (255,) if self._numbers.dtype == np.uint8 else (1, 255, 65535)
        return next((top for top in tops if self._numbers.max() <= top), tops[-1])

    def _labels(self) -> np.ndarray:
        numbers, label = self._indices, self._options.label
        if numbers is None and self._is_gray:
            numbers = self._numbers[..., 0]
        if label is not None:
            if numbers is None:
                raise self._refused("has colours, not numbered labels")
            if not (numbers == label).any():
                found = some(map("{:g}".format, np.unique(numbers)), 5)
                raise self._refused(f"has no label {label}, but {found}")
            return numbers == label
        black = self._numbers.max(axis=-1) == 0
        if self._indices is not None and not (black & (self._indices > 0)).any():
            return self._indices > 0
        if not black.any():
            raise self._refused("has labels, but no black background")
        return ~black if self._is_gray else self._coloured(black)

    def _coloured(self, black: np.ndarray) -> np.ndarray:
        """All but black; for one colour with soft borders, its lighter half."""
        sample, codes = self._sample(), self._codes()
        colours = codes[codes > 0]
        count = len(np.unique(colours))
        if count > SHADES:
            hue = _colour(colours)
            shades = sample.max(axis=-1, keepdims=True) * (hue / hue.max())
            if count > LABELS or np.abs(sample - shades).max() <= NOISE:
                light = self._numbers.max(axis=-1)
                return light > light.max() / 2
        return ~black

    def _refused(self, what: str) -> InputError:
        return InputError(
            f"mask {self._path} {what}; white = hole",
            ", or pass --mask-from paint, transparency, grey or labels to inpaint or "
            "batch for a mask of another kind",
        )


def _colour(codes: np.ndarray) -> np.ndarray:
    """The most frequent colour, `(3,)`."""
    found, counts = np.unique(codes, return_counts=True)
    code = int(found[counts.argmax()])
    return np.array([code >> 16, code >> 8 & 255, code & 255])


def fit_mask(
    mask: np.ndarray,
    size: tuple[int, int],
    orientation: int,
    path: str | Path,
    warn: Callable[[str], object] = logger.warning,
) -> np.ndarray:
    """Resizes a mask to its photo's size by the nearest pixel, with a warning.

    Args:
        mask: bool `(h, w)`.
        size: height and width of the upright photo.
        orientation: EXIF orientation of the photo's file, 1 to 8.
        path: the mask's file, for messages.
        warn: takes the warning.

    Returns:
        bool `(H, W)`.
    """
    (h, w), (height, width) = mask.shape, size
    mask = turned_like(mask, size, orientation)
    if mask.shape == size:
        return mask
    how = "stretched" if is_stretched(mask, size) else "resized"
    warn(f"mask {path} is {w} x {h}: {how} to the photo's {width} x {height}")
    return np.asarray(Image.fromarray(mask).resize(size[::-1], Resampling.NEAREST))


def turned_like(
    mask: np.ndarray, size: tuple[int, int], orientation: int
) -> np.ndarray:
    """Turns a mask upright if it was made on the photo's pixels as stored.

    This can be detected only if its sides are the photo's, swapped.

    Args:
        mask: `(h, w)`.
        size: height and width of the upright photo.
        orientation: EXIF orientation of the photo's file, 1 to 8.
    """
    if orientation >= 5 and _aspect(mask.T, size) < _aspect(mask, size):
        return upright(mask, orientation)
    return mask


def is_stretched(mask: np.ndarray, size: tuple[int, int]) -> bool:
    """Returns whether the aspect ratios of a mask, `(h, w)`, and a size differ."""
    return bool(_aspect(mask, size) > ASPECT_TOLERANCE)


def _aspect(mask: np.ndarray, size: tuple[int, int]) -> float:
    """How much the aspect ratios differ, 0 if they are equal."""
    return abs(np.log(mask.shape[1] * size[0] / (mask.shape[0] * size[1])))


def seems_inverted(hole: np.ndarray) -> bool:
    """True if the known part of a mask, bool `(H, W)`, seems to be its hole."""
    rim = np.concatenate([hole[0], hole[-1], hole[:, 0], hole[:, -1]])
    is_large = INVERTED_RATIO < hole.mean() < 1
    return bool(is_large and rim.mean() > INVERTED_BORDER)


def grow_hole(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Grows the hole of a mask, bool `(H, W)`, by a square."""
    if not pixels:
        return mask
    from scipy.ndimage import maximum_filter

    return maximum_filter(mask, 2 * pixels + 1, mode="constant")
