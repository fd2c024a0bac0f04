"""Runs the networks on areas of a large photo and copies the results into its hole.

A photo comes as `planes`, uint8 `(H, W, 4)` or `(H, W, 5)`: RGB, mask (white = hole),
and the edges that a person gives, if any (white = edge).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from tf_edgeconnect.inference.areas import RUN_SIDE, Area, overlap, tile_count

# Images uint8 `(N, h, w, 3)`, masks bool `(N, h, w, 1)` and edges uint8 `(N, h, w, 1)`
# or None enter; uint8 `(N, h, w, C)` leaves, of which the hole pixels count.
Run = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]

_ROWS = 256  # enlarged at a time, which bounds memory


def paint(
    canvas: np.ndarray,
    planes: np.ndarray,
    areas: Sequence[Area],
    run: Run,
    side: int = RUN_SIDE,
    on_region: Callable[[int, int], object] | None = None,
) -> None:
    """Paints the hole pixels of a canvas; all others stay unchanged.

    Args:
        canvas: uint8 `(H, W, C)`, changed in place.
        planes: the photo, its mask and perhaps edges.
        areas: of `plan_areas`, planned with the same `side`.
        run: the networks. Areas of one size come together, as long as they have at
            most `side` x `side` pixels; areas with a longer side come tile by tile.
        side: the longest side of a run.
        on_region: called with how many areas and tiles have run, and how many there
            are at most; a tile without a hole does not run.
    """
    hole, channels = planes[..., 3] > 0, canvas.shape[-1]
    regions = sum(int(tile_count(area.run_size, side).prod()) for area in areas)
    done = 0

    def counted(
        images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None
    ) -> np.ndarray:
        nonlocal done
        painted = run(images, masks, edges)
        done += len(images)
        if on_region is not None:
            on_region(done, regions)
        return painted

    for batch in _batches(areas, side):
        parts = np.stack(
            [reduced(planes[area.box.slices], area.factor) for area in batch]
        )
        painted: Iterable[np.ndarray]
        if max(batch[0].run_size) > side:
            painted = [_run_in_tiles(part, counted, side, channels) for part in parts]
        else:
            painted = _run(parts, counted)
        for area, part in zip(batch, painted, strict=True):
            _paste(canvas, hole, area, part)


def reduced(planes: np.ndarray, factor: int) -> np.ndarray:
    """Makes one pixel of each `factor` x `factor` pixels, the border repeated.

    Colours are averaged. A pixel that has any hole in it is hole, so nothing of the
    hole reaches the known ones. Edges stay as bright as they are.
    """
    if factor == 1:
        return planes
    height, width = planes.shape[:2]
    ends = [(0, -height % factor), (0, -width % factor), (0, 0)]
    padded = np.pad(planes, ends, mode="edge")
    shape = padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, -1
    squares = padded.reshape(shape)
    image = np.round(squares[..., :3].mean((1, 3), dtype=np.float32))
    others = squares[..., 3:].max((1, 3))
    return np.concatenate([image.astype(np.uint8), others], axis=-1)


def _batches(areas: Sequence[Area], side: int) -> Iterator[list[Area]]:
    """Areas of one size, as many as one run may have."""
    by_size: dict[tuple[int, int], list[Area]] = {}
    for area in areas:
        by_size.setdefault(area.run_size, []).append(area)
    for (height, width), same in by_size.items():
        count = max(side * side // (height * width), 1)
        for start in range(0, len(same), count):
            yield same[start : start + count]


def _run(parts: np.ndarray, run: Run) -> np.ndarray:
    edges = parts[..., 4:] if parts.shape[-1] > 4 else None
    return run(parts[..., :3], parts[..., 3:4] > 0, edges)


def _run_in_tiles(planes: np.ndarray, run: Run, side: int, channels: int) -> np.ndarray:
    """Fills a photo tile by tile; tiles without a hole are skipped.

    Returns:
        uint8 `(H, W, channels)`, of which the hole pixels count.
    """
    height, width = planes.shape[:2]
    painted = np.zeros((height, width, channels), np.uint8)
    counted = np.zeros(height, np.float32)
    for top, row_weight in tiles(height, side):
        rows = slice(top, top + side)
        strip = np.zeros(painted[rows].shape, np.float32)
        for left, weight in tiles(width, side):
            columns = slice(left, left + side)
            part = planes[rows, columns]
            if part[..., 3].any():
                (tile,) = _run(part[None], run)
                strip[:, columns] += tile * weight[columns, None]
        counted += row_weight
        # The weights of all strips sum to 1, so mixing them one by one is their mean.
        share = row_weight[rows] / np.maximum(counted[rows], np.float32(1e-9))
        share = share[:, None, None]
        painted[rows] = np.round(painted[rows] * (1 - share) + strip * share)
    return painted


def tiles(length: int, side: int) -> list[tuple[int, np.ndarray]]:
    """Spreads tiles evenly along one axis, with weights that blend them.

    The weights are 0 at a tile's borders, where the networks lack surroundings, unless
    they are borders of the photo.

    Returns:
        For each tile its start and float32 `(length,)` weights, 0 outside the tile; at
        each place all weights sum to 1.
    """
    count = int(tile_count(length, side))
    starts = np.linspace(0, max(length - side, 0), count).astype(int).tolist()
    unfeathered, feathered = overlap(side)
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
