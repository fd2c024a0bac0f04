"""Boxes of pixels: around holes, and tiles with feathered borders.

All lengths are in pixels; a box ends before its bottom and right.
"""

from typing import NamedTuple

import numpy as np

TRAINED_SIDE = 256  # of the photos that the published networks were trained on
RUN_SIDE = 512  # the longest side of one run of the networks, unless told otherwise
MARGIN = 64  # known surroundings of a hole, as of the published block masks
STEP = 32  # sides of crops are multiples: crops of equal size share a run


class Box(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the box in an array `(H, W, ...)`."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


class Area(NamedTuple):
    """A part of a photo that is filled at one scale.

    Attributes:
        box: what the networks see.
        inner: the hole pixels in it are those that the area fills.
        factor: one pixel that the networks see stands for `factor` x `factor`.
    """

    box: Box
    inner: Box
    factor: int

    @property
    def run_size(self) -> tuple[int, int]:
        """Height and width that the networks see."""
        height, width = self.box.size
        return -(-height // self.factor), -(-width // self.factor)


def surroundings(
    inner: np.ndarray, factor: np.ndarray, size: tuple[int, int], side: int
) -> np.ndarray:
    """Boxes around holes: a margin on each side, moved to lie inside the photo.

    Args:
        inner: int `(n, 4)`, rows as `Box`, tight around holes.
        factor: int `(n,)`, see `Area`; margins and least sides count reduced pixels.
        size: height and width of the photo.
        side: the longest side of a run, which the least side of a box keeps to.

    Returns:
        int `(n, 4)`.
    """
    margin, least = min(MARGIN, side // 4), min(TRAINED_SIDE, side)
    boxes = np.empty_like(inner)
    for axis, whole in enumerate(size):
        low, high = inner[:, axis], inner[:, axis + 2]
        reduced = np.maximum(-(-(high - low) // factor) + 2 * margin, least)
        length = np.minimum(-(-reduced // STEP) * STEP * factor, whole)
        start = np.clip((low + high - length) // 2, 0, whole - length)
        boxes[:, axis], boxes[:, axis + 2] = start, start + length
    return boxes


def tile_count(length: np.ndarray | int, side: int) -> np.ndarray:
    """How many tiles cover a length.

    Args:
        length: int, any shape.
        side: of a tile.

    Returns:
        int of that shape; 1 where the length is at most `side`.
    """
    unfeathered, feathered = _overlap(side)
    overlap = 2 * unfeathered + feathered
    return np.maximum(-(-(np.asarray(length) - overlap) // (side - overlap)), 1)


def tiles(length: int, side: int) -> list[tuple[int, np.ndarray]]:
    """Tiles along one axis, evenly spread, and how much each counts where.

    A tile does not count at its borders, where the networks lack surroundings, and
    fades in next to them; borders of the whole are no such borders.

    Args:
        length: to cover.
        side: of a tile.

    Returns:
        For each tile its start and float32 `(length,)` weights, 0 outside the tile; at
        each place all weights sum to 1.
    """
    count = int(tile_count(length, side))
    starts = np.linspace(0, max(length - side, 0), count).astype(int).tolist()
    unfeathered, feathered = _overlap(side)
    centre = np.arange(length) + 0.5
    fades = []
    for start in starts:
        before = np.inf if start == 0 else centre - start
        after = np.inf if start + side >= length else start + side - centre
        fade = (np.minimum(before, after) - unfeathered) / feathered
        outside = (centre < start) | (centre > start + side)
        fades.append(np.where(outside, 0, np.clip(fade, 0, 1)))
    weights = np.asarray(fades / np.sum(fades, axis=0), np.float32)
    return list(zip(starts, weights, strict=True))


def _overlap(side: int) -> tuple[int, int]:
    """Pixels at a tile's border that do not count, and over which it fades in."""
    return side // 16, side // 8
