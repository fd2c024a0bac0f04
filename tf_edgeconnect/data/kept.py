"""Scans files before training, and converts what TensorFlow would misread to PNG.

What a file means is decided by `photos`, and inside `tf.data` only TensorFlow decodes.
So the scan looks at every file before training: a photo that TensorFlow cannot decode,
and a mask or an edge file that it would read as something else (alpha, labels,
orientation, ...), is kept as an upright 8-bit PNG, named by its content, beside the
file that keeps the scan.
"""

import contextlib
import functools
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_edgeconnect.atomic import write_bytes
from tf_edgeconnect.data.images import decode, to_gray
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.headers import read_header, scan_files
from tf_edgeconnect.photos.names import list_images, some
from tf_edgeconnect.photos.reading import Photo, read_edges, read_mask, read_photo
from tf_edgeconnect.photos.writing import encode

KEPT = "kept"  # folder

logger = logging.getLogger(__name__)


class Scanned(NamedTuple):
    """The result of scanning one file.

    Attributes:
        file: what TensorFlow reads: the file, or the PNG that is kept for it.
        height: of the upright picture, pixels; 0 if it cannot be used.
        width: the same.
        orientation: EXIF orientation that TensorFlow still has to apply, 1 to 8.
        reason: why it cannot be used, or an empty string.
    """

    file: str = ""
    height: int = 0
    width: int = 0
    orientation: int = 1
    reason: str = ""


Look = Callable[[Path, Path], Scanned]  # takes a file and the folder of what is kept


def scan(paths: Sequence[Path], look: Look, cache: Path | None) -> list[Scanned]:
    """Scans many files before training.

    Args:
        paths: files.
        look: `look_at_photo`, `look_at_mask` or `look_at_edges`.
        cache: JSON file that keeps the scan, beside the folder of what is kept; None
            keeps both for as long as the process lives.
    """
    folder = kept_folder(cache)
    scanned = []
    found = scan_files(paths, lambda path: look(path, folder), cache)
    for path, (kept, *rest) in zip(paths, found, strict=True):
        if kept and not (folder / kept).exists():
            look(path, folder)
        file = folder / kept if kept else path
        scanned.append(Scanned(str(file.absolute()), *rest))
    return scanned


def scan_folder(
    folder: Path, look: Look, cache: Path | None
) -> list[tuple[Path, Scanned]]:
    """Looks at the images of a folder, sound or not; other files are named in the log.

    Args:
        folder: searched recursively.
        look: as `scan` takes it.
        cache: the same.

    Raises:
        InputError: there is no image.
    """
    images, others = list_images(folder)
    if others:
        names = [path.relative_to(folder).as_posix() for path in others]
        logger.warning("%s: skipped, not images: %s", folder, some(names, 5))
    paths = list(images.values())
    return list(zip(paths, scan(paths, look, cache), strict=True))


def file_names(scanned: Sequence[Scanned]) -> tf.Tensor:
    """Returns the files to read, string `(N,)`, whatever their names are made of."""
    with tf.device("CPU:0"):
        return tf.constant([os.fsencode(each.file) for each in scanned], tf.string)


def kept_folder(cache: Path | None) -> Path:
    """Returns the folder of what a scan keeps."""
    return Path(_scratch().name if cache is None else cache.parent) / KEPT


def kept_files(cache: Path | None) -> tuple[int, int]:
    """Returns how many files the folder of a scan keeps, and their bytes together."""
    sizes = [path.stat().st_size for path in kept_folder(cache).glob("*.png")]
    return len(sizes), sum(sizes)


@functools.cache
def _scratch() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="tf-edgeconnect-")


def look_at_photo(path: Path, folder: Path) -> Scanned:
    """Reads the header of a photo; keeps a photo that TensorFlow cannot decode."""
    header = read_header(path)
    if header.reason:
        return Scanned(reason=header.reason)
    if not header.plain:
        return _look(path, folder, "photo", lambda: read_photo(path).rgb())
    height, width = header.height, header.width
    if header.orientation >= 5:
        height, width = width, height
    return Scanned("", height, width, header.orientation)


def look_at_mask(path: Path, folder: Path) -> Scanned:
    """Reads a mask; keeps a mask whose hole TensorFlow would see elsewhere."""

    def read(contents: bytes) -> np.ndarray:
        gray = to_gray(tf.cast(decode(contents), tf.float32))
        return 255 * (gray.numpy() > HALF_GRAY)

    return _look(path, folder, "mask", lambda: 255 * read_mask(path)[..., None], read)


def look_at_edges(path: Path, folder: Path) -> Scanned:
    """Reads an edge file; keeps one that TensorFlow would read with other values."""

    def read(contents: bytes) -> np.ndarray:
        return decode(contents).numpy()

    what = "edge map"
    return _look(path, folder, what, lambda: read_edges(path)[..., None], read)


def _look(
    path: Path,
    folder: Path,
    what: str,
    meant: Callable[[], np.ndarray],
    by_tensorflow: Callable[[bytes], np.ndarray] | None = None,
) -> Scanned:
    try:
        pixels = meant().astype(np.uint8)
        contents = path.read_bytes()
    except InputError as error:
        return Scanned(reason=str(error).removeprefix(f"{what} {path} "))
    if by_tensorflow is not None:
        with contextlib.suppress(tf.errors.OpError), tf.device("CPU:0"):
            seen = by_tensorflow(contents)
            if seen.shape[:2] == pixels.shape[:2] and np.all(seen == pixels):
                return Scanned("", *pixels.shape[:2])
    digest = hashlib.sha256(what.encode() + contents).hexdigest()
    kept = folder / f"{digest[:32]}.png"
    if not kept.exists():
        write_bytes(kept, encode(Photo(pixels), "PNG"))
    return Scanned(kept.name, *pixels.shape[:2])
