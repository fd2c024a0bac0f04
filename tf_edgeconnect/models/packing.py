"""Packs a trained model into a weights folder of half the size, made to be shipped.

The folder holds both generators in float16, the SHA-256 of each file and the figures
of an evaluation.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from tf_edgeconnect.atomic import new_folder
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import (
    load_networks,
    read_meta,
    resolve,
    write_meta,
    write_networks,
)

GENERATORS = ("edge_generator", "inpaint_generator")
LEFT_OUT = ("networks", "init_from")  # a path of the machine it was trained on
METRICS = ("psnr", "ssim", "lpips", "n")


def pack(
    model: str | Path,
    folder: str | Path,
    report: Path | None = None,
    about: str | None = None,
) -> Path:
    """Writes both generators of a model in float16, with hashes.

    Args:
        model: a run directory or a weights folder.
        folder: where to; must not exist.
        report: `report.json` of `evaluate` or `evaluate --compare`, whose figures go
            along.
        about: replaces what `model.json` says of the source of the weights.

    Returns:
        The folder, which is a weights folder like any other.

    Raises:
        InputError: a generator is missing, the folder exists, or the report is none.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder} already exists: choose a new folder")
    found = resolve(model)
    lacking = [name for name in GENERATORS if name not in found]
    if lacking:
        raise InputError(f"model {model} has no {' and no '.join(lacking)} to pack")
    figures = {} if report is None else _figures(report)
    networks: dict[str, keras.Model] = {}
    meta: dict[str, Any] = {}
    for name in GENERATORS:
        loaded, known = load_networks(found[name], (name,))
        networks.update(loaded)
        meta |= {key: known[key] for key in known if key not in LEFT_OUT}
    meta["source"] = about or meta.get("source")
    with new_folder(folder) as new:
        write_networks(new, networks, meta)
        hashes = {}
        for path in sorted(new.glob("*.weights.h5")):
            _halve(path)
            hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        write_meta(new, {**read_meta(new), "sha256": hashes, "figures": figures})
    return folder


def _halve(path: Path) -> None:
    """Rewrites a weights file with its float32 numbers as float16."""
    arrays: dict[str, np.ndarray] = {}

    def keep(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].astype(np.float16)

    with h5py.File(path) as whole:
        whole.visititems(keep)
    with h5py.File(path, "w") as half:
        for name, values in arrays.items():
            half[name] = values


def _figures(report: Path) -> dict[str, Any]:
    try:
        systems = json.loads(report.read_text())["systems"]
        return {
            system: {
                label: {metric: figures[metric] for metric in METRICS}
                for label, figures in bins.items()
            }
            for system, bins in systems.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{report} is not the report.json of an evaluation ({error!r})"
        ) from None
