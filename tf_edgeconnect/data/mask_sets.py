"""Sets of irregular masks with exact hole ratios, to evaluate on.

Enters: bins of hole ratios, how many masks each gets, and whether holes touch the
border. Leaves: bool `(H, W)` masks, true = hole, and a folder of them with an
`index.json`. The drawing is that of `strokes.py`, cut where it has exactly the wanted
number of pixels. A set is a pure function of what was asked.

Reference: Liu et al., "Image Inpainting for Irregular Holes Using Partial
    Convolutions", arXiv:1804.07723, section 4.1: bins of hole ratios, half of the masks
    of each with holes at the border, half without any near it.
"""

import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.atomic import new_folder, write_json
from tf_edgeconnect.data.strokes import FIELD_SIZE, cubic_matrix, drawing
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.headers import MAX_PIXELS, MIN_SIDE

Border = Literal["touching", "clear"]
BORDERS: tuple[Border, ...] = get_args(Border)

INDEX = "index.json"
CLEARANCE = 50 / 512  # of a side: how far a clear hole stays from the border
# In the field's unit: keeps the hole from filling the corners of its clear frame.
FRAME_PUSH = 3e-4
TRIES = 100


class MaskSpec(NamedTuple):
    """One mask of a set.

    Attributes:
        name: such as `10-20_touching_003`.
        bin: lowest and highest hole ratio; the mask's own lies between.
        border: whether its hole touches the border or keeps clear of it.
        pixels: how many are hole.
    """

    name: str
    bin: tuple[float, float]
    border: Border
    pixels: int


def plan_masks(
    size: tuple[int, int],
    count: int,
    bins: Sequence[float],
    borders: Sequence[Border] = BORDERS,
) -> list[MaskSpec]:
    """Lists the masks of a set: as many in each bin, evenly spread over it.

    Args:
        size: height and width, pixels.
        count: masks in each bin, at least one for each of `borders`; they share them
            evenly, the first takes one more where that does not divide.
        bins: ascending bounds of the hole ratios, 0 to 1; two or more.
        borders: which borders.

    Returns:
        The masks, bin by bin.

    Raises:
        InputError: something is out of range, or no such mask exists.
    """
    _check(size, count, bins, borders)
    specs = []
    for low, high in pairwise(bins):
        fewest, most = _bounds(size, low, high, "clear" in borders)
        for place, border in enumerate(borders):
            share = count // len(borders) + (place < count % len(borders))
            for number in range(share):
                ratio = low + (high - low) * (number + 0.5) / share
                pixels = min(max(round(ratio * math.prod(size)), fewest), most)
                name = f"{100 * low:g}-{100 * high:g}_{border}_{number + 1:03d}"
                specs.append(MaskSpec(name, (low, high), border, pixels))
    return specs


class MaskDrawer:
    """Draws the masks of a set.

    Args:
        size: height and width, pixels.
        seed: of the set, 0 to 2**31 - 1.

    Example:
        >>> size = (256, 256)
        >>> draw = MaskDrawer(size, seed=0)
        >>> specs = plan_masks(size, 10, bins=(0.1, 0.2, 0.3))
        >>> masks = [draw(spec, index) for index, spec in enumerate(specs)]
    """

    def __init__(self, size: tuple[int, int], seed: int):
        self._size, self._seed = size, seed
        self._coarse = min(max(size), FIELD_SIZE)
        draw = drawing(self._coarse)
        self._draw = tf.function(
            lambda seed, ratio: draw(tf.random.split(seed, 3), ratio)
        )

    def __call__(self, spec: MaskSpec, index: int) -> np.ndarray:
        """Draws one mask.

        Args:
            spec: what is wanted.
            index: its place in the set.

        Returns:
            bool `(H, W)`, true = hole.

        Raises:
            InputError: no mask with these properties was found.
        """
        if spec.border == "clear":
            frame = _frame(self._size)
            inner = self._size[0] - 2 * frame[0], self._size[1] - 2 * frame[1]
            field = self._field(index * TRIES, spec.pixels, inner) + _push(inner)
            return np.pad(_cut(field, spec.pixels), [(kept, kept) for kept in frame])
        for attempt in range(TRIES):
            field = self._field(index * TRIES + attempt, spec.pixels, self._size)
            mask = _cut(field, spec.pixels)
            if np.sum(mask[1:-1, 1:-1]) < spec.pixels:
                return mask
        raise InputError(
            f"none of {TRIES} masks with {spec.pixels} hole pixels touches the border; "
            "use larger ratios for --bins, or --border clear"
        )

    def _field(self, number: int, pixels: int, size: tuple[int, int]) -> np.ndarray:
        """A drawing's field, `(H, W)`: the middle of a square one."""
        seed = tf.constant([self._seed, number], tf.int32)
        field = self._draw(seed, tf.constant(pixels / math.prod(size), tf.float32))
        upsample = cubic_matrix(self._coarse, max(size))
        top, left = ((max(size) - side) // 2 for side in size)
        rows, columns = upsample[top : top + size[0]], upsample[left : left + size[1]]
        return rows @ field.numpy() @ columns.T


def _cut(field: np.ndarray, pixels: int) -> np.ndarray:
    """Marks the lowest values of a field, exactly so many."""
    mask = np.zeros(field.size, bool)
    mask[np.argpartition(field, pixels - 1, axis=None)[:pixels]] = True
    return mask.reshape(field.shape)


def _frame(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns at each border that stay clear of the hole."""
    rows, columns = (max(1, int(CLEARANCE * side)) for side in size)
    return rows, columns


def _push(size: tuple[int, int]) -> np.ndarray:
    """Raises a field towards the border, so that holes end round and not cut off."""
    away = [np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5 for side in size]
    distance = np.minimum(away[0][:, None], away[1][None, :]) / max(size)
    return FRAME_PUSH / distance


def _bounds(
    size: tuple[int, int], low: float, high: float, clear: bool
) -> tuple[int, int]:
    """Fewest and most pixels of a hole in a bin."""
    height, width = size
    # Neither bound: then it does not matter which of them belongs to a bin.
    fewest = math.floor(low * height * width) + 1
    most = math.ceil(high * height * width) - 1
    if fewest > most:
        raise InputError(
            f"no mask of {width}x{height} has a hole ratio between {low:g} and "
            f"{high:g}: use wider --bins or a larger --size"
        )
    rows, columns = _frame(size)
    room = (height - 2 * rows) * (width - 2 * columns)
    if clear and most > room:
        raise InputError(
            f"a hole that keeps {columns} columns and {rows} rows clear of the border "
            f"covers at most {room / height / width:.3f} of {width}x{height}, so none "
            f"has a ratio of up to {high:g}: end --bins earlier, or use --border "
            "touching"
        )
    return fewest, most


def _check(
    size: tuple[int, int], count: int, bins: Sequence[float], borders: Sequence[Border]
) -> None:
    height, width = size
    if min(size) < MIN_SIDE or height * width > MAX_PIXELS:
        raise InputError(
            f"--size must be at least {MIN_SIDE} pixels a side and at most 100 "
            f"megapixels, got {width}x{height}"
        )
    if count < len(borders):
        raise InputError(
            f"--count must be at least {len(borders)}, one mask for each border in "
            f"each bin, got {count}"
        )
    rising = all(low < high for low, high in pairwise(bins))
    if len(bins) < 2 or not rising or bins[0] < 0 or bins[-1] > 1:
        raise InputError(
            "--bins must be two or more ascending numbers from 0 to 1, such as "
            f"0.1,0.2,0.3; got {','.join(f'{bound:g}' for bound in bins)}"
        )


def check_mask_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Raises an error if a set cannot be written, before any mask is drawn.

    Args:
        folder: the folder to be written.
        overwrite: True if a set that is there may be replaced.

    Raises:
        InputError: something is there that is no such set, or is and may not be
            replaced.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"output {folder} is a file; give a folder")
    found = {path.name for path in folder.iterdir()}
    if found and not overwrite:
        raise InputError(
            f"output folder {folder} is not empty; choose another, or pass --overwrite "
            "to replace a mask set in it"
        )
    if foreign := sorted(found - _listed(folder)):
        raise InputError(
            f"output folder {folder} holds {foreign[0]}, which is not part of a mask "
            "set; choose another folder"
        )


def _listed(folder: Path) -> set[str]:
    """Names of the files that a set's index lists, with its own."""
    try:
        index = json.loads((folder / INDEX).read_text())
        return {INDEX, *(mask["file"] for mask in index["masks"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def write_mask_folder(
    folder: Path,
    masks: Iterable[tuple[MaskSpec, np.ndarray]],
    about: dict[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Writes a set of masks as 8 bit grey PNG files with an index of them.

    Args:
        folder: new, empty, or with `overwrite` one that holds a set; written whole or
            not at all.
        masks: what each is, and the mask, bool `(H, W)`, true = hole.
        about: JSON values to keep in the index: how the set was made.
        overwrite: True if a set that is there may be replaced.

    Raises:
        InputError: as `check_mask_folder`.
        OSError: the set cannot be written; an earlier one is kept.
    """
    check_mask_folder(folder, overwrite=overwrite)
    entries = []
    with new_folder(folder) as new:
        for spec, mask in masks:
            file, ratio = f"{spec.name}.png", float(mask.mean())
            Image.fromarray(mask.astype(np.uint8) * 255).save(new / file)
            entry = {"file": file, "bin": spec.bin, "border": spec.border}
            entries.append(entry | {"hole_ratio": ratio})
        write_json(new / INDEX, {**about, "masks": entries}, indent=1)
