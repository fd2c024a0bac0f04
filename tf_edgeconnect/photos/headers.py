"""The header scan: size, orientation and readability of photos, without decoding them.

A scan reads only the first bytes of each file and is kept as JSON, so that a run that
continues does not scan again. The cache holds for exactly the files it was made from:
the same paths, sizes and modification times.
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

# The shortest side the networks take; enlarging less than that to an example is noise.
MIN_SIDE = 12
_THREADS = 16
_FILES_A_TASK = 16


class Header(NamedTuple):
    """What the first bytes of a photo say.

    Attributes:
        width: pixels as stored, before the orientation is applied; 0 if unreadable.
        height: the same.
        orientation: EXIF orientation, 1 to 8.
        reason: why the photo cannot be used, or an empty string.
        plain: a JPEG, a PNG, a still WebP or a BMP of 24 bits, without a CMYK profile,
            which any decoder reads alike.
    """

    width: int = 0
    height: int = 0
    orientation: int = 1
    reason: str = ""
    plain: bool = True


def read_header(path: str | Path) -> Header:
    """Reads the header of one photo; a file that is none has a `reason`."""
    try:
        if os.path.getsize(path) == 0:
            return Header(reason="0 bytes")
        with open(path, "rb") as file:
            image = open_image(file)
            width, height = image.size
            if width * height > MAX_PIXELS:
                return Header(reason=f"{width}x{height}: more than 100 megapixels")
            if min(width, height) < MIN_SIDE:
                reason = f"{width}x{height}: a side is below {MIN_SIDE} pixels"
                return Header(reason=reason)
            return Header(width, height, orientation_of(image), plain=_is_plain(image))
    except Image.DecompressionBombError:
        return Header(reason="more than 100 megapixels")
    except UnidentifiedImageError:
        return Header(reason="not an image, or its header is cut")
    except FileNotFoundError:
        return Header(reason="no such file")
    except Exception as error:  # Pillow's plugins raise of every kind on damaged data
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
    paths: Sequence[Path], look: Callable[[Path], Any], cache: Path | None = None
) -> list:
    """Looks at many files, some at a time.

    Args:
        paths: files.
        look: takes a path; what it returns, JSON must be able to hold.
        cache: JSON file to take the scan from if it fits these files, else to keep it.

    Returns:
        What `look` returned for each path, in the same order; tuples of a scan that was
        kept come back as lists.
    """
    fingerprint = _fingerprint(paths) if cache else ""
    if cache:
        # No cache, or none of ours: it is made anew.
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
            kept = json.loads(cache.read_text())
            if kept["fingerprint"] == fingerprint:
                return kept["result"]
    starts = range(0, len(paths), _FILES_A_TASK)
    tasks = [paths[start : start + _FILES_A_TASK] for start in starts]
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        # Pillow warns from 89 megapixels on; the bound here is 100.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.simplefilter("ignore", UserWarning)
        done = pool.map(lambda task: [look(path) for path in task], tasks)
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
