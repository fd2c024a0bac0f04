"""Reads photos, masks and edge maps from files of nearly any kind.

A `Photo` holds its pixels exactly as decoded (grey stays grey, 16 bit stays 16 bit),
with alpha and metadata beside them. The networks see `Photo.rgb()`;
`Photo.with_hole_filled` takes their result and leaves every known pixel bit-identical.
"""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.decoding import (
    MAX_PIXELS,
    decode_16_bit_colour,
    decoding_errors,
    gray_of,
    is_16_bit_colour,
    load_image,
    orientation_of,
    read_bytes,
    split_alpha,
    to_srgb,
    upright,
)
from tf_edgeconnect.photos.masks import (
    MODES,
    ONCE,
    MaskFile,
    MaskOptions,
    fit_mask,
    grow_hole,
    seems_inverted,
)
from tf_edgeconnect.photos.metadata import Metadata, read_metadata

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo, upright, with everything a filled copy has to keep.

    Attributes:
        pixels: uint8 or uint16 `(H, W, C)`, C is 1 (grey) or 3 (RGB).
        alpha: `(H, W)` of the same type, or None.
        metadata: ICC profile, EXIF and more.
        source: the file it was read from, or None.
        orientation: the file's EXIF orientation, 1 to 8.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    metadata: Metadata = Metadata()
    source: Path | None = None
    orientation: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.pixels.shape[:2]

    def rgb(self) -> np.ndarray:
        """Returns the network input, uint8 `(H, W, 3)` without alpha."""
        pixels = self.pixels
        if pixels.dtype == np.uint16:
            pixels = (pixels >> 8).astype(np.uint8)  # as 8-bit decoders do
        return np.ascontiguousarray(np.broadcast_to(pixels, (*self.size, 3)))

    def transparent(self) -> np.ndarray:
        """Returns where the photo is more transparent than opaque, bool `(H, W)`."""
        if self.alpha is None:
            return np.zeros(self.size, bool)
        return self.alpha <= np.iinfo(self.alpha.dtype).max / 2

    def with_hole_filled(
        self, filled: np.ndarray, mask: np.ndarray, feather: int = 0
    ) -> "Photo":
        """Returns this photo with its hole filled and every known pixel unchanged.

        If the photo has an alpha channel, the hole becomes opaque.

        Args:
            filled: `(H, W, 3)` RGB, uint8 or float in [0, 1]; only its hole is read.
            mask: `(H, W)`, true or not 0 = hole.
            feather: pixels inside the hole over which the photo fades into `filled`;
                0 for a hard border.

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
            colour = gray_of(colour)[:, None]
        top = np.iinfo(self.pixels.dtype).max
        colour = np.clip(colour, 0, 1) * top
        pixels, alpha = self.pixels.copy(), self.alpha
        if feather:
            share = _depth(hole, feather + 1)[hole] / (feather + 1)
            if alpha is not None:  # transparent pixels do not fade in
                share = 1 - (1 - share) * (alpha[hole] / top)
            colour = pixels[hole] + share[:, None] * (colour - pixels[hole])
        pixels[hole] = np.round(colour).astype(pixels.dtype)
        if alpha is not None:
            alpha = np.where(hole, alpha.dtype.type(top), alpha)
        return dataclasses.replace(self, pixels=pixels, alpha=alpha)


def _depth(hole: np.ndarray, most: int) -> np.ndarray:
    """Chessboard distance to the nearest known pixel, at most `most`."""
    from scipy.ndimage import distance_transform_cdt

    if hole.all():
        return np.full(hole.shape, most)
    return np.minimum(distance_transform_cdt(hole, "chessboard"), most)


def read_photo(path: str | Path, max_pixels: int = MAX_PIXELS) -> Photo:
    """Reads a photo, upright.

    Accepts grey, RGB, palette, alpha, 1 bit, 16 bit, CMYK and Lab; the last two are
    converted to sRGB. Logs a warning if the file holds more than the photo (further
    pictures, a gain map).

    Args:
        path: a JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF, JPEG 2000, PPM or HEIC file,
            whatever its ending.
        max_pixels: the largest size, checked before decoding.

    Raises:
        InputError: the file is missing, a folder, empty, not an image, damaged, of
            another mode, too large, or HEIC without pi-heif.
    """
    path = Path(path)
    photo = decode_photo(read_bytes(path, "photo"), path, max_pixels)
    return dataclasses.replace(photo, source=path)


def decode_photo(
    data: bytes,
    name: str | Path,
    max_pixels: int = MAX_PIXELS,
    what: str = "photo",
) -> Photo:
    """Decodes the bytes of a photo's file, as `read_photo` does; `source` is None.

    Args:
        data: the bytes.
        name: the file's, for messages.
        max_pixels: the largest size.
        what: the file's role, for messages.
    """
    path = Path(name)
    image = load_image(path, data, what, max_pixels)
    turned, metadata = orientation_of(image), read_metadata(image)
    with decoding_errors(what, path):
        if image.mode in ("CMYK", "LAB"):
            pixels, alpha = split_alpha(to_srgb(image, path))
            metadata = dataclasses.replace(metadata, icc=None)
        elif is_16_bit_colour(image):
            pixels, alpha = decode_16_bit_colour(image, path, data)
        else:
            pixels, alpha = split_alpha(image)
    if (depth := image.info["depth"]) > 8 and pixels.dtype == np.uint8:
        logger.warning("%s has %d bits per channel: only 8 are read", path, depth)
    return Photo(
        pixels=upright(pixels, turned),
        alpha=None if alpha is None else upright(alpha, turned),
        metadata=metadata,
        orientation=image.info.get("stored_orientation", 1),
    )


def read_mask(
    path: str | Path,
    options: MaskOptions = MaskOptions(),  # noqa: B008 (frozen)
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Reads a mask file at its own size.

    Args:
        path: an image file of any kind `read_photo` takes, also of 32 bits a pixel.
        options: only `kind`, `label` and `threshold` count here.
        max_pixels: the largest size.

    Returns:
        bool `(H, W)`, true = hole.

    Raises:
        InputError: as `read_photo`, or the image is not a mask.
    """
    return decode_mask(read_bytes(Path(path), "mask"), path, options, max_pixels)


def decode_mask(
    data: bytes,
    name: str | Path,
    options: MaskOptions = MaskOptions(),  # noqa: B008 (frozen)
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decodes the bytes of a mask's file, as `read_mask` does."""
    path = Path(name)
    image = load_image(path, data, "mask", max_pixels, MODES)
    with decoding_errors("mask", path):
        return upright(MaskFile(image, path, options).hole(), orientation_of(image))


def read_hole(
    mask: str | Path | None,
    photo: Photo,
    options: MaskOptions = MaskOptions(),  # noqa: B008 (frozen)
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Reads the hole to fill in a photo, from a mask file or the photo's alpha.

    Args:
        mask: the file; None takes the photo's transparent part.
        photo: the photo.
        options: all of them count.
        max_pixels: the largest size of a mask.

    Returns:
        bool `(H, W)` of the photo's size, true = hole.

    Raises:
        InputError: as `read_mask`, or there is no hole.
    """
    name = f"photo {photo.source}" if mask is None else f"mask {mask}"
    if mask is not None:
        hole = read_mask(mask, options, max_pixels)
        hole = fit_mask(hole, photo.size, photo.orientation, mask)
    elif photo.alpha is not None:
        hole = photo.transparent()
    else:
        raise InputError(f"{name} has no transparent part to fill; give a mask")
    if options.invert:
        hole = ~hole
    elif seems_inverted(hole):
        logger.warning(
            "%s is mostly hole, and so is its border: if black is the hole, pass "
            "--invert-mask (reported once)",
            name,
            extra=ONCE,
        )
    if not hole.any() and not options.allow_empty:
        raise InputError(
            f"{name} has no hole to fill; in a mask, white is the hole",
            ". --allow-empty copies the photo",
        )
    return grow_hole(hole, options.dilate)


def read_edges(path: str | Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Reads an edge map: white = edge, greys allowed.

    Args:
        path: an image file of any kind `read_photo` takes; transparent is black.
        max_pixels: the largest size.

    Returns:
        uint8 `(H, W)`.

    Raises:
        InputError: as `read_photo`.
    """
    what, path = "edge map", Path(path)
    photo = decode_photo(read_bytes(path, what), path, max_pixels, what)
    top = np.iinfo(photo.pixels.dtype).max
    gray = gray_of(photo.pixels) * (255 / top)
    if photo.alpha is not None:
        gray = gray * (photo.alpha / top)
    return np.round(gray).astype(np.uint8)
