"""Weights that ship with the package, by name.

A preset is a weights folder (see `models/storage.py`) beside this file. Its weights are
float16, its `model.json` also holds the SHA-256 of each weights file, which is checked
at load, and `figures` as `evaluate` measured them. `ATTRIBUTION.csv` beside them has a
row for each training photo. docs/presets/ has the model cards.
"""

from pathlib import Path

from tf_edgeconnect.errors import InputError

DEFAULT = "small"
NAMES = (DEFAULT,)
ATTRIBUTION = "ATTRIBUTION.csv"
ROOT = Path(__file__).parent


def folder(name: str) -> Path:
    """Finds the weights folder of a preset.

    Args:
        name: one of `NAMES`.

    Returns:
        The folder inside the installed package.

    Raises:
        InputError: there is no such preset, or its data are missing.
    """
    if name not in NAMES:
        raise InputError(f"unknown preset {name}; expected one of {', '.join(NAMES)}")
    found = ROOT / name
    if not (found / "model.json").is_file():
        raise InputError(
            f"preset {name} is missing from this installation ({found}): install "
            "tf-edgeconnect again, or give a run directory or a weights folder"
        )
    return found
