"""Writes photos: PNG that holds every pixel, or JPEG where it is asked for.

A file appears complete or not at all, and nothing is overwritten unasked. Pillow cannot
hold 16 bit colour, so that kind is encoded here.
"""

import io
import logging
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from tf_edgeconnect.atomic import write_bytes
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.reading import Photo

logger = logging.getLogger(__name__)

JPEG_SUFFIXES = (".jpg", ".jpeg")
OUTPUT_SUFFIXES = (".png", *JPEG_SUFFIXES)
PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> PNG's colour type


def write_photo(path: str | Path, photo: Photo, *, overwrite: bool = False) -> None:
    """Writes a photo as PNG, or as JPEG if the name ends in .jpg or .jpeg.

    Args:
        path: the file to write; missing folders above it are made.
        photo: what to write. Alpha, ICC and EXIF go along (alpha not into JPEG).
        overwrite: True replaces an existing file. The file the photo was read from is
            never replaced.

    Raises:
        InputError: another ending, the file exists, it is the photo's own source, or
            the place cannot be written to.
    """
    path = Path(path)
    if photo.source is not None and _same_file(path, photo.source):
        raise InputError(f"output {path} is the input itself; give another name")
    check_output(path, overwrite=overwrite)
    if path.suffix.lower() in JPEG_SUFFIXES:
        logger.warning("%s: JPEG changes known pixels; PNG keeps them all", path)
        data = _encode_jpeg(path, photo)
    else:
        data = encode_png(photo)
    _write_atomically(path, data)


def check_output(path: Path, *, overwrite: bool = False) -> None:
    """Raises where a photo cannot be written, before any work is done for it.

    Args:
        path: the file to be written.
        overwrite: True if an existing file may be replaced.

    Raises:
        InputError: as `write_photo`.
    """
    if path.suffix.lower() not in OUTPUT_SUFFIXES:
        raise InputError(
            f"output {path} must end in .png (keeps every known pixel) or .jpg"
        )
    if path.is_dir():
        raise InputError(f"output {path} is a folder; expected the name of a file")
    for parent in path.parents:
        if parent.exists():
            if not parent.is_dir():
                raise InputError(f"output {path} lies below {parent}, which is a file")
            if not os.access(parent, os.W_OK):
                raise InputError(f"output {path}: folder {parent} cannot be written to")
            break
    if not overwrite and os.path.lexists(path):
        raise InputError(f"output {path} exists; pass --overwrite to replace it")


def encode_png(photo: Photo) -> bytes:
    """Encodes a photo as PNG of its own depth and channels, losing nothing.

    Args:
        photo: 8 or 16 bit, grey or RGB, with or without alpha.

    Returns:
        The bytes of a PNG file.
    """
    planes = photo.pixels
    if photo.alpha is not None:
        planes = np.concatenate([planes, photo.alpha[..., None]], axis=-1)
    if planes.dtype == np.uint16:
        return _encode_png16(planes, photo)
    stream = io.BytesIO()
    image = Image.fromarray(planes[..., 0] if planes.shape[-1] == 1 else planes)
    image.save(stream, "PNG", **_metadata(photo))
    return stream.getvalue()


def _encode_jpeg(path: Path, photo: Photo) -> bytes:
    if photo.alpha is not None:
        logger.warning("%s: JPEG holds no alpha channel, it is left out", path)
    pixels = photo.rgb()
    image = Image.fromarray(pixels[..., 0] if photo.pixels.shape[-1] == 1 else pixels)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95, subsampling=0, **_metadata(photo))
    return stream.getvalue()


def _metadata(photo: Photo) -> dict[str, bytes]:
    known = {"icc_profile": photo.icc, "exif": photo.exif}
    return {name: value for name, value in known.items() if value}


def _encode_png16(planes: np.ndarray, photo: Photo) -> bytes:
    """PNG of `(H, W, C)` uint16; rows are stored as differences, which packs well."""
    height, width, channels = planes.shape
    rows = planes.astype(">u2").reshape(height, -1).view(np.uint8)
    step = 2 * channels
    scanlines = np.empty((height, 1 + rows.shape[1]), np.uint8)
    scanlines[:, 0] = 1  # filter "Sub": each byte less the one a pixel before it
    scanlines[:, 1 : 1 + step] = rows[:, :step]
    scanlines[:, 1 + step :] = rows[:, step:] - rows[:, :-step]
    header = struct.pack(
        ">IIBBBBB", width, height, 16, PNG_COLOUR_TYPES[channels], 0, 0, 0
    )
    parts = [b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header)]
    if photo.icc:
        parts.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(photo.icc)))
    if photo.exif:
        parts.append(_chunk(b"eXIf", photo.exif.removeprefix(b"Exif\0\0")))
    parts += [_chunk(b"IDAT", zlib.compress(scanlines.data, 6)), _chunk(b"IEND", b"")]
    return b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and os.path.samefile(one, other)


def _write_atomically(path: Path, data: bytes) -> None:
    try:
        write_bytes(path, data)
    except OSError as error:
        raise InputError(
            f"output {path} cannot be written: {error.strerror or error}"
        ) from None
