"""Converts published checkpoints to a weights folder.

All files are read and checked before anything is written.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_edgeconnect.conversion.inception import is_inception
from tf_edgeconnect.conversion.pth import read_checkpoint
from tf_edgeconnect.conversion.weights import (
    NETWORKS,
    Mapped,
    Network,
    build_network,
    listed,
)
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import save_networks

PUBLISHED_SIGMA = 2.0
_FILES = ", ".join(network.file for network in NETWORKS)


class Converted(NamedTuple):
    """A converted checkpoint.

    Attributes:
        file: the checkpoint.
        network: name of our network.
        iteration: training iteration that it was saved at, or None.
        mapped: where each tensor went.
    """

    file: Path
    network: str
    iteration: int | None
    mapped: list[Mapped]


def convert(
    source: str | Path,
    destination: str | Path,
    *,
    sigma: float = PUBLISHED_SIGMA,
    overwrite: bool = False,
) -> list[Converted]:
    """Converts published PyTorch checkpoints into a weights folder, without PyTorch.

    Args:
        source: a folder that holds some of the published files, or one checkpoint of
            any name.
        destination: the weights folder to write: new or empty.
        sigma: Canny's sigma that the edge generator was trained with, in pixels.
        overwrite: replace `destination` where it is a weights folder already.

    Raises:
        InputError: a file is no such checkpoint, or `destination` holds something else;
            nothing is written then.
        OSError: a file cannot be read, or the folder cannot be written.

    Example:
        `convert("places2/", "weights/places2")`
    """
    destination = Path(destination)
    _check_destination(destination, overwrite)
    models, converted, sources = {}, [], {}
    for path in _find(Path(source)):
        checkpoint = read_checkpoint(path)
        network = _recognise(path, checkpoint)
        state, iteration = checkpoint[network.section], checkpoint.get("iteration")
        iteration = iteration if type(iteration) is int else None
        model, mapped = build_network(network, state, str(path))
        models[network.name] = model
        converted.append(Converted(path, network.name, iteration, mapped))
        sources[network.name] = {
            "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "iteration": iteration,
        }
    both = {"edge_generator", "inpaint_generator"} <= set(models)
    inpaint = any(name.startswith("inpaint") for name in models)
    meta = {
        "stage": "joint" if both else "inpaint" if inpaint else "edge",
        "step": max(one.iteration or 0 for one in converted),
        "sigma": sigma,
        "source": {"kind": "converted from PyTorch", "checkpoints": sources},
    }
    save_networks(destination, models, meta)
    return converted


def _check_destination(folder: Path, overwrite: bool) -> None:
    """Checks that writing a weights folder there destroys nothing else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file, expected a folder to write weights to")
    names = {path.name for path in folder.iterdir()}
    others = [name for name in names if not name.endswith(".weights.h5")]
    if names and others != ["model.json"]:
        raise InputError(
            f"{folder}: is not empty and no weights folder; choose another"
        )
    if names and not overwrite:
        raise InputError(
            f"{folder}: holds weights already; choose another folder or add --overwrite"
        )


def _find(source: Path) -> list[Path]:
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder")
    if not source.is_dir():
        return [source]
    files = [source / network.file for network in NETWORKS]
    if not (found := [file for file in files if file.exists()]):
        raise InputError(f"{source}: holds none of {_FILES}")
    return found


def _recognise(path: Path, checkpoint: Mapping[str, Any]) -> Network:
    """Finds which network it is: by section and file name, or by input channels."""
    sections = ("generator", "discriminator")
    section = next((s for s in sections if isinstance(checkpoint.get(s), dict)), None)
    if section is None and is_inception(checkpoint):
        raise InputError(f"{path}: FID's Inception network; write it to `-o NAME.npz`")
    if section is None:
        keys = f"the keys {listed(checkpoint)}" if checkpoint else "nothing"
        raise InputError(
            f"{path}: holds {keys}, expected `generator` or "
            "`discriminator`: not a checkpoint of EdgeConnect"
        )
    named = next((network for network in NETWORKS if network.file == path.name), None)
    if named and named.section != section:
        raise InputError(
            f"{path}: holds a {section}, expected a {named.section} by its name"
        )
    if named:
        return named
    networks = [network for network in NETWORKS if network.section == section]
    shapes = {str(name): np.shape(t) for name, t in checkpoint[section].items()}
    for network in networks:
        shape = shapes.get(network.first) or shapes.get(f"module.{network.first}", ())
        if len(shape) == 4 and shape[1] == network.inputs:
            return network
    inputs = " or ".join(str(network.inputs) for network in networks)
    raise InputError(
        f"{path}: its first convolution does not take {inputs} channels, so it is none "
        f"of {_FILES}"
    )
