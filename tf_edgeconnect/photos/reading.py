"""Photo, mask and edge files as people have them, read for inference.

A file of nearly any kind enters as a `Photo`: its pixels exactly as decoded (grey stays
grey, 16 bit stays 16 bit) with alpha, ICC profile and EXIF beside them. The networks
see `Photo.rgb()`; what they paint comes back through `Photo.with_hole_filled`, which
leaves every known pixel bit-identical. `photo_writing.py` writes the result. Masks
follow the convention of `masking.py`: white = hole, cut at 50 % grey.
"""

import dataclasses
import logging
from pathlib import Path

import numpy as np
from PIL import Image

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.decoding import (
    deep_colour_planes,
    exif_without_orientation,
    is_deep_colour_png,
    load_image,
    orientation,
    planes,
    read_bytes,
    upright,
)

logger = logging.getLogger(__name__)

# scikit-image's rgb2gray, as published; tf.image.rgb_to_grayscale has other numbers.
GRAY_WEIGHTS = (0.2125, 0.7154, 0.0721)


@dataclasses.dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo, upright, with all that its file held and a result must keep.

    Attributes:
        pixels: uint8 or uint16 `(H, W, C)`, C is 1 (grey) or 3 (RGB).
        alpha: `(H, W)` of the same type, or None.
        icc: bytes of the ICC profile, or None.
        exif: bytes of the EXIF block less its (applied) orientation, or None.
        source: the file it came from, or None.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    source: Path | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[:2]

    def rgb(self) -> np.ndarray:
        """Returns the photo as the networks take it: uint8 `(H, W, 3)`, no alpha."""
        pixels = self.pixels
        if pixels.dtype == np.uint16:
            pixels = (pixels >> 8).astype(np.uint8)  # as decoders to 8 bits do
        return np.ascontiguousarray(np.broadcast_to(pixels, (*self.size, 3)))

    def with_hole_filled(self, filled: np.ndarray, mask: np.ndarray) -> "Photo":
        """Returns this photo with the hole painted and every known pixel untouched.

        Args:
            filled: `(H, W, 3)` RGB, uint8 or float in [0, 1]; only its hole is read.
            mask: `(H, W)`, true or not 0 = hole.

        Returns:
            A photo of the same kind: grey, 16 bit, alpha, ICC and EXIF as they were.

        Raises:
            InputError: `filled` or `mask` has another size than the photo.
        """
        hole = np.asarray(mask).astype(bool)
        if hole.shape != self.size or filled.shape != (*self.size, 3):
            raise InputError(
                f"photo is {self.size}, but the mask is {hole.shape} and the filling "
                f"{filled.shape}; expected (H, W) and (H, W, 3)"
            )
        colour = filled[hole].astype(np.float64)
        if np.issubdtype(filled.dtype, np.integer):
            colour /= 255
        if self.pixels.shape[-1] == 1:
            colour = colour @ np.array(GRAY_WEIGHTS)[:, None]
        top = np.iinfo(self.pixels.dtype).max
        pixels = self.pixels.copy()
        pixels[hole] = np.round(np.clip(colour, 0, 1) * top).astype(pixels.dtype)
        return dataclasses.replace(self, pixels=pixels)


def read_photo(path: str | Path) -> Photo:
    """Reads a photo of any usual kind, upright.

    Grey, RGB, palette, alpha, 1 bit, 16 bit and CMYK are taken; CMYK is converted to
    RGB and that is said in one line of the log. Size is checked before decoding.

    Args:
        path: a PNG, JPEG, WebP, BMP, TIFF or GIF file.

    Returns:
        The photo.

    Raises:
        InputError: the file is missing, a folder, empty, no image, cut short, of a mode
            that is not taken, or larger than 100 megapixels.
    """
    path = Path(path)
    photo = decode_photo(read_bytes(path, "photo"), path)
    return dataclasses.replace(photo, source=path)


def decode_photo(data: bytes, name: str | Path) -> Photo:
    """Decodes the bytes of a photo's file, as `read_photo` does.

    Args:
        data: the bytes.
        name: of the file, for messages.

    Returns:
        The photo, without a source.

    Raises:
        InputError: as `read_photo`.
    """
    path = Path(name)
    image = load_image(path, data, "photo")
    turned = orientation(image)
    icc = image.info.get("icc_profile")
    if image.mode == "CMYK":
        logger.warning(
            "%s is CMYK: converted to RGB%s",
            path,
            ", without its ICC profile" * bool(icc),
        )
        icc = None
    if is_deep_colour_png(data):
        pixels, alpha = deep_colour_planes(path, data)
    else:
        pixels, alpha = planes(image)
    return Photo(
        pixels=upright(pixels, turned),
        alpha=None if alpha is None else upright(alpha, turned),
        icc=icc,
        exif=exif_without_orientation(image),
    )


def read_mask(
    path: str | Path,
    size: tuple[int, int] | None = None,
    threshold: float = HALF_GRAY,
) -> np.ndarray:
    """Reads a mask file: white is hole, cut at 50 % grey.

    Colours are taken as their grey. Transparent parts count as black, so a hole may be
    drawn in white on a transparent ground.

    Args:
        path: an image file of any kind `read_photo` takes.
        size: height and width to bring the mask to (nearest neighbour); None keeps its
            own. A change of size is said in one line of the log.
        threshold: of 255; the hole is where the mask is lighter.

    Returns:
        bool `(H, W)`, true = hole.

    Raises:
        InputError: as `read_photo`.
    """
    mask = read_gray(Path(path), "mask") > threshold
    if size is not None and mask.shape != tuple(size):
        logger.warning(
            "mask %s is %d x %d: resized to the photo's %d x %d",
            path,
            *mask.shape[::-1],
            *size[::-1],
        )
        mask = np.asarray(
            Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST)
        )
    return mask


def grow_hole(mask: np.ndarray, pixels: int) -> np.ndarray:
    """Grows the hole of a mask on all sides, corners square.

    Args:
        mask: bool `(H, W)`, true = hole.
        pixels: how far, 0 or more.

    Returns:
        bool `(H, W)`.
    """
    for axis in (0, 1):
        length = mask.shape[axis]
        counts = np.cumsum(mask, axis=axis, dtype=np.int64)
        counts = np.insert(counts, 0, 0, axis=axis)
        place = np.arange(length)
        after = counts.take(np.minimum(place + pixels + 1, length), axis=axis)
        mask = after > counts.take(np.maximum(place - pixels, 0), axis=axis)
    return mask


def read_edges(path: str | Path) -> np.ndarray:
    """Reads a drawing of edges: white = line, greys allowed.

    Args:
        path: an image file of any kind `read_photo` takes; transparent counts as black.

    Returns:
        uint8 `(H, W)`.

    Raises:
        InputError: as `read_photo`.
    """
    return np.round(read_gray(Path(path), "edge drawing")).astype(np.uint8)


def read_gray(path: Path, what: str) -> np.ndarray:
    """Reads a picture as its grey, transparent parts as black.

    Args:
        path: an image file of any kind `read_photo` takes.
        what: its role ("mask"), for messages.

    Returns:
        float `(H, W)`, upright, [0, 255].

    Raises:
        InputError: as `read_photo`.
    """
    image = load_image(path, read_bytes(path, what), what)
    turned = orientation(image)
    pixels, alpha = planes(image)
    top = np.iinfo(pixels.dtype).max
    gray = pixels[..., 0] if pixels.shape[-1] == 1 else pixels @ np.array(GRAY_WEIGHTS)
    gray = gray * (255 / top)
    if alpha is not None:
        gray = gray * (alpha / top)
    return upright(gray, turned)
