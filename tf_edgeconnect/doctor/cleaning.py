"""Writes cleaned copies of masks: black and white alone, PNG, white = hole."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tf_edgeconnect.doctor.findings import Track
from tf_edgeconnect.doctor.mask_looks import Mask, look_at_mask
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.reading import read_mask


class Cleaned(NamedTuple):
    """What was written.

    Attributes:
        written: how many copies.
        inverted: names of those that were inverted.
        left_out: (name, reason) of masks that cannot be read.
    """

    written: int
    inverted: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def check_clean_folder(folder: Path, masks: Sequence[Mask]) -> None:
    """Raises where copies cannot be written, before any is.

    Args:
        folder: where they go.
        masks: the originals.

    Raises:
        InputError: the folder is not new or empty, or two copies would collide.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"--fix-masks {folder} is not a new or empty folder")
    targets: dict[Path, str] = {}
    for mask in masks:
        target = Path(mask.name).with_suffix(".png")
        if target in targets:
            raise InputError(
                f"{targets[target]} and {mask.name} would both become {target}; "
                "rename one"
            )
        targets[target] = mask.name


def write_clean_masks(
    masks: Sequence[Mask], folder: Path, track: Track, *, invert: bool
) -> Cleaned:
    """Writes a copy of each mask, cut at 50 % grey; originals stay as they are.

    Args:
        masks: the originals.
        folder: new or empty.
        track: shows progress.
        invert: swap hole and known in those that seem to be inverted.

    Raises:
        InputError: as `check_clean_folder`.
    """
    check_clean_folder(folder, masks)
    inverted, left_out = [], []
    for mask in track(masks, "cleaning masks", total=len(masks)):
        look = look_at_mask(mask.path)
        if look.failure:
            left_out.append((mask.name, look.failure))
            continue
        hole = read_mask(mask.path)
        if invert and look.seems_inverted:
            hole = ~hole
            inverted.append(mask.name)
        target = (folder / mask.name).with_suffix(".png")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(hole, 255, 0).astype(np.uint8)).save(target)
    written = len(masks) - len(left_out)
    return Cleaned(written, tuple(inverted), tuple(left_out))
