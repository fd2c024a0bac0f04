"""Writes a set of masks as a folder of PNG files with an `index.json`.

Masks enter one by one; a folder leaves, complete or not at all. A file is 8 bit grey
with 0 and 255 alone, white = hole.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tf_edgeconnect.atomic import new_folder, write_json
from tf_edgeconnect.data.mask_sets import MaskSpec
from tf_edgeconnect.errors import InputError

INDEX = "index.json"


def check_mask_folder(folder: str | Path, *, overwrite: bool = False) -> None:
    """Raises where a set of masks cannot be written, before one is drawn.

    Args:
        folder: the folder to be written.
        overwrite: True if a set that is there may be replaced.

    Raises:
        InputError: something is there that is no such set, or is and may not be
            replaced, or the place cannot be written to.
    """
    folder = Path(folder)
    there = next(p for p in (folder, *folder.resolve().parents) if p.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError(
            f"output {folder} cannot be written: {there} is not a folder that may be "
            "written; choose another"
        )
    if there != folder:
        return
    found = {path.name for path in folder.iterdir()}
    if found and not overwrite:
        raise InputError(
            f"output folder {folder} is not empty; choose another, or pass --overwrite "
            "to replace a set of masks in it"
        )
    if foreign := sorted(found - _listed(folder)):
        raise InputError(
            f"output folder {folder} holds {foreign[0]}, which is not of a set of "
            "masks; choose another folder"
        )


def _listed(folder: Path) -> set[str]:
    """Names of the files that a set's index lists, with its own."""
    try:
        index = json.loads((folder / INDEX).read_text())
        return {INDEX, *(mask["file"] for mask in index["masks"])}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def write_mask_folder(
    folder: str | Path,
    masks: Iterable[tuple[MaskSpec, np.ndarray]],
    about: dict[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Writes the masks of a set and the index of them.

    Args:
        folder: new, empty, or with `overwrite` one that holds a set.
        masks: what each is, and the mask, bool `(H, W)`, true = hole.
        about: JSON values to keep in the index: how the set was made.
        overwrite: True if a set that is there may be replaced.

    Raises:
        InputError: as `check_mask_folder`.
        OSError: the disk does not take it; what was there is still there.
    """
    check_mask_folder(folder, overwrite=overwrite)
    with new_folder(folder) as new:
        entries = [_write(new, spec, mask) for spec, mask in masks]
        write_json(new / INDEX, {**about, "masks": entries}, indent=1)


def _write(folder: Path, spec: MaskSpec, mask: np.ndarray) -> dict[str, Any]:
    file = f"{spec.name}.png"
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / file)
    return {
        "file": file,
        "bin": list(spec.bin),
        "border": spec.border,
        "hole_ratio": float(mask.mean()),
    }
