"""Decodes the bytes of an image file to arrays, with one clear line for what is wrong.

Bytes enter, arrays leave: pixels uint8 or uint16 `(H, W, C)`, C 1 (grey) or 3 (RGB),
alpha `(H, W)` or None. Sizes are checked in the header, before pixels are decoded.
"""

import io
import logging
import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.headers import MAX_PIXELS

logger = logging.getLogger(__name__)

EXIF_ERRORS = (ValueError, TypeError, KeyError, OSError, SyntaxError, struct.error)

Planes = tuple[np.ndarray, np.ndarray | None]

# How each Pillow mode is held here; a mode that is not listed is refused.
HELD_AS = {
    "1": "L",
    "L": "L",
    "LA": "LA",
    "La": "LA",
    "P": "RGB",
    "PA": "RGBA",
    "RGB": "RGB",
    "RGBA": "RGBA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "I;16": "I;16",
    "I;16B": "I;16",
    "I;16L": "I;16",
}


def read_bytes(path: Path, what: str) -> bytes:
    """Reads a file; `what` names its role ("photo", "mask") in messages.

    Raises:
        InputError: it is missing, a folder, empty or not to be read.
    """
    if path.is_dir():
        raise InputError(f"{what} {path} is a folder; expected an image file")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{what} {path} does not exist") from None
    except OSError as error:
        raise InputError(f"{what} {path} cannot be read: {error.strerror}") from None
    if not data:
        raise InputError(f"{what} {path} is empty (0 bytes)")
    return data


def load_image(path: Path, data: bytes, what: str) -> Image.Image:
    """Opens and decodes an image after a look at the size in its header.

    Args:
        path: the file, for messages.
        data: its bytes.
        what: its role ("photo", "mask"), for messages.

    Returns:
        A loaded image of a mode in `HELD_AS`; the first where there are several.

    Raises:
        InputError: no image, damaged, larger than 100 megapixels, or of another mode.
    """
    too_large = f"{what} {path} is larger than 100 megapixels%s; make it smaller first"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data))
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise InputError(too_large % f" ({width} x {height})")
        if image.mode not in HELD_AS:
            raise InputError(
                f"{what} {path} has pixels of kind {image.mode!r}, which is not taken; "
                "save it as 8 or 16 bit grey or RGB"
            )
        if image.format == "TIFF" and ";16" in str(image.tile) and image.mode != "I;16":
            logger.warning(
                "%s is a 16 bit colour TIFF: read at 8 bits; PNG keeps 16", path
            )
        image.load()
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{what} {path} is not an image that can be read") from None
    except Image.DecompressionBombError:
        raise InputError(too_large % "") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{what} {path} is damaged or cut short: {reason}") from None
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # a phone's JPEG
        logger.warning("%s holds several pictures: only the first is read", path)
    return image


def planes(image: Image.Image) -> Planes:
    """Splits a loaded image into pixels `(H, W, C)` and alpha `(H, W)` or None."""
    mode = HELD_AS[image.mode]
    if mode == "I;16":
        return np.asarray(image).astype(np.uint16)[..., None], None
    if image.has_transparency_data:  # also of a palette or a colour key
        mode = "LA" if mode in ("L", "LA") else "RGBA"
    array = np.asarray(image.convert(mode))
    if mode in ("LA", "RGBA"):
        return array[..., :-1], array[..., -1]
    return array.reshape(*array.shape[:2], -1), None


def is_deep_colour_png(data: bytes) -> bool:
    """True for PNG of 16 bits and more than one channel, which Pillow cuts to 8."""
    is_png = data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR"
    return is_png and data[24] == 16 and data[25] != 0


def deep_colour_planes(path: Path, data: bytes) -> Planes:
    """Decodes what `is_deep_colour_png` finds, at its full depth, with OpenCV.

    Args:
        path: the file, for messages.
        data: its bytes.

    Returns:
        Pixels uint16 `(H, W, C)` and alpha uint16 `(H, W)` or None, as stored.

    Raises:
        InputError: OpenCV cannot be imported or cannot decode the file.
    """
    try:
        import cv2
    except ImportError as error:  # opencv-python asks the system for libGL
        raise InputError(
            f"photo {path} is 16 bit colour, which needs OpenCV ({error}); "
            "run: pip install opencv-python-headless"
        ) from None
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16:
        raise InputError(f"photo {path} cannot be decoded at 16 bits")
    alpha = array[..., 3] if array.shape[-1] == 4 else None
    is_gray = data[25] == 4  # PNG colour type: grey with alpha
    pixels = array[..., :1] if is_gray else array[..., 2::-1]
    return np.ascontiguousarray(pixels), alpha


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Applies an EXIF orientation (1 to 8; others count as 1) to `(H, W, ...)`."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def orientation(image: Image.Image) -> int:
    """Returns the EXIF orientation, 1 (upright) where there is none to be read."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except EXIF_ERRORS:
        return 1


def exif_without_orientation(image: Image.Image) -> bytes | None:
    """Returns the EXIF block to keep, or None.

    Its thumbnail is left out: it shows the photo as it was.
    """
    if image.format == "TIFF":  # its tags describe the layout of that very file
        return None
    try:
        exif = image.getexif()
        exif.pop(ExifTags.Base.Orientation, None)
        return exif.tobytes() if exif else None
    except EXIF_ERRORS as error:
        logger.warning("the EXIF block is damaged and left out: %s", error)
        return None
