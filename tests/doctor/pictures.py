"""Sound photos and masks, drawn from seeds."""

from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 96


def photo(seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    """A photo with edges, like no other: coloured blocks of 16 pixels."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (-(-height // 16), -(-width // 16), 3))
    return np.kron(blocks, np.ones((16, 16, 1)))[:height, :width].astype(np.uint8)


def mask(seed: int, side: int = SIDE) -> np.ndarray:
    """A hole of a quarter of the photo, clear of the border; uint8, white = hole."""
    top, left = np.random.default_rng(seed).integers(4, side // 2 - 4, 2)
    hole = np.zeros((side, side), np.uint8)
    hole[top : top + side // 2, left : left + side // 2] = 255
    return hole


def save(path: Path, pixels: np.ndarray, **options) -> None:
    """Writes an array as the picture that the path's ending names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
