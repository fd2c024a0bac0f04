"""Writes photos as PNG, JPEG, WebP or TIFF.

A file appears complete or not at all; nothing is overwritten unless asked. Pillow has
no 16 bit colour, so 16 bit PNG and all TIFF files are encoded here.
"""

import dataclasses
import io
import logging
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from tf_edgeconnect.atomic import write_bytes
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos import metadata
from tf_edgeconnect.photos.masks import ONCE
from tf_edgeconnect.photos.reading import Photo

logger = logging.getLogger(__name__)

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}
JPEG_QUALITY = 95
PNG_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # channels -> PNG's colour type
PNG_START = 8 + 25  # signature and header chunk


def write_photo(
    path: str | Path,
    photo: Photo,
    *,
    overwrite: bool = False,
    quality: int | None = None,
) -> None:
    """Writes a photo in the format of the path's ending.

    Args:
        path: the file to write; missing folders are made.
        photo: the photo; see `encode`.
        overwrite: True replaces an existing file, except `photo.source`.
        quality: of JPEG (95 by default) and WebP (lossless by default), 1 to 100.

    Raises:
        InputError: the ending is none of `FORMATS`, the file exists or is the photo's
            source, or it cannot be written.
    """
    path = Path(path)
    if photo.source is not None and same_file(path, photo.source):
        raise InputError(f"output {path} is the input itself; give another name")
    check_output(path, overwrite=overwrite)
    data = encode(photo, FORMATS[path.suffix.lower()], quality)
    try:
        write_bytes(path, data)
    except OSError as error:
        raise InputError(
            f"output {path} cannot be written: {error.strerror or error}"
        ) from None


def check_output(path: Path, *, overwrite: bool = False) -> None:
    """Raises what `write_photo` would raise for this path, before the work."""
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            f"output {path} must end in .png (keeps every known pixel), .webp, .tif "
            "or .jpg"
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


def check_format(path: Path, photo: Photo, quality: int | None = None) -> None:
    """Warns of what the format of a result cannot hold, before the work.

    Args:
        path: the file to write.
        photo: of the size, kind and metadata of the result.
        quality: as for `write_photo`.

    Raises:
        InputError: the format does not allow this size.
    """
    form = FORMATS[path.suffix.lower()]
    longest = LONGEST_SIDE.get(form)
    if longest and max(photo.size) > longest:
        raise InputError(
            f"output {path}: {form} takes at most {longest} pixels a side, the photo "
            f"is {photo.size[1]} x {photo.size[0]}; write PNG"
        )
    if form == "JPEG" or (form == "WEBP" and quality is not None):
        text = "%s: %s changes known pixels; PNG keeps them all"
        logger.warning(text, path, form, extra=ONCE)
    _, lost = _carried(photo, form)
    if form in ("JPEG", "WEBP") and photo.pixels.dtype == np.uint16:
        lost.append("more than 8 bits")
    if form == "JPEG" and photo.alpha is not None:
        lost.append("alpha channel")
    if lost:
        names = ", ".join(lost)
        logger.warning("%s: %s cannot store %s: left out; PNG can", path, form, names)


def encode(photo: Photo, form: str, quality: int | None = None) -> bytes:
    """Encodes a photo and the part of its metadata that the format can hold.

    Args:
        photo: 8 or 16 bit, grey or RGB, with or without alpha.
        form: one of the values of `FORMATS`; PNG and TIFF keep every pixel.
        quality: as for `write_photo`.
    """
    carried, _ = _carried(photo, form)
    planes = photo.pixels
    if photo.alpha is not None and form != "JPEG":
        planes = np.concatenate([planes, photo.alpha[..., None]], axis=-1)
    if form == "TIFF":
        if planes.shape[-1] == 2 and planes.dtype == np.uint16:
            # As RGB: few programs read 16-bit grey with alpha.
            planes = planes.take([0, 0, 0, 1], axis=-1)
        return _tiff(planes, metadata.tiff_tags(carried))
    options: dict[str, Any] = {}
    if form == "PNG":
        options = metadata.png_options(carried)
        if planes.dtype == np.uint16:
            return _png16(planes, options)
    elif form == "JPEG":
        options = metadata.jpeg_options(carried)
        options.update(quality=quality or JPEG_QUALITY, subsampling=0)
    else:
        options = metadata.webp_options(carried)
        options.update(lossless=quality is None, exact=True, quality=quality or 80)
    if planes.dtype == np.uint16:
        planes = (planes >> 8).astype(np.uint8)
    image = Image.fromarray(planes[..., 0] if planes.shape[-1] == 1 else planes)
    return _saved(image, form, options)


def _carried(photo: Photo, form: str) -> tuple[metadata.Metadata, list[str]]:
    """Returns the metadata that a format can hold, and the names of the rest."""
    carried, lost = metadata.fitting(photo.metadata, form)
    is_of_gray = (carried.icc or b"")[16:20] == b"GRAY"
    if form == "WEBP" and is_of_gray:  # WebP is always colour
        return dataclasses.replace(carried, icc=None), ["grey ICC profile", *lost]
    return carried, lost


def _saved(image: Image.Image, form: str, options: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def _png16(planes: np.ndarray, options: dict[str, Any]) -> bytes:
    """Encodes `(H, W, C)` uint16 as PNG."""
    height, width, channels = planes.shape
    rows = planes.astype(">u2").reshape(height, -1).view(np.uint8)
    step = 2 * channels
    scanlines = np.empty((height, 1 + rows.shape[1]), np.uint8)
    scanlines[:, 0] = 1  # filter "Sub": each byte less the one a pixel before it
    scanlines[:, 1 : 1 + step] = rows[:, :step]
    scanlines[:, 1 + step :] = rows[:, step:] - rows[:, :-step]
    # The metadata chunks come from a PNG of one pixel by Pillow.
    around = _saved(Image.new("L", (1, 1)), "PNG", options)
    end_of_metadata = around.rindex(b"IDAT") - 4
    kind = (16, PNG_COLOUR_TYPES[channels], 0, 0, 0)
    return b"".join(
        [
            around[:8],
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *kind)),
            around[PNG_START:end_of_metadata],
            _chunk(b"IDAT", zlib.compress(scanlines.data, 6)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _tiff(planes: np.ndarray, tags: dict[int, Any]) -> bytes:
    """Encodes `(H, W, C)` uint8 or uint16 as TIFF: deflated, one strip."""
    height, width, channels = planes.shape
    strip = zlib.compress(planes.astype(planes.dtype.newbyteorder("<")).data, 6)
    layout = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        layout[tag] = value
    layout[256], layout[257] = width, height
    layout[258] = (8 * planes.itemsize,) * channels
    layout[259] = 8  # deflate
    layout[262] = 2 if channels > 2 else 1  # RGB, or black is zero
    layout[273], layout[278], layout[279] = 0, height, len(strip)
    layout[277] = channels
    if channels in (2, 4):
        layout[338] = 2  # unassociated alpha
    stream = io.BytesIO()
    layout.save(stream)  # the strip follows it
    return stream.getvalue() + strip


def same_file(one: Path, other: Path) -> bool:
    """Returns whether two paths lead to one file, which exists."""
    return one.exists() and other.exists() and os.path.samefile(one, other)
