"""The weights folder: `<network>.weights.h5` files and the `model.json` beside them.

`model.json` holds the arguments of each network's builder, and `stage`, `step`, `sigma`
of Canny and `source`. `resolve` turns what a user names (a run directory, a weights
folder or a preset) into folders. A folder made to be shipped (`packing.py`) names the
SHA-256 of its files, which is checked at load.
"""

import hashlib
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tf_edgeconnect.atomic import new_folder
from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import (
    DESIGNS,
    OPTIONS,
    edge_generator,
    inpaint_generator,
)
from tf_edgeconnect.presets import NAMES as PRESETS
from tf_edgeconnect.presets import folder as preset_folder
from tf_edgeconnect.stages import STAGES


def read_arrays(
    path: str | Path, shapes: Mapping[str, tuple[int, ...]], what: str, remedy: str
) -> dict[str, np.ndarray]:
    """Reads the arrays that a network needs; others in the file are ignored.

    Args:
        path: an `.npz` file.
        shapes: of every array needed, by name.
        what: the file, as an error calls it.
        remedy: what to do, the end of an error.

    Returns:
        The arrays by name.

    Raises:
        InputError: the file is missing or damaged, or an array is missing, has another
            shape or is not of finite numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{what}: there is no file {path}; {remedy}")
    try:
        with np.load(path) as archive:  # never unpickles
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            arrays = {name: archive[name] for name in shapes if name in archive}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{what}: {path} is not a readable .npz file; {remedy}"
        ) from error
    for name, shape in shapes.items():
        if name not in arrays:
            raise InputError(f"{what}: {path} has no array {name}; {remedy}")
        array = arrays[name]
        if array.shape != shape or array.dtype.kind != "f":
            raise InputError(
                f"{what}: {path}: {name} is {array.dtype} of shape {array.shape}, "
                f"expected floats of shape {shape}; {remedy}"
            )
        if not np.isfinite(array).all():
            raise InputError(f"{what}: {path}: {name} is not finite; {remedy}")
    return arrays


def load_weights(network: keras.Model, path: str | Path) -> None:
    """Loads one weights file.

    Raises:
        InputError: if it is missing, damaged, or of another architecture.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"weights file {path} is missing")
    try:
        with warnings.catch_warnings():  # Keras warns for each layer, then raises
            warnings.simplefilter("ignore")
            network.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"weights file {path} does not fit the {network.name}: {one_line(error)}"
        ) from None


FORMAT = 1
META = "model.json"
BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "edge_generator": edge_generator,
    "inpaint_generator": inpaint_generator,
    "edge_discriminator": patch_discriminator,
    "inpaint_discriminator": patch_discriminator,
}


def save_networks(
    folder: str | Path, networks: dict[str, keras.Model], meta: dict[str, Any]
) -> None:
    """Writes the networks and their `model.json`, replacing the folder as a whole.

    Args:
        folder: where to; parents are made.
        networks: by name, a key of `BUILDERS`; made by that builder.
        meta: JSON values to keep beside them: stage, step, sigma, source.

    Raises:
        ValueError: a network's name is not one of `BUILDERS`.
        OSError: the folder cannot be written; what was there is still there.
    """
    with new_folder(folder) as new:
        write_networks(new, networks, meta)


def write_networks(
    folder: Path, networks: dict[str, keras.Model], meta: dict[str, Any]
) -> None:
    """Writes the files of `save_networks` into a folder that is there.

    Raises:
        ValueError: a network's name is not one of `BUILDERS`.
        OSError: a file cannot be written.
    """
    unknown = sorted(set(networks) - set(BUILDERS))
    if unknown:
        raise ValueError(f"networks must be named one of {list(BUILDERS)}: {unknown}")
    for name, network in networks.items():
        network.save_weights(folder / f"{name}.weights.h5")
    architectures = {name: dict(net.architecture) for name, net in networks.items()}
    write_meta(folder, {"format": FORMAT, **meta, "networks": architectures})


def write_meta(folder: Path, meta: dict[str, Any]) -> None:
    """Writes a weights folder's `model.json`."""
    (folder / META).write_text(json.dumps(meta, indent=2, sort_keys=True) + "\n")


def read_meta(folder: str | Path) -> dict[str, Any]:
    """Reads a weights folder's `model.json`.

    Raises:
        InputError: if it is missing, unreadable, or of a later format.
    """
    path = Path(folder) / META
    try:
        meta = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{folder} is not a weights folder: no model.json") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise InputError(f"{path} is not of format {FORMAT}, which this version reads")
    networks = meta.get("networks", {})
    return {
        **meta,
        "networks": {name: _with_defaults(name, networks[name]) for name in networks},
    }


def _with_defaults(name: str, architecture: dict[str, Any]) -> dict[str, Any]:
    """Adds the options that a builder did not have when the folder was written."""
    published = DESIGNS["published"]
    return {key: published[key] for key in OPTIONS.get(name, ())} | architecture


def differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    """Lists what differs between two architectures, `KEY is X there, Y here`.

    How weights began does not matter once others are loaded over them.
    """
    return [
        f"{key} is {there.get(key)} there, {value} here"
        for key, value in here.items()
        if key != "initializer" and there.get(key) != value
    ]


def load_networks(
    folder: str | Path, names: tuple[str, ...] | None = None
) -> tuple[dict[str, keras.Model], dict[str, Any]]:
    """Builds the networks of a weights folder and loads their weights.

    Args:
        folder: written by `save_networks`.
        names: which networks; those not there are left out. None: all.

    Returns:
        The networks by name, and `model.json`.

    Raises:
        InputError: if the folder, a weights file or its shapes are not as they should.
    """
    meta = read_meta(folder)
    networks = {}
    for name, architecture in meta["networks"].items():
        if names is not None and name not in names:
            continue
        try:
            network = BUILDERS[name](**architecture, name=name)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder}/model.json: {name}: {error}") from None
        path = Path(folder) / f"{name}.weights.h5"
        _check_hash(path, meta.get("sha256", {}))
        load_weights(network, path)
        networks[name] = network
    return networks, meta


def _check_hash(path: Path, hashes: dict[str, str]) -> None:
    if path.name not in hashes or not path.is_file():
        return
    if hashlib.sha256(path.read_bytes()).hexdigest() != hashes[path.name]:
        raise InputError(
            f"weights file {path} is damaged (its SHA-256 is not that of {META}): "
            "install tf-edgeconnect again if it belongs to a preset, otherwise copy "
            "it again"
        )


def resolve(path: str | Path, stages: tuple[str, ...] = STAGES) -> dict[str, Path]:
    """Finds the weights folder of each network of a model.

    A run directory gives its most advanced stage; a network that this stage does not
    hold (the edge generator of an `inpaint` stage) comes from the stage before it.

    Args:
        path: a weights folder, a run directory, a run's `weights` directory, or, where
            there is no such path, the name of a preset.
        stages: which stages of a run to search.

    Returns:
        Network name to weights folder, for the networks that are there.

    Raises:
        InputError: if the path is none of these, with what is accepted.
    """
    if str(path) in PRESETS and not Path(path).exists():
        path = preset_folder(str(path))
    path = Path(path)
    if (path / META).is_file():
        return dict.fromkeys(read_meta(path)["networks"], path)
    root = path / "weights" if (path / "weights").is_dir() else path
    folders = [root / stage for stage in stages if (root / stage).is_dir()]
    found: dict[str, Path] = {}
    for folder in folders:
        found.update(dict.fromkeys(read_meta(folder)["networks"], folder))
    if not found:
        what = "does not exist"
        if path.exists():
            what = "contains no trained weights" if path.is_dir() else "is a file"
        raise InputError(
            f"model {path} {what}; expected a run directory (runs/NAME), a weights "
            f"folder (with {META}) or a preset: {', '.join(PRESETS)}"
        )
    return found
