"""Which parts of a photo the networks run on, and at what scale.

All lengths are in pixels; a box ends before its bottom and right. The networks'
receptive field is some 220 pixels: in the middle of a hole thicker than `THICKEST` they
would see nothing known. Such a hole is filled at a reduced scale.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from tf_edgeconnect.errors import InputError

Way = Literal["full", "crop", "tile"]
Large = Literal["auto", Way]

TRAINED_SIDE = 256  # of the photos that the published networks were trained on
RUN_SIDE = 512  # the usual longest side of one run of the networks
MARGIN = 64  # known surroundings of a hole, as of the published block masks
STEP = 32  # sides of crops are multiples: crops of equal size share a run
THICKEST = 192  # pixels across a hole that are filled at the photo's own scale
_BLOCK = 16  # holes are separated and measured in blocks of this side


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


def choose(size: tuple[int, int], large: Large, side: int = RUN_SIDE) -> Way:
    """Resolves `auto`: `full` up to `side` x `side` pixels, `crop` above.

    Raises:
        InputError: `large` is none of the four.
    """
    if large not in get_args(Large):
        known = ", ".join(get_args(Large))
        raise InputError(f"large must be one of {known}, got {large!r}")
    if large != "auto":
        return large
    return "full" if size[0] * size[1] <= side * side else "crop"


def plan_areas(hole: np.ndarray, large: Way, side: int = RUN_SIDE) -> list[Area]:
    """Plans what the networks see of a photo.

    Args:
        hole: bool `(H, W)`, true = hole.
        large: `crop`: each hole with its surroundings, thick holes at a reduced scale;
            holes share an area where their boxes overlap, or where running them
            together takes no more pixels than apart. `tile`: all of them as one area
            at the photo's own scale.
        side: the longest side of a run; an area with a longer one runs in tiles.

    Returns:
        Areas whose `inner` boxes do not overlap and hold every hole pixel; none where
        there is no hole.
    """
    if not hole.any():
        return []
    if large == "tile":
        rows, columns = (np.flatnonzero(hole.any(axis)) for axis in (1, 0))
        inner = np.array([[rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]])
        return _areas(inner, np.ones(1, int), hole.shape, side)
    inner, thickness = _groups(hole)
    factor = np.maximum(-(-thickness // min(THICKEST, 3 * side // 8)), 1)
    return _areas(*_merged(inner, factor, hole.shape, side), hole.shape, side)


def _areas(
    inner: np.ndarray, factor: np.ndarray, size: tuple[int, int], side: int
) -> list[Area]:
    rows = zip(surroundings(inner, factor, size, side), inner, factor, strict=True)
    return [Area(Box(*b.tolist()), Box(*i.tolist()), int(f)) for b, i, f in rows]


def _groups(hole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the connected parts of a hole, to the accuracy of blocks.

    Returns:
        int `(n, 4)` boxes, and int `(n,)` side of the largest square inside each.
    """
    from scipy import ndimage  # late: most photos have no areas

    height, width = hole.shape
    ends = [(0, -height % _BLOCK), (0, -width % _BLOCK)]
    occupied = _blocks(np.pad(hole, ends)).max(axis=(1, 3))
    # Numbered by their last blocks: the order in which `_merged` meets them.
    labels, count = ndimage.label(occupied[::-1, ::-1], np.ones((3, 3)))
    labels = np.where(occupied, count - labels[::-1, ::-1], -1)
    inner = np.array(
        [
            [rows.start, columns.start, rows.stop, columns.stop]
            for rows, columns in ndimage.find_objects(labels + 1)
        ]
    )
    inner = np.minimum(inner * _BLOCK, [height, width, height, width])
    filled = _blocks(np.pad(hole, ends, constant_values=True)).min(axis=(1, 3))
    thickness = np.zeros(count, int)
    side = 0
    while filled.any():
        side += _BLOCK
        thickness[np.unique(labels[: len(filled), : filled.shape[1]][filled])] = side
        filled = filled[1:] & filled[:-1]
        filled = filled[:, 1:] & filled[:, :-1]
    return inner, thickness


def _blocks(plane: np.ndarray) -> np.ndarray:
    height, width = plane.shape
    return plane.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)


def _merged(
    inner: np.ndarray, factor: np.ndarray, size: tuple[int, int], side: int
) -> tuple[np.ndarray, np.ndarray]:
    """Joins holes that overlap, or that are cheaper to run together than apart.

    Returns:
        `inner`, int `(n, 4)`, and `factor`, int `(n,)`, with fewer rows.
    """
    before = None
    while len(inner) != before:
        before, at = len(inner), 0
        while at < len(inner):
            starts = np.minimum(inner[:, :2], inner[at, :2])
            ends = np.maximum(inner[:, 2:], inner[at, 2:])
            joint, coarser = np.hstack([starts, ends]), np.maximum(factor, factor[at])
            cost = _cost(inner, factor, size, side)
            saves = _cost(joint, coarser, size, side) <= cost + cost[at]
            merge = _overlapping(inner, at) | (saves & (factor == factor[at]))
            merge[at] = False
            if merge.any():
                other = int(np.argmax(merge))
                inner[at], factor[at] = joint[other], coarser[other]
                inner, factor = np.delete(inner, other, 0), np.delete(factor, other)
                at -= other < at
            else:
                at += 1
    return inner, factor


def _overlapping(boxes: np.ndarray, at: int) -> np.ndarray:
    starts = np.maximum(boxes[:, :2], boxes[at, :2])
    ends = np.minimum(boxes[:, 2:], boxes[at, 2:])
    return (starts < ends).all(axis=1)


def _cost(
    inner: np.ndarray, factor: np.ndarray, size: tuple[int, int], side: int
) -> np.ndarray:
    """Counts the pixels that the networks run on, with the overlaps of tiles."""
    boxes = surroundings(inner, factor, size, side)
    lengths = -(-(boxes[:, 2:] - boxes[:, :2]) // factor[:, None])
    return (tile_count(lengths, side) * np.minimum(lengths, side)).prod(axis=1)


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


def tile_count(length: ArrayLike, side: int) -> np.ndarray:
    """Returns how many tiles cover lengths; 1 where a length is at most `side`."""
    unfeathered, feathered = overlap(side)
    shared = 2 * unfeathered + feathered
    return np.maximum(-(-(np.asarray(length) - shared) // (side - shared)), 1)


def overlap(side: int) -> tuple[int, int]:
    """Returns how many pixels at a tile's border are ignored, and how many blended."""
    return side // 16, side // 8
