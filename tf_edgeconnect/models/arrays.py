"""Reads weights files: Keras' own, and plain NumPy archives (`.npz`)."""

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np

from tf_edgeconnect.errors import InputError, one_line


def read_arrays(
    path: str | Path, shapes: Mapping[str, tuple[int, ...]], what: str, remedy: str
) -> dict[str, np.ndarray]:
    """Reads the arrays that a network needs; others in the file are passed over.

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
            f"{what}: {path} is no readable .npz file; {remedy}"
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
