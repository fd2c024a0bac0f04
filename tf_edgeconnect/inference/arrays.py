"""Checks photos, masks and edges as callers give them. NumPy only."""

import logging
from typing import NamedTuple

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.decoding import GRAY_WEIGHTS

logger = logging.getLogger(__name__)


class Inpainted(NamedTuple):
    """A filled photo and its edges.

    Attributes:
        image: uint8 of the photo's shape.
        edges: uint8 of the mask's shape, `round(255 * composite_edge)`, white = edge.
    """

    image: np.ndarray
    edges: np.ndarray


def as_pair(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Checks a photo and its mask, or batches of them, as `Inpainter` takes them.

    Warns if there is no hole, or no known pixel.

    Returns:
        uint8 `(B, H, W, 3)`, and bool `(B, H, W, 1)`, true = hole.

    Raises:
        InputError: an array of another type, rank or size, or without pixels.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (3, 4) or image.shape[-1] != 3:
        raise InputError(
            "image must be uint8 (H, W, 3) or (B, H, W, 3), "
            f"got {image.dtype} {image.shape}"
        )
    if image.size == 0:
        raise InputError(f"image has no pixels: its shape is {image.shape}")
    hole = _as_hole(np.asarray(mask))
    wanted = image.shape[:-1]
    if hole.shape not in (wanted, (*wanted, 1)):
        raise InputError(f"mask must have the image's size {wanted}, got {hole.shape}")
    if not hole.any():
        logger.warning("the mask has no hole: the photo stays as it is")
    elif hole.all():
        logger.warning("the mask is all hole: no pixel of the photo is known")
    images = image.reshape(-1, *image.shape[-3:])
    return images, hole.reshape(*images.shape[:-1], 1)


def _as_hole(mask: np.ndarray) -> np.ndarray:
    """Brings a mask array to bool, True = hole, of the same shape."""
    if mask.dtype == np.bool_:
        return mask
    if mask.dtype != np.uint8:
        raise InputError(
            f"mask must be uint8 (255 = hole) or bool (True = hole), got {mask.dtype}"
        )
    if mask.max(initial=0) == 1:
        raise InputError(
            "mask is uint8 of values 0 and 1, expected 0 and 255; or pass it as bool"
        )
    return mask > 127


def as_edges(edges: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Checks edges given for masks bool `(B, H, W, 1)`, as `Inpainter` takes them.

    Returns:
        uint8 `(B, H, W, 1)`.

    Raises:
        InputError: an array of another type or size, or a mostly white one.
    """
    edges = np.asarray(edges)
    batch, height, width, _ = masks.shape
    wanted = [masks.shape, masks.shape[:3]]
    if batch == 1:
        wanted += [masks.shape[1:], (height, width)]
    if edges.dtype != np.uint8 or edges.shape not in wanted:
        raise InputError(
            f"edges must be uint8 of the mask's size {wanted[-1]}, "
            f"got {edges.dtype} {edges.shape}"
        )
    edges = edges.reshape(masks.shape)
    white = (edges > 127).mean(axis=(1, 2, 3)).max()
    if white > 0.5:
        raise InputError(
            f"the edges are {white:.0%} white, so they seem inverted: edges must be "
            "white on black"
        )
    return edges


def canny(images: np.ndarray, masks: np.ndarray, sigma: float) -> np.ndarray:
    """Finds Canny's edges of known pixels with scikit-image, without TensorFlow.

    Args:
        images: uint8 `(B, H, W, 3)`, RGB.
        masks: bool `(B, H, W, 1)`, true = hole.
        sigma: in pixels; below 0: no edges.

    Returns:
        uint8 `(B, H, W, 1)`, 0 or 255.

    Raises:
        InputError: scikit-image is not installed.
    """
    edges = np.zeros(masks.shape, np.uint8)
    if sigma >= 0:
        try:
            from skimage import feature
        except ImportError as error:
            raise InputError(
                f"edges of known pixels need scikit-image ({error}): "
                "pip install scikit-image"
            ) from None

        red, green, blue = (np.float32(weight) for weight in GRAY_WEIGHTS)
        for image, mask, edge in zip(images, masks[..., 0], edges, strict=True):
            r, g, b = np.moveaxis(image.astype(np.float32) / np.float32(255), 2, 0)
            gray = red * r + green * g + blue * b
            edge[feature.canny(gray, sigma, mask=~mask)] = 255
    return edges
