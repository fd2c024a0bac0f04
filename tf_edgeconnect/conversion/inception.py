"""Converts the Inception checkpoint of PyTorch's FID tools.

`pt_inception-2015-12-05-6726825d.pth` becomes an `.npz` that `fid_inception` reads, its
kernels rounded to float16, without the classifier, which FID does not use.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.atomic import new_file
from tf_edgeconnect.conversion.pth import read_checkpoint
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.inception import PREFIX, array_shapes

_CLASSES = 1008  # of the network of 2015; torchvision's, of the same layout, has 1000
_FIRST = "Conv2d_1a_3x3"

# Blocks of one kind, then the convolutions of each: theirs, and ours.
_STEM = (
    "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 Conv2d_3b_1x1 Conv2d_4a_3x3",
    "conv conv_1 conv_2 conv_3 conv_4",
)
_KINDS = (
    (
        "5b 5c 5d",
        "1x1 5x5_1 5x5_2 3x3dbl_1 3x3dbl_2 3x3dbl_3 _pool",
        "conv tower.conv tower.conv_1 "
        "tower_1.conv tower_1.conv_1 tower_1.conv_2 tower_2.conv",
    ),
    (
        "6a",
        "3x3 3x3dbl_1 3x3dbl_2 3x3dbl_3",
        "conv tower.conv tower.conv_1 tower.conv_2",
    ),
    (
        "6b 6c 6d 6e",
        "1x1 7x7_1 7x7_2 7x7_3 7x7dbl_1 7x7dbl_2 7x7dbl_3 7x7dbl_4 7x7dbl_5 _pool",
        "conv tower.conv tower.conv_1 tower.conv_2 tower_1.conv tower_1.conv_1 "
        "tower_1.conv_2 tower_1.conv_3 tower_1.conv_4 tower_2.conv",
    ),
    (
        "7a",
        "3x3_1 3x3_2 7x7x3_1 7x7x3_2 7x7x3_3 7x7x3_4",
        "tower.conv tower.conv_1 "
        "tower_1.conv tower_1.conv_1 tower_1.conv_2 tower_1.conv_3",
    ),
    (
        "7b 7c",
        "1x1 3x3_1 3x3_2a 3x3_2b 3x3dbl_1 3x3dbl_2 3x3dbl_3a 3x3dbl_3b _pool",
        "conv tower_conv tower_mixed_conv tower_mixed_conv_1 tower_1_conv "
        "tower_1_conv_1 tower_1_mixed_conv tower_1_mixed_conv_1 tower_2_conv",
    ),
)


def is_inception(checkpoint: Mapping[str, Any]) -> bool:
    """Returns whether a checkpoint is an Inception network's."""
    return f"{_FIRST}.conv.weight" in checkpoint


def convert_inception(
    source: str | Path, destination: str | Path, *, overwrite: bool = False
) -> int:
    """Converts the usual FID checkpoint to an `.npz` file, without PyTorch.

    Returns:
        The number of its convolutions.

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
        kernel = _tensor(source, checkpoint, f"{theirs}.conv.weight", shape)
        gamma, beta, mean, variance = (
            _tensor(source, checkpoint, f"{theirs}.bn.{part}", shape[:1])
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        # Our batch norm has no gamma: gamma (Wx - mean) = (gamma W) x - gamma mean.
        kernel = kernel * gamma[:, None, None, None]
        arrays |= {
            f"{prefix}.weight": kernel.astype(np.float16),
            f"{prefix}.beta": beta,
            f"{prefix}.mean": mean * gamma,
            f"{prefix}.var": variance,
        }
    with new_file(destination) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
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
    yield from zip(*map(str.split, _STEM), strict=True)
    number = 0
    for blocks, theirs, ours in _KINDS:
        for block in blocks.split():
            inside = f"mixed_{number}" if number else "mixed"
            for branch, path in zip(theirs.split(), ours.split(), strict=True):
                yield f"Mixed_{block}.branch{branch}", f"{inside}.{path}"
            number += 1


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
