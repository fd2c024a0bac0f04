"""Turns the Inception checkpoint of PyTorch's FID tools into our weights file.

Enters: `pt_inception-2015-12-05-6726825d.pth`. Leaves: an `.npz` that `fid_inception`
reads, kernels rounded to float16. The classifier, which FID does not use, is left out.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.conversion.pth import read_checkpoint
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.inception import PREFIX, array_shapes

_CLASSES = 1008  # of the network of 2015; torchvision's, of the same layout, has 1000
_FIRST = "Conv2d_1a_3x3"

_STEM = {
    _FIRST: "conv",
    "Conv2d_2a_3x3": "conv_1",
    "Conv2d_2b_3x3": "conv_2",
    "Conv2d_3b_1x1": "conv_3",
    "Conv2d_4a_3x3": "conv_4",
}
_BLOCKS = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")
_FINE = {
    "branch1x1": "conv",
    "branch5x5_1": "tower.conv",
    "branch5x5_2": "tower.conv_1",
    "branch3x3dbl_1": "tower_1.conv",
    "branch3x3dbl_2": "tower_1.conv_1",
    "branch3x3dbl_3": "tower_1.conv_2",
    "branch_pool": "tower_2.conv",
}
_FIRST_REDUCTION = {
    "branch3x3": "conv",
    "branch3x3dbl_1": "tower.conv",
    "branch3x3dbl_2": "tower.conv_1",
    "branch3x3dbl_3": "tower.conv_2",
}
_MIDDLE = {
    "branch1x1": "conv",
    "branch7x7_1": "tower.conv",
    "branch7x7_2": "tower.conv_1",
    "branch7x7_3": "tower.conv_2",
    "branch7x7dbl_1": "tower_1.conv",
    "branch7x7dbl_2": "tower_1.conv_1",
    "branch7x7dbl_3": "tower_1.conv_2",
    "branch7x7dbl_4": "tower_1.conv_3",
    "branch7x7dbl_5": "tower_1.conv_4",
    "branch_pool": "tower_2.conv",
}
_SECOND_REDUCTION = {
    "branch3x3_1": "tower.conv",
    "branch3x3_2": "tower.conv_1",
    "branch7x7x3_1": "tower_1.conv",
    "branch7x7x3_2": "tower_1.conv_1",
    "branch7x7x3_3": "tower_1.conv_2",
    "branch7x7x3_4": "tower_1.conv_3",
}
_COARSE = {
    "branch1x1": "conv",
    "branch3x3_1": "tower_conv",
    "branch3x3_2a": "tower_mixed_conv",
    "branch3x3_2b": "tower_mixed_conv_1",
    "branch3x3dbl_1": "tower_1_conv",
    "branch3x3dbl_2": "tower_1_conv_1",
    "branch3x3dbl_3a": "tower_1_mixed_conv",
    "branch3x3dbl_3b": "tower_1_mixed_conv_1",
    "branch_pool": "tower_2_conv",
}
_BRANCHES = (
    *(_FINE,) * 3,
    _FIRST_REDUCTION,
    *(_MIDDLE,) * 4,
    _SECOND_REDUCTION,
    *(_COARSE,) * 2,
)


def is_inception(checkpoint: Mapping[str, Any]) -> bool:
    """Tells whether a checkpoint is an Inception network's."""
    return f"{_FIRST}.conv.weight" in checkpoint


def convert_inception(
    source: str | Path, destination: str | Path, *, overwrite: bool = False
) -> int:
    """Converts the usual FID checkpoint into a weights file, without PyTorch.

    Args:
        source: the `.pth` file.
        destination: the `.npz` file to write.
        overwrite: replace `destination` where it exists.

    Returns:
        How many convolutions it has.

    Raises:
        InputError: the file is no such checkpoint, or `destination` exists; nothing is
            written then.
        OSError: a file cannot be read or written.

    Example:
        `convert_inception("pt_inception-2015-12-05-6726825d.pth", "inception.npz")`
    """
    source, destination = Path(source), Path(destination)
    if destination.exists() and not overwrite:
        raise InputError(
            f"{destination}: exists already; choose another or add --overwrite"
        )
    checkpoint = read_checkpoint(source)
    _check_network(source, checkpoint)
    shapes = array_shapes()
    arrays: dict[str, np.ndarray] = {}
    for theirs, ours in _names():
        prefix = f"{PREFIX}{ours}"
        shape = shapes[f"{prefix}.weight"]
        tensors = {
            name: _tensor(source, checkpoint, f"{theirs}.{name}", expected)
            for name, expected in (("conv.weight", shape), *_norms(shape[:1]))
        }
        # Our batch norm has no gamma: gamma (Wx - mean) = (gamma W) x - gamma mean.
        gamma = tensors["bn.weight"]
        kernel = tensors["conv.weight"] * gamma[:, None, None, None]
        arrays |= {
            f"{prefix}.weight": kernel.astype(np.float16),
            f"{prefix}.beta": tensors["bn.bias"],
            f"{prefix}.mean": tensors["bn.running_mean"] * gamma,
            f"{prefix}.var": tensors["bn.running_var"],
        }
    _write(destination, arrays)
    return len(arrays) // 4


def _check_network(source: Path, checkpoint: Mapping[str, Any]) -> None:
    if not is_inception(checkpoint):
        raise InputError(
            f"{source}: not FID's Inception network: expected a tensor "
            f"{_FIRST}.conv.weight, as in pt_inception-2015-12-05-6726825d.pth"
        )
    classifier = checkpoint.get("fc.weight")
    if classifier is not None and len(classifier) != _CLASSES:
        raise InputError(
            f"{source}: an Inception network of {len(classifier)} classes, expected "
            f"{_CLASSES}: the usual FID takes pt_inception-2015-12-05-6726825d.pth"
        )


def _names() -> Iterator[tuple[str, str]]:
    """Yields the name of each convolution, theirs and ours."""
    yield from _STEM.items()
    for number, (block, branches) in enumerate(zip(_BLOCKS, _BRANCHES, strict=True)):
        ours = f"mixed_{number}" if number else "mixed"
        for branch, path in branches.items():
            yield f"Mixed_{block}.{branch}", f"{ours}.{path}"


def _norms(shape: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    names = ("weight", "bias", "running_mean", "running_var")
    return [(f"bn.{name}", shape) for name in names]


def _tensor(
    source: Path, checkpoint: Mapping[str, Any], name: str, shape: tuple[int, ...]
) -> np.ndarray:
    tensor = checkpoint.get(name)
    if not isinstance(tensor, np.ndarray) or tensor.shape != shape:
        came = tensor.shape if isinstance(tensor, np.ndarray) else "none"
        raise InputError(
            f"{source}: expected a tensor {name} of shape {shape}, got {came}"
        )
    if not np.isfinite(tensor).all():
        raise InputError(f"{source}: the tensor {name} is not finite")
    return tensor.astype(np.float32)


def _write(destination: Path, arrays: Mapping[str, Any]) -> None:
    """Writes the file beside its place and renames it: it is whole or absent."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f".{destination.name}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(partial, destination)
    finally:
        partial.unlink(missing_ok=True)
