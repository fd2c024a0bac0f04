"""A photo and its hole at the size at which they are measured.

Without a size that is the photo's own. With one it is the centre square of the photo,
resized (bilinear, antialiased) as in training. A mask of the photo's size is cropped
with it, another is taken whole; both are resized by the nearest pixel. Masks follow
`masking.py`: white = hole, cut at 50 % grey.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.images import crop_resize, square
from tf_edgeconnect.photos.reading import read_mask, read_photo

MASK_RULE = (
    "a mask of its photo's size is cropped with it, another is taken whole; both are "
    "resized by the nearest pixel to the picture's size"
)


class Picture(NamedTuple):
    """What a system is asked to fill.

    Attributes:
        photo: uint8 `(H, W, 3)`.
        hole: bool `(H, W)`, True = hole.
        original_size: height and width of the photo before crop and resize.
    """

    photo: np.ndarray
    hole: np.ndarray
    original_size: tuple[int, int]


def read_picture(photo: Path, mask: Path | None, size: int | None) -> Picture:
    """Reads a photo and its mask at the measured size.

    Args:
        photo: a file.
        mask: a file; None for a block of half the height and width in the middle.
        size: side of the centre square, pixels; None for the photo's own size.

    Returns:
        The picture.

    Raises:
        InputError: a file cannot be read.
    """
    whole = read_photo(photo).rgb()
    pixels = fit_photo(whole, size)
    if mask is None:
        hole = centre_block(*pixels.shape[:2])
    else:
        hole = fit_drawing(read_mask(mask), whole.shape[:2], pixels.shape[:2])
    return Picture(pixels, hole, whole.shape[:2])


def picture_of(
    item: dict[str, Any], details: dict[str, Any], size: int | None
) -> Picture:
    """Reads the picture of an item of a manifest.

    Args:
        item: one of the manifest's items.
        details: content of `system.json`, which says where the folders are.
        size: of the evaluation.

    Raises:
        InputError: a file cannot be read, or is no longer there.
    """
    photo, mask = paths_of(item, details)
    return read_picture(photo, mask, size)


def paths_of(item: dict[str, Any], details: dict[str, Any]) -> tuple[Path, Path | None]:
    """The files of an item: its photo and its mask (None for the block)."""
    mask = item["mask"]
    return (
        Path(details["images"], item["image"]),
        None if mask is None else Path(details["masks"], mask),
    )


def fit_photo(pixels: np.ndarray, size: int | None) -> np.ndarray:
    """Brings a photo, uint8 `(H, W, 3)`, to its centre square of a size."""
    if size is None or pixels.shape[:2] == (size, size):
        return pixels
    box = square(tf.shape(pixels), size, "center", tf.zeros(2, tf.int32))
    resized = crop_resize(tf.constant(pixels), box, size).numpy()
    return np.round(resized * 255).astype(np.uint8)


def fit_drawing(
    drawing: np.ndarray, original: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """Brings a mask or a drawing of edges to the size of a picture.

    Args:
        drawing: bool or uint8 `(h, w)`.
        original: height and width of the photo before crop and resize.
        size: height and width of the picture.

    Returns:
        `size`, of the type of `drawing`; no new values.
    """
    if drawing.shape == tuple(size):
        return drawing
    if drawing.shape == tuple(original):
        side = min(original)
        top, left = ((length - side) // 2 for length in original)
        drawing = drawing[top : top + side, left : left + side]
    resized = Image.fromarray(drawing).resize(size[::-1], Image.Resampling.NEAREST)
    return np.asarray(resized)


def centre_block(height: int, width: int) -> np.ndarray:
    """A hole of half the height and half the width in the middle: bool `(H, W)`."""
    hole = np.zeros((height, width), bool)
    top, left = (height - height // 2) // 2, (width - width // 2) // 2
    hole[top : top + height // 2, left : left + width // 2] = True
    return hole
