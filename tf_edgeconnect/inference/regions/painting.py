"""Runs the networks on areas of a photo and puts what they paint into its hole.

Pixels are uint8 throughout; a hole is bool, true = hole.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tf_edgeconnect.inference.regions.boxes import RUN_SIDE, Area, tiles

_ROWS = 256  # enlarged at a time, which bounds memory


class Run(Protocol):
    """Runs the networks on photos of one size."""

    def __call__(
        self, images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
    ) -> np.ndarray:
        """Fills holes.

        Args:
            images: uint8 `(N, h, w, 3)`.
            holes: bool `(N, h, w)`.
            drawings: uint8 `(N, h, w)`, a person's lines, white; or None.

        Returns:
            uint8 `(N, h, w, C)`, the channels of the canvas that is painted; only
            hole pixels are read.
        """


class Scene(NamedTuple):
    """What is known of a photo.

    Attributes:
        image: uint8 `(H, W, 3)`.
        hole: bool `(H, W)`.
        drawing: uint8 `(H, W)`, a person's lines, white; or None.
    """

    image: np.ndarray
    hole: np.ndarray
    drawing: np.ndarray | None = None

    def cut(self, where: tuple[slice, slice]) -> "Scene":
        """Returns a part of the photo."""
        drawing = None if self.drawing is None else self.drawing[where]
        return Scene(self.image[where], self.hole[where], drawing)

    def reduced(self, factor: int) -> "Scene":
        """Returns the photo with one pixel for each `factor` x `factor` pixels.

        Colours are averaged. A pixel that has any hole in it is hole, so nothing of
        the hole reaches the known ones. Lines stay as bright as they are.
        """
        if factor == 1:
            return self
        image = _squares(self.image, factor).mean((1, 3), dtype=np.float32)
        hole = _squares(self.hole, factor).max((1, 3))
        drawing = self.drawing
        if drawing is not None:
            drawing = _squares(drawing, factor).max((1, 3))
        return Scene(np.round(image).astype(np.uint8), hole, drawing)


def paint(
    canvas: np.ndarray,
    scene: Scene,
    areas: Sequence[Area],
    run: Run,
    side: int = RUN_SIDE,
) -> None:
    """Paints the hole pixels of a canvas; all others stay as they are.

    Args:
        canvas: uint8 `(H, W, C)`, changed in place.
        scene: the photo, its hole and perhaps a drawing.
        areas: of `plan_areas`, planned with the same `side`.
        run: the networks. Areas of one size come together, as long as they have at
            most `side` x `side` pixels; areas with a longer side come tile by tile.
        side: the longest side of a run.
    """
    channels = canvas.shape[-1]
    for batch in _batches(areas, side):
        scenes = [scene.cut(area.box.slices).reduced(area.factor) for area in batch]
        painted: Iterable[np.ndarray]
        if max(batch[0].run_size) > side:
            painted = [_run_in_tiles(part, run, side, channels) for part in scenes]
        else:
            painted = _run_together(scenes, run)
        for area, part in zip(batch, painted, strict=True):
            _paste(canvas, scene.hole, area, part)


def _batches(areas: Sequence[Area], side: int) -> Iterator[list[Area]]:
    """Areas of one size, as many as one run may have."""
    by_size: dict[tuple[int, int], list[Area]] = {}
    for area in areas:
        by_size.setdefault(area.run_size, []).append(area)
    for (height, width), same in by_size.items():
        count = max(side * side // (height * width), 1)
        for start in range(0, len(same), count):
            yield same[start : start + count]


def _run_together(scenes: Sequence[Scene], run: Run) -> np.ndarray:
    images, holes, drawings = zip(*scenes, strict=True)
    drawn = None if drawings[0] is None else np.stack(drawings)
    return run(np.stack(images), np.stack(holes), drawn)


def _run_in_tiles(scene: Scene, run: Run, side: int, channels: int) -> np.ndarray:
    """Fills a photo tile by tile; a tile without hole is left out.

    Returns:
        uint8 `(H, W, channels)`, of which the hole pixels count.
    """
    height, width = scene.hole.shape
    painted = np.zeros((height, width, channels), np.uint8)
    counted = np.zeros(height, np.float32)
    for top, row_weight in tiles(height, side):
        rows = slice(top, top + side)
        strip = np.zeros(painted[rows].shape, np.float32)
        for left, weight in tiles(width, side):
            columns = slice(left, left + side)
            part = scene.cut((rows, columns))
            if part.hole.any():
                (tile,) = _run_together([part], run)
                strip[:, columns] += tile * weight[columns, None]
        counted += row_weight
        # The weights of all strips sum to 1, so mixing them one by one is their mean.
        share = row_weight[rows] / np.maximum(counted[rows], np.float32(1e-9))
        share = share[:, None, None]
        painted[rows] = np.round(painted[rows] * (1 - share) + strip * share)
    return painted


def _paste(canvas: np.ndarray, hole: np.ndarray, area: Area, part: np.ndarray) -> None:
    """Brings what was painted back to the photo's scale and into the hole."""
    top, left = area.box[:2]
    columns = np.arange(area.inner.left, area.inner.right) - left
    for start in range(area.inner.top, area.inner.bottom, _ROWS):
        rows = np.arange(start, min(start + _ROWS, area.inner.bottom))
        where = slice(rows[0], rows[-1] + 1), area.inner.slices[1]
        here = hole[where]
        enlarged = _enlarged(part, rows - top, columns, area.factor)
        canvas[where][here] = enlarged[here]


def _enlarged(
    part: np.ndarray, rows: np.ndarray, columns: np.ndarray, factor: int
) -> np.ndarray:
    """Pixels of a picture enlarged by a whole factor, between centres linearly."""
    if factor == 1:
        return part[rows[:, None], columns]
    for axis, place in ((0, rows), (1, columns)):
        at = np.clip((place + 0.5) / factor - 0.5, 0, part.shape[axis] - 1)
        low = at.astype(int)
        high = np.minimum(low + 1, part.shape[axis] - 1)
        weight = np.expand_dims((at - low).astype(np.float32), (1 - axis, 2))
        part = part.take(low, axis) * (1 - weight) + part.take(high, axis) * weight
    return np.round(part).astype(np.uint8)


def _squares(plane: np.ndarray, factor: int) -> np.ndarray:
    """Views `(H, W, ...)` as `(h, factor, w, factor, ...)`, the border repeated."""
    height, width = plane.shape[:2]
    ends = [(0, -height % factor), (0, -width % factor), (0, 0)][: plane.ndim]
    plane = np.pad(plane, ends, mode="edge")
    shape = plane.shape[0] // factor, factor, plane.shape[1] // factor, factor
    return plane.reshape(*shape, *plane.shape[2:])
