"""Reads a photo and its hole at the measured size.

That is the photo's own size, or its centre square resized as in training. A mask of the
photo's size is cropped with it, any other is used whole; both are resized by the
nearest pixel.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.images import crop_resize, square
from tf_edgeconnect.photos.masks import ONCE, is_stretched, turned_like
from tf_edgeconnect.photos.reading import read_mask, read_photo

logger = logging.getLogger(__name__)

MASK_RULE = (
    "a mask of its photo's size is cropped with it, another is taken whole; both are "
    "resized by the nearest pixel to the picture's size"
)


class Picture(NamedTuple):
    """What a system has to fill.

    Attributes:
        file: path below the folder of photos.
        image: uint8 `(H, W, 3)`, the photo.
        hole: bool `(H, W)`, True = hole.
        original_size: height and width of the photo before crop and resize.
    """

    file: str
    image: np.ndarray
    hole: np.ndarray
    original_size: tuple[int, int]


def read_picture(
    item: Mapping[str, Any], folders: Mapping[str, Any], size: int | None
) -> Picture:
    """Reads a photo and its mask at the measured size.

    Args:
        item: the paths `image` and `mask` (None for the block) in their folders.
        folders: `images` and `masks`.
        size: side of the centre square, pixels; None for the photo's own size.

    Raises:
        InputError: a file cannot be read.
    """
    photo = read_photo(Path(folders["images"], item["image"]))
    whole = photo.rgb()
    image = fit_photo(whole, size)
    if item["mask"] is None:
        hole = centre_block(*image.shape[:2])
    else:
        mask = read_mask(Path(folders["masks"], item["mask"]))
        mask = turned_like(mask, photo.size, photo.orientation)
        if mask.shape != photo.size and is_stretched(mask, image.shape[:2]):
            logger.warning(
                "mask %s is stretched: %d x %d to %d x %d (said once)",
                item["mask"],
                *mask.shape[::-1],
                *image.shape[1::-1],
                extra=ONCE,
            )
        hole = fit_to_picture(mask, whole.shape[:2], image.shape[:2])
    return Picture(item["image"], image, hole, whole.shape[:2])


def fit_photo(pixels: np.ndarray, size: int | None) -> np.ndarray:
    """Resizes the centre square of a photo, uint8 `(H, W, 3)`."""
    if size is None or pixels.shape[:2] == (size, size):
        return pixels
    box = square(tf.shape(pixels), size, "center", tf.zeros(2, tf.int32))
    resized = crop_resize(tf.constant(pixels), box, size).numpy()
    return np.round(resized * 255).astype(np.uint8)


def fit_to_picture(
    mask: np.ndarray, original: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """Resizes a mask or an edge map to a picture's size, without new values.

    Args:
        mask: bool or uint8 `(h, w)`.
        original: height and width of the photo before crop and resize.
        size: height and width of the picture.

    Returns:
        `size`, of the type of `mask`.
    """
    if mask.shape == tuple(size):
        return mask
    if mask.shape == tuple(original):
        side = min(original)
        top, left = ((length - side) // 2 for length in original)
        mask = mask[top : top + side, left : left + side]
    resized = Image.fromarray(mask).resize(size[::-1], Image.Resampling.NEAREST)
    return np.asarray(resized)


def centre_block(height: int, width: int) -> np.ndarray:
    """Returns a hole of half the height and width in the middle, bool `(H, W)`."""
    hole = np.zeros((height, width), bool)
    top, left = (height - height // 2) // 2, (width - width // 2) // 2
    hole[top : top + height // 2, left : left + width // 2] = True
    return hole
