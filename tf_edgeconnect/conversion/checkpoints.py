"""Turns published checkpoints into a weights folder.

Enters: a folder with any of the four published `.pth` files, or one such file. Leaves:
a folder that every command takes as `--model` and `--init-from`. Everything is read and
checked before anything is written.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras

from tf_edgeconnect.conversion.inception import is_inception
from tf_edgeconnect.conversion.layout import PLANS, NetworkPlan
from tf_edgeconnect.conversion.pth import read_checkpoint
from tf_edgeconnect.conversion.weights import Mapped, build_network
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import save_networks

PUBLISHED_SIGMA = 2.0
_FILES = ", ".join(plan.file for plan in PLANS)


class Converted(NamedTuple):
    """One checkpoint and what became of it.

    Args:
        file: the checkpoint.
        network: name of ours.
        iteration: training iteration that it was saved at; None if it does not say.
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
    say: Callable[[str], None] = lambda line: None,
) -> list[Converted]:
    """Converts published PyTorch checkpoints into a weights folder, without PyTorch.

    Args:
        source: a folder that holds some of the published files, or one checkpoint of
            any name.
        destination: the weights folder to write: new or empty.
        sigma: Canny's sigma that the edge generator was trained with, in pixels.
        overwrite: replace `destination` where it is a weights folder already.
        say: receives progress, a line at a time.

    Returns:
        What was converted, in the order of the networks.

    Raises:
        InputError: a file is no such checkpoint, or `destination` holds something else;
            nothing is written then.
        OSError: a file cannot be read, or the folder cannot be written.

    Example:
        `convert("places2/", "weights/places2")`
    """
    destination = Path(destination)
    check_destination(destination, overwrite=overwrite)
    found = _find(Path(source))
    networks: dict[str, keras.Model] = {}
    converted, sources = [], {}
    for path in found:
        checkpoint = read_checkpoint(path)
        plan = _recognise(path, checkpoint)
        if plan.name in networks:
            raise InputError(f"{path}: a second {plan.name.replace('_', ' ')}")
        network, mapped = build_network(plan, checkpoint[plan.section], str(path))
        iteration = _iteration(checkpoint)
        networks[plan.name] = network
        converted.append(Converted(path, plan.name, iteration, mapped))
        sources[plan.name] = {
            "file": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "iteration": iteration,
        }
        say(f"{path}: {len(mapped)} tensors to the {plan.name.replace('_', ' ')}")
    save_networks(destination, networks, _meta(networks, sources, sigma))
    return converted


def check_destination(folder: Path, *, overwrite: bool) -> None:
    """Makes sure that writing a weights folder there destroys nothing else.

    Raises:
        InputError: it is a file, or a folder that holds something.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file, expected a folder to write weights to")
    names = {path.name for path in folder.iterdir()}
    if not names:
        return
    ours = all(name == "model.json" or name.endswith(".weights.h5") for name in names)
    if "model.json" not in names or not ours:
        raise InputError(
            f"{folder}: is not empty and no weights folder; choose another"
        )
    if not overwrite:
        raise InputError(
            f"{folder}: holds weights already; choose another folder or add --overwrite"
        )


def _find(source: Path) -> list[Path]:
    if not source.exists():
        raise InputError(f"{source}: there is no such file or folder")
    if not source.is_dir():
        return [source]
    found = [source / plan.file for plan in PLANS if (source / plan.file).exists()]
    if not found:
        raise InputError(f"{source}: holds none of {_FILES}")
    return found


def _recognise(path: Path, checkpoint: Mapping[str, Any]) -> NetworkPlan:
    """Tells which network it is: by its section, and by how many channels go in."""
    sections = {plan.section for plan in PLANS}
    section = next((s for s in sections if isinstance(checkpoint.get(s), dict)), None)
    if section is None and is_inception(checkpoint):
        raise InputError(f"{path}: FID's Inception network; write it to `-o NAME.npz`")
    if section is None:
        raise InputError(
            f"{path}: holds {_shown(checkpoint)}, expected `generator` or "
            "`discriminator`: not a checkpoint of EdgeConnect"
        )
    named = [plan for plan in PLANS if plan.file == path.name]
    plans = [plan for plan in PLANS if plan.section == section]
    if named and named[0] not in plans:
        raise InputError(
            f"{path}: holds a {section}, expected a {named[0].section} by its name"
        )
    return (named or [_by_channels(path, checkpoint[section], plans)])[0]


def _by_channels(
    path: Path, state: Mapping[str, Any], plans: list[NetworkPlan]
) -> NetworkPlan:
    for plan in plans:
        first = plan.layers(1)[0]
        for name, tensor in state.items():
            bare = str(name).removeprefix("module.")
            if bare in (f"{first.source}.weight", f"{first.source}.weight_orig"):
                shape: tuple[int, ...] = getattr(tensor, "shape", ())
                if len(shape) == 4 and shape[1] == first.inputs:
                    return plan
    inputs = " or ".join(str(plan.layers(1)[0].inputs) for plan in plans)
    raise InputError(
        f"{path}: its first convolution does not take {inputs} channels, so it is none "
        f"of {_FILES}"
    )


def _shown(checkpoint: Mapping[str, Any]) -> str:
    keys = [ascii(str(key))[1:-1] for key in list(checkpoint)[:3]]
    more = ", ..." if len(checkpoint) > 3 else ""
    return f"the keys {', '.join(keys)}{more}" if keys else "nothing"


def _iteration(checkpoint: Mapping[str, Any]) -> int | None:
    iteration = checkpoint.get("iteration")
    return iteration if type(iteration) is int else None


def _meta(networks: dict, sources: dict, sigma: float) -> dict[str, Any]:
    iterations = [
        s["iteration"] for s in sources.values() if s["iteration"] is not None
    ]
    both = {"edge_generator", "inpaint_generator"} <= set(networks)
    inpaint = any(name.startswith("inpaint") for name in networks)
    return {
        "stage": "joint" if both else "inpaint" if inpaint else "edge",
        "step": max(iterations, default=0),
        "sigma": sigma,
        "source": {"kind": "converted from PyTorch", "checkpoints": sources},
    }
