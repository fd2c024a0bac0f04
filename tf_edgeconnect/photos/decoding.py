"""Decodes the bytes of an image file to arrays; an error is one line naming the file.

Bytes enter, arrays leave: pixels uint8 or uint16 `(H, W, C)`, C 1 (grey) or 3 (RGB),
alpha `(H, W)` or None. The format is found by content, never by name. Sizes are
checked in the header, before pixels are decoded.
"""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Container, Iterator
from pathlib import Path
from types import ModuleType
from typing import IO, Any, BinaryIO, cast

import numpy as np
from PIL import (
    ExifTags,
    Image,
    ImageCms,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
)
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from tf_edgeconnect.errors import InputError, one_line

logger = logging.getLogger(__name__)

MAX_PIXELS = 100_000_000
# scikit-image's rgb2gray, as published; tf.image.rgb_to_grayscale has other numbers.
GRAY_WEIGHTS = (0.2125, 0.7154, 0.0721)
# Pillow reads more formats, some by starting other programs.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
# The largest profile or text of a PNG; Pillow's own bound is 1 MB.
MAX_TEXT = 64 * 2**20
PixelsAndAlpha = tuple[np.ndarray, np.ndarray | None]

# Format -> mark in the file, and how far behind its start the first channel's bits are.
_DEPTHS = {
    "AVIF": (b"pixi", 9),
    "HEIF": (b"pixi", 9),
    "JPEG2000": (b"\xff\x4f\xff\x51", 42),  # there less one
}
# Canonical mode -> the modes that are converted to it; others are refused.
_MODES = {
    "L": ("1", "L"),
    "LA": ("LA", "La"),
    "RGB": ("P", "RGB", "RGBX", "CMYK", "LAB", "YCbCr"),
    "RGBA": ("PA", "RGBA", "RGBa"),
    "I;16": ("I;16", "I;16B", "I;16L"),
}
CANONICAL_MODE = {mode: to for to, modes in _MODES.items() for mode in modes}


def read_bytes(path: Path, what: str) -> bytes:
    """Reads a file; `what` names its role ("photo", "mask") in messages.

    Raises:
        InputError: it is missing, a folder, empty or unreadable.
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


@contextlib.contextmanager
def decoding_errors(
    what: str, path: Path, max_pixels: int = MAX_PIXELS
) -> Iterator[None]:
    """Turns whatever a decoder raises into an `InputError` that names the file.

    Raises:
        InputError: the file is not an image, damaged, or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(f"{what} {path} is not an image that can be read") from None
    except Image.DecompressionBombError as error:
        size = f" ({error})" if " x " in str(error) else ""
        raise InputError(
            f"{what} {path} is larger than {max_pixels / 1e6:g} megapixels{size}; make "
            "it smaller first",
            ", or raise --max-megapixels",
        ) from None
    except MemoryError:
        raise InputError(f"{what} {path} does not fit into memory") from None
    except Exception as error:  # Pillow's plugins raise anything on damaged data
        reason = one_line(error)
        raise InputError(f"{what} {path} is damaged or cut short: {reason}") from None


def load_image(
    path: Path,
    data: bytes,
    what: str,
    max_pixels: int = MAX_PIXELS,
    modes: Container[str] = CANONICAL_MODE,
) -> ImageFile:
    """Decodes an image, the first if there are several, after checking its header.

    Args:
        path: the file, for messages.
        data: its bytes.
        what: its role ("photo", "mask"), for messages.
        max_pixels: the largest size.
        modes: the Pillow modes to accept.

    Returns:
        The image. Its `info` also holds `stored_orientation`, which Pillow has already
        applied to a TIFF, and `depth`, the file's bits per channel.

    Raises:
        InputError: not an image, damaged, too large, or of another mode.
    """
    with decoding_errors(what, path, max_pixels):
        try:
            image = open_image(io.BytesIO(data), max_pixels)
        except InputError as error:
            raise InputError(f"{what} {path}: {error}") from None
        width, height = image.size
        if width * height > max_pixels:
            raise Image.DecompressionBombError(f"{width} x {height}")
        if image.mode not in modes:
            raise InputError(
                f"{what} {path} has pixels of an unsupported kind, {image.mode!r}; "
                "save it as 8 or 16 bit grey or RGB"
            )
        image.info["stored_orientation"] = orientation_of(image)
        image.info["depth"] = _depth(image, data)
        _warn_of_further_pictures(image, path)
        image.load()
        if isinstance(image, TiffImageFile) and image.mode.startswith("I;16"):
            _to_full_range(image)
    return image


def open_image(file: BinaryIO, max_pixels: int = MAX_PIXELS) -> ImageFile:
    """Opens an image of any supported format, without decoding its pixels.

    Raises:
        InputError: it is HEIC and pi-heif is not installed, a TIFF of an unknown kind,
            or a camera's raw file.
        Exception: whatever Pillow raises.
    """
    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, MAX_TEXT)
    # Pillow raises only above twice this; callers check the bound itself.
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or max_pixels, max_pixels)
    try:
        image = Image.open(file, formats=FORMATS)
        if isinstance(image, TiffImageFile):
            _refuse_raw(image)
        return image
    except UnidentifiedImageError:
        file.seek(0)
        start = file.read(12)
        if start.startswith((b"II*\0", b"MM\0*")):
            raise InputError(
                "it is a TIFF that is damaged or of an unknown kind; save it as PNG"
            ) from None
        if start[4:8] != b"ftyp":
            raise
    try:
        from pi_heif import HeifImageFile
    except ImportError:
        raise InputError(
            "HEIC needs pi-heif: pip install 'tf-edgeconnect[heif]'"
        ) from None
    file.seek(0)
    return HeifImageFile(file)


def _refuse_raw(image: TiffImageFile) -> None:
    tags = image.tag_v2
    is_preview = tags.get(ExifTags.Base.NewSubfileType, 0) & 1
    if is_preview or ExifTags.Base.DNGVersion in tags:
        raise InputError("it is a camera's raw file; develop it to PNG or TIFF first")


def _depth(image: ImageFile, data: bytes) -> int:
    if image.format == "PNG":
        return data[24]
    if isinstance(image, TiffImageFile):
        return max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    if image.format == "PPM":
        *_, highest = cast("tuple[Any, ...]", image.tile[0].args)
        return 16 if highest == 65535 else 8
    mark, place = _DEPTHS.get(image.format or "", (b"", 0))
    start = data.find(mark) if mark else -1
    if start < 0:
        return 8
    return (data[start + place] & 31) + (image.format == "JPEG2000")


def _to_full_range(image: TiffImageFile) -> None:
    """Spreads 12 bits to 16 and makes 0 black, as Pillow does up to 8 bits alone."""
    values: np.ndarray = np.asarray(image).astype(np.uint16)
    if image.info["depth"] == 12:
        values = values << 4 | values >> 8
    if image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0:
        values = ~values
    image.frombytes(values.astype(">u2" if image.mode == "I;16B" else "<u2").tobytes())


def _warn_of_further_pictures(image: Image.Image, path: Path) -> None:
    gain_map = b'hdrgm:Version="' in image.info.get("xmp", b"")
    if image.format == "MPO" or gain_map or image.info.get("aux"):
        logger.warning("%s: its gain map or further images are ignored", path)
    elif getattr(image, "n_frames", 1) > 1:
        logger.warning("%s contains several images: the first is read", path)


def to_srgb(image: Image.Image, path: Path) -> Image.Image:
    """Converts a CMYK or Lab image to sRGB, CMYK by its ICC profile if it has one."""
    icc, srgb = image.info.get("icc_profile") or b"", ImageCms.createProfile("sRGB")
    lab = ImageCms.createProfile("LAB")  # the same on every device
    try:
        if icc or image.mode == "LAB":
            given = lab if image.mode == "LAB" else io.BytesIO(icc)
            profile = ImageCms.ImageCmsProfile(given)
            transform = ImageCms.buildTransform(profile, srgb, image.mode, "RGB")
            return transform.apply(image)
    except (ImageCms.PyCMSError, OSError) as error:
        logger.warning("%s: its ICC profile cannot be used: %s", path, error)
    logger.warning("%s is CMYK: converted to RGB without an ICC profile", path)
    return image.convert("RGB")


def split_alpha(image: Image.Image) -> PixelsAndAlpha:
    """Splits a loaded image into pixels `(H, W, C)` and alpha `(H, W)` or None."""
    mode = CANONICAL_MODE[image.mode]
    if mode == "I;16":
        gray = np.asarray(image).astype(np.uint16)
        key = image.info.get("transparency")
        alpha = None if key is None else (gray != key) * np.uint16(65535)
        return gray[..., None], alpha
    if image.has_transparency_data:  # also of a palette or a colour key
        mode = "LA" if mode in ("L", "LA") else "RGBA"
    array = np.asarray(image.convert(mode))
    if mode in ("LA", "RGBA"):
        return array[..., :-1], array[..., -1]
    return array.reshape(*array.shape[:2], -1), None


def is_16_bit_colour(image: Image.Image) -> bool:
    """True for several channels of more than 8 bits, of which Pillow decodes 8."""
    is_deep = image.info["depth"] > 8 and image.mode in ("RGB", "RGBX", "RGBA")
    return is_deep and image.format in ("JPEG2000", "PNG", "PPM", "TIFF")


def decode_16_bit_colour(image: Image.Image, path: Path, data: bytes) -> PixelsAndAlpha:
    """Decodes with OpenCV what `is_16_bit_colour` finds.

    Args:
        image: as Pillow decoded it.
        path: the file, for messages.
        data: its bytes.

    Returns:
        Pixels uint16 `(H, W, C)` and alpha uint16 `(H, W)` or None, not yet upright.

    Raises:
        InputError: OpenCV cannot be imported or cannot decode the file.
    """
    cv2 = import_opencv(f"photo {path} is 16 bit colour, which")
    with decoding_errors("photo", path):
        array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
    # OpenCV and Pillow both mix up channels that are stored one after the other, and
    # OpenCV takes colours multiplied by their alpha as they are.
    is_planar = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2
    is_premultiplied = tags.get(TiffImagePlugin.EXTRASAMPLES) == (1,)
    if (
        array is None
        or array.dtype != np.uint16
        or array.shape not in [(*image.size[::-1], channels) for channels in (3, 4)]
        or image.info["depth"] != 16
        or is_planar
        or is_premultiplied
    ):
        raise InputError(
            f"photo {path} cannot be decoded at 16 bits; save it as a 16 bit PNG"
        )
    alpha = array[..., 3] if array.shape[-1] == 4 else None
    is_gray = image.format == "PNG" and data[25] == 4  # colour type: grey with alpha
    pixels = array[..., :1] if is_gray else array[..., 2::-1]
    return np.ascontiguousarray(pixels), alpha


def import_opencv(what: str) -> ModuleType:
    """Imports OpenCV; `what` needs it, for the message.

    Raises:
        InputError: OpenCV cannot be imported.
    """
    try:
        import cv2
    except ImportError as error:  # opencv-python needs the system's libGL
        raise InputError(
            f"{what} needs OpenCV ({error}); run: pip install opencv-python-headless"
        ) from None
    return cv2


def upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Applies an EXIF orientation (1 to 8; others count as 1) to `(H, W, ...)`."""
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return np.ascontiguousarray(array)


def orientation_of(image: ImageFile) -> int:
    """Returns the EXIF orientation, 1 (upright) if it is missing or invalid."""
    tag = ExifTags.Base.Orientation
    try:
        # The base class's method: PNG's own decodes all pixels to find an eXIf chunk
        # behind them, which `_png_chunk` finds without.
        exif = Image.Image.getexif(image)
        if image.format == "PNG" and tag not in exif and image.fp:
            exif.load(_png_chunk(image.fp, b"eXIf"))
        value = exif.get(tag, 1)
    except Exception:  # the pixels are good even if the EXIF block is broken
        return 1
    return value if value in range(1, 9) else 1


def _png_chunk(file: IO[bytes], wanted: bytes) -> bytes:
    """Returns the content of the first chunk of that kind, or b""."""
    place, found = file.tell(), b""
    file.seek(8)
    while not found and len(head := file.read(8)) == 8:
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == wanted:
            found = file.read(length)
        file.seek(length + 4, os.SEEK_CUR)
    file.seek(place)
    return found


def gray_of(pixels: np.ndarray) -> np.ndarray:
    """Converts pixels `(..., C)`, C 1 or 3, to grey `(...)` of the same range."""
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    return pixels @ np.array(GRAY_WEIGHTS)
