"""One look at the pixels of a photo: what its header does not tell.

Bytes enter, a `Look` leaves: whether it decodes, grey, transparent, and a thumbnail
with its hash to find it again elsewhere.
"""

import io
import warnings
from typing import NamedTuple

import numpy as np
from PIL import Image

from tf_edgeconnect.photos.decoding import HELD_AS, orientation, planes, upright
from tf_edgeconnect.photos.headers import MAX_PIXELS

THUMBNAIL = 32
# JPEG files are decoded at the smallest of 1, 1/2, 1/4, 1/8 that is not below this.
DRAFT_SIDE = 96
# Channels of a grey photo that was saved as colour may differ by the noise of JPEG.
GRAY_TOLERANCE = 4
ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    Image.DecompressionBombError,
)


class Look(NamedTuple):
    """What the pixels of a photo show.

    Attributes:
        failure: why it cannot be decoded, or an empty string; then the rest is empty.
        size: height and width, upright, pixels.
        is_gray: whether it has no colour.
        is_transparent: whether some of it is transparent.
        thumbnail: uint8 `(32, 32)`, the whole photo squeezed into a square, grey.
        hash: uint64 `(2,)`: whether each pixel of a 9x8 and an 8x9 thumbnail is
            lighter than the next, to the right and below.
    """

    failure: str = ""
    size: tuple[int, int] = (0, 0)
    is_gray: bool = False
    is_transparent: bool = False
    thumbnail: np.ndarray = np.zeros((0, 0), np.uint8)
    hash: np.ndarray = np.zeros(2, np.uint64)


def look(data: bytes) -> Look:
    """Looks at a photo.

    Args:
        data: the bytes of its file.

    Returns:
        What is seen; what cannot be decoded has a `failure`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _look(Image.open(io.BytesIO(data)))
    except ERRORS as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        return Look(failure=reason[0])


def _look(image: Image.Image) -> Look:
    width, height = image.size
    if width * height > MAX_PIXELS:
        return Look(failure="more than 100 megapixels")
    if image.mode not in HELD_AS:
        return Look(failure=f"pixels of kind {image.mode!r}")
    turned = orientation(image)
    image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
    image.load()
    pixels, alpha = planes(image)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    spread = np.ptp(pixels, axis=-1)
    squeezed = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    gray = squeezed.convert("L")
    shrunk = gray.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    thumbnail = upright(np.asarray(shrunk), turned)
    return Look(
        size=(width, height) if turned in (5, 6, 7, 8) else (height, width),
        is_gray=bool(spread.max() <= GRAY_TOLERANCE),
        is_transparent=alpha is not None
        and bool(alpha.min() < np.iinfo(alpha.dtype).max),
        thumbnail=thumbnail,
        hash=difference_hash(thumbnail),
    )


def difference_hash(thumbnail: np.ndarray) -> np.ndarray:
    """Hashes a thumbnail so that alike pictures differ in few bits.

    Args:
        thumbnail: uint8 `(N, N)`.

    Returns:
        uint64 `(2,)`.
    """
    picture = Image.fromarray(thumbnail)
    wide = np.asarray(picture.resize((9, 8), Image.Resampling.BILINEAR), np.int16)
    tall = np.asarray(picture.resize((8, 9), Image.Resampling.BILINEAR), np.int16)
    bits = [np.diff(wide, axis=1) > 0, np.diff(tall, axis=0) > 0]
    return np.packbits(np.stack(bits).reshape(2, 64), axis=1).view(np.uint64)[:, 0]
