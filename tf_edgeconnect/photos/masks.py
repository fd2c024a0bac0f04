"""What a mask file means: bool `(H, W)`, true = hole, for every part of the program.

White is hole, cut at 50 % grey (`masking.py`); what people have besides is told apart
by the rules of docs/guide/masks.md, which `hole_of` applies: two values, transparent
ground, labels. What fits no rule is refused with what was found.
"""

import dataclasses
import logging
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.decoding import HELD_AS, gray_of, upright
from tf_edgeconnect.photos.names import some

logger = logging.getLogger(__name__)

MaskKind = Literal["auto", "paint", "transparency", "grey", "labels"]

MODES = {*HELD_AS, "I", "F"} - {"CMYK", "LAB"}  # also of 32 bit and of floating point
# Channels of a grey mask that was saved as a colour JPEG, or of one paint, differ so.
NOISE = 8
# In a label map few colours cover most of the pixels, and pixels equal their neighbour.
LABELS, COVERED, FLAT = 32, 0.9, 0.5
JPEG_NOISE = 32
SAMPLE = 10**6  # pixels that are looked at for their colours
SHADES = 8  # of one colour: as many are a smooth border, fewer may be labels
ASPECT_TOLERANCE = 0.02  # resizing rounds the sides
# A mask is taken for inverted if both its hole and the border's share of it are larger.
INVERTED_RATIO, INVERTED_BORDER = 0.5, 0.6
ONCE = {"once": True}  # the command line shows such a message for the first file alone


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """How masks are read where photos are filled.

    Attributes:
        kind: what the mask is made of; `auto` finds out.
        label: the one label that is the hole; None for all but the background.
        threshold: of 255; a grey mask is a hole where it is lighter.
        invert: swap hole and known.
        dilate: pixels that holes are grown by, 0 or more.
        allow_empty: take a mask without a hole.
    """

    kind: MaskKind = "auto"
    label: int | None = None
    threshold: float = HALF_GRAY
    invert: bool = False
    dilate: int = 0
    allow_empty: bool = False


def hole_of(image: Image.Image, path: Path, options: MaskOptions) -> np.ndarray:
    """Finds the hole of a decoded mask file, as its pixels are stored.

    Args:
        image: of one of the `MODES`.
        path: the file, for messages.
        options: `kind`, `label` and `threshold` count.

    Returns:
        bool `(H, W)`, true = hole.

    Raises:
        InputError: the picture is no mask.
    """
    return _Mask(image, path, options).hole()


class _Mask:
    """A decoded mask file: its pixels in the forms that the rules look at."""

    def __init__(self, image: Image.Image, path: Path, options: MaskOptions) -> None:
        self.path, self.options = path, options
        self.indices = np.asarray(image) if image.mode == "P" else None
        self.alpha = None
        if image.mode.startswith(("I", "F")):
            self.numbers = np.asarray(image)[..., None]
            return
        if image.has_transparency_data:
            image = image.convert("RGBA")
            self.alpha = np.asarray(image)[..., 3]
            if self.alpha.min() > HALF_GRAY:
                self.alpha = None
        gray = image.mode in ("1", "L")
        pixels = np.asarray(image.convert("L" if gray else "RGB"))
        self.numbers = pixels.reshape(*pixels.shape[:2], -1)
        apart = np.abs(np.diff(self.numbers.astype(np.int16), axis=-1))
        if apart.max(initial=0) <= NOISE:
            self.numbers = self.numbers[..., :1]

    @property
    def is_gray(self) -> bool:
        return self.numbers.shape[-1] == 1

    def hole(self) -> np.ndarray:
        """Returns the hole by the kind that is asked for or found."""
        kind = self.options.kind
        if self.options.label is not None:
            kind = "labels"
        if kind == "auto":
            kind = self._kind()
        if kind in ("grey", "labels"):
            return self._labels() if kind == "labels" else self._gray()
        if self.alpha is None:
            raise self._refused(f"has no transparent part, so it is no {kind}")
        solid = self.alpha > HALF_GRAY
        return solid if kind == "paint" else ~solid

    def _kind(self) -> MaskKind:
        if self.alpha is not None:
            solid = self.numbers[self.alpha > HALF_GRAY]
            if not len(solid):
                raise self._refused("is transparent everywhere")
            if np.ptp(solid, axis=0).max() <= NOISE:
                return "paint"
            black_and_white = self.is_gray and set(np.unique(solid)) == {0, 255}
            return "grey" if black_and_white else "transparency"
        if self.is_gray:
            return "grey"
        if self._is_flat() or self._is_one_colour_on_black():
            return "labels"
        raise self._refused("is a colour photo, no mask")

    def _is_flat(self) -> bool:
        codes = self._codes()
        counts = np.sort(np.unique(codes, return_counts=True)[1])[::-1]
        is_covered = counts[:LABELS].sum() >= COVERED * codes.size
        return bool(is_covered and (codes[:, 1:] == codes[:, :-1]).mean() >= FLAT)

    def _is_one_colour_on_black(self) -> bool:
        """As a JPEG of a mask is, in which hardly a colour is exact."""
        sample = self._sample()
        dark = sample.max(axis=-1) <= JPEG_NOISE
        if dark.all():
            return False
        paint = _colour(self._codes()[~dark])
        light = np.abs(sample - paint).max(axis=-1) <= JPEG_NOISE
        return bool(dark.any() and (dark | light).mean() >= COVERED)

    def _sample(self) -> np.ndarray:
        """Rows that tell what colours there are, a megapixel at most."""
        return self.numbers[:: 1 + self.numbers[..., 0].size // SAMPLE]

    def _codes(self) -> np.ndarray:
        return self._sample().astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], "u4")

    def _gray(self) -> np.ndarray:
        gray, top = gray_of(self.numbers), self._top()
        if self.alpha is not None:
            gray = gray * (self.alpha / 255)
        values = np.unique(gray)
        if not np.isfinite(values).all():
            raise self._refused("has values that are no numbers")
        if self.options.threshold == 0:  # as the published test script does
            return gray > 0
        if len(values) == 1 and values[0] not in (0, top):
            raise self._refused(f"has one value alone, {values[0]:g} of {top}")
        if len(values) == 2:
            low, high = values
            if not low <= top / 2 < high:
                logger.warning(
                    "mask %s has the values %g and %g alone: the larger is the hole "
                    "(said once)",
                    self.path,
                    low,
                    high,
                    extra=ONCE,
                )
            return gray == high
        hole = gray > self.options.threshold * (top / 255)
        if values[-1] and not hole.any():
            found = some(map("{:g}".format, values), 5)
            raise self._refused(
                f"is nowhere lighter than half grey: its values are {found} of {top}"
            )
        return hole

    def _top(self) -> int:
        """What is white: 255 in 8 bits, else the first that the values stay below."""
        tops = (255,) if self.numbers.dtype == np.uint8 else (1, 255, 65535)
        return next((top for top in tops if self.numbers.max() <= top), tops[-1])

    def _labels(self) -> np.ndarray:
        numbers, label = self.indices, self.options.label
        if numbers is None and self.is_gray:
            numbers = self.numbers[..., 0]
        if label is not None:
            if numbers is None:
                raise self._refused("has colours, which are no numbered labels")
            if not (numbers == label).any():
                found = some(map("{:g}".format, np.unique(numbers)), 5)
                raise self._refused(f"has no label {label}, but {found}")
            return numbers == label
        black = self.numbers.max(axis=-1) == 0
        if self.indices is not None and not (black & (self.indices > 0)).any():
            return self.indices > 0
        if not black.any():
            raise self._refused("has labels, but no black background")
        return ~black if self.is_gray else self._coloured(black)

    def _coloured(self, black: np.ndarray) -> np.ndarray:
        """All but black; of one colour with smooth borders its lighter half."""
        sample, codes = self._sample(), self._codes()
        colours = codes[codes > 0]
        count = len(np.unique(colours))
        if count > SHADES:
            hue = _colour(colours)
            shades = sample.max(axis=-1, keepdims=True) * (hue / hue.max())
            if count > LABELS or np.abs(sample - shades).max() <= NOISE:
                light = self.numbers.max(axis=-1)
                return light > light.max() / 2
        return ~black

    def _refused(self, what: str) -> InputError:
        return InputError(
            f"mask {self.path} {what}; white = hole, or say what it is made of: "
            "--mask-from paint, transparency, grey or labels"
        )


def _colour(codes: np.ndarray) -> np.ndarray:
    """The most common of some colours: `(3,)`."""
    found, counts = np.unique(codes, return_counts=True)
    code = int(found[counts.argmax()])
    return np.array([code >> 16, code >> 8 & 255, code & 255])


def fit_mask(
    mask: np.ndarray, size: tuple[int, int], orientation: int, path: str | Path
) -> np.ndarray:
    """Brings a mask to its photo's size by the nearest pixel, which is said.

    Args:
        mask: bool `(h, w)`.
        size: height and width of the upright photo.
        orientation: of the photo's file; see `turned_like`.
        path: the mask's file, for messages.

    Returns:
        bool `(H, W)`.
    """
    stored = mask.shape
    mask = turned_like(mask, size, orientation)
    if mask.shape == size:
        return mask
    logger.warning(
        "mask %s is %d x %d: %s to the photo's %d x %d",
        path,
        *stored[::-1],
        "stretched" if _aspect(mask, size) > ASPECT_TOLERANCE else "resized",
        *size[::-1],
    )
    return np.asarray(Image.fromarray(mask).resize(size[::-1], Resampling.NEAREST))


def turned_like(
    mask: np.ndarray, size: tuple[int, int], orientation: int
) -> np.ndarray:
    """Turns a mask upright that was made on a photo's pixels as the file stores them.

    That shows where its sides are the photo's exchanged.

    Args:
        mask: `(h, w)`.
        size: height and width of the upright photo.
        orientation: EXIF orientation of the photo's file, 1 to 8.
    """
    if orientation >= 5 and _aspect(mask.T, size) < _aspect(mask, size):
        return upright(mask, orientation)
    return mask


def _aspect(mask: np.ndarray, size: tuple[int, int]) -> float:
    """How far the two shapes are from each other: 0 for the same."""
    return abs(np.log(mask.shape[1] * size[0] / (mask.shape[0] * size[1])))


def seems_inverted(hole: np.ndarray) -> bool:
    """True if black rather than white seems to be the hole of a mask, bool `(H, W)`."""
    rim = np.concatenate([hole[0], hole[-1], hole[:, 0], hole[:, -1]])
    is_large = INVERTED_RATIO < hole.mean() < 1
    return bool(is_large and rim.mean() > INVERTED_BORDER)


def say_if_inverted(hole: np.ndarray, name: str) -> None:
    """Warns of a hole that seems to be the part to keep."""
    if seems_inverted(hole):
        logger.warning(
            "%s is mostly hole and so is its border: if black is the hole, pass "
            "--invert-mask (said once)",
            name,
            extra=ONCE,
        )


def grow_hole(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Grows the hole of a mask, bool `(H, W)`, on all sides, corners square."""
    from scipy.ndimage import maximum_filter

    if not pixels:
        return mask
    return maximum_filter(mask, 2 * pixels + 1, mode="constant")
