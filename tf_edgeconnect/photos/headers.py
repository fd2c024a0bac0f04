"""Scans many files at once, such as the headers of photos, and caches the results.

`read_header` finds size, orientation and problems of a photo without decoding it. The
cache is valid for the same paths, sizes and modification times, so that a resumed run
does not scan again.
"""

import contextlib
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from tf_edgeconnect.atomic import write_json
from tf_edgeconnect.errors import one_line
from tf_edgeconnect.photos.decoding import MAX_PIXELS, open_image, orientation_of

# The networks need this many pixels a side; an enlarged smaller photo would be noise.
MIN_SIDE = 12
_THREADS = 16
_FILES_PER_TASK = 16


class Header(NamedTuple):
    """What the first bytes of a photo say.

    Attributes:
        width: pixels as stored, before the orientation is applied; 0 if unusable.
        height: the same.
        orientation: EXIF orientation, 1 to 8.
        reason: why the photo cannot be used, or "".
        plain: True if every decoder reads it alike: a JPEG or PNG without a CMYK
            profile, a still WebP, a 24-bit BMP.
    """

    width: int = 0
    height: int = 0
    orientation: int = 1
    reason: str = ""
    plain: bool = True


def read_header(path: str | Path) -> Header:
    """Reads the header of one photo; an unusable file has a `reason`."""
    try:
        if os.path.getsize(path) == 0:
            return Header(reason="0 bytes")
        with open(path, "rb") as file:
            image = open_image(file)
            width, height = image.size
            if width * height > MAX_PIXELS:
                return Header(reason=f"{width}x{height}: more than 100 megapixels")
            if min(width, height) < MIN_SIDE:
                return Header(
                    reason=f"{width}x{height}: below {MIN_SIDE} pixels a side"
                )
            return Header(width, height, orientation_of(image), plain=_is_plain(image))
    except Image.DecompressionBombError:
        return Header(reason="more than 100 megapixels")
    except UnidentifiedImageError:
        return Header(reason="not an image, or cut short in its header")
    except FileNotFoundError:
        return Header(reason="no such file")
    except Exception as error:  # Pillow's plugins raise anything on damaged data
        return Header(reason=one_line(error))


def _is_plain(image: ImageFile) -> bool:
    if image.format == "BMP" and image.fp:
        image.fp.seek(28)
        return image.fp.read(6) == b"\x18\0\0\0\0\0"  # 24 bits, not compressed
    if image.format == "WEBP":
        return getattr(image, "n_frames", 1) == 1
    is_profiled = image.mode == "CMYK" and "icc_profile" in image.info
    return image.format in ("JPEG", "MPO", "PNG") and not is_profiled


def scan_files(
    paths: Sequence[Path], scan: Callable[[Path], Any], cache: Path | None = None
) -> list:
    """Scans many files in threads.

    Args:
        paths: the files.
        scan: path -> a value that JSON can hold.
        cache: JSON file to read the values from if it fits these files, else to write.

    Returns:
        The value of each path, in the same order; tuples from the cache are lists.
    """
    fingerprint = _fingerprint(paths) if cache else ""
    if cache:
        # A missing or foreign file is overwritten below.
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            kept = json.loads(cache.read_text())
            if kept["fingerprint"] == fingerprint:
                return kept["result"]
    starts = range(0, len(paths), _FILES_PER_TASK)
    tasks = [paths[start : start + _FILES_PER_TASK] for start in starts]
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        # Pillow warns from 89 megapixels on; the bound here is 100.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)
        done = pool.map(lambda task: [scan(path) for path in task], tasks)
        result = [found for task in done for found in task]
    if cache:
        write_json(cache, {"fingerprint": fingerprint, "result": result}, indent=None)
    return result


def _fingerprint(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        try:
            state = os.stat(path)
            line = f"{path}\0{state.st_size}\0{state.st_mtime_ns}\n"
        except OSError:
            line = f"{path}\0absent\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()
