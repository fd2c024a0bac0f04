"""Reads PyTorch checkpoints without PyTorch and without running anything in them.

A `.pth` file is either a zip of a pickle and raw storages (PyTorch 1.6 and later), or
a series of pickles followed by storages (up to PyTorch 1.5). Only tensors,
dictionaries, lists, tuples, numbers and strings are admitted; everything else is
refused by name (`pickles.py`).
"""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from tf_edgeconnect.conversion.pickles import Refused, quote, unpickle
from tf_edgeconnect.errors import InputError

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_START = b"\x80\x02\x8a\x0a" + _LEGACY_MAGIC.to_bytes(10, "little")
_LEGACY_VERSION = 1001
_PICKLE_LIMIT = 64 << 20  # bytes of `data.pkl`; a full-size checkpoint has 0.02 MB
_PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Reads a PyTorch checkpoint into NumPy arrays.

    Args:
        path: a `.pth` file that holds a dictionary.

    Returns:
        The dictionary as saved. Tensors become read-only arrays of the same shape and
        dtype in the machine's byte order (bfloat16 becomes float32); tensors that share
        a storage share memory.

    Raises:
        InputError: the file is no checkpoint, is damaged, or holds more than data.
        OSError: the file cannot be read.

    Example:
        `read_checkpoint("EdgeModel_gen.pth")["generator"]["encoder.1.bias"]`

    Reference:
        torch.serialization (the formats).
    """
    path = Path(path)
    content = path.read_bytes()
    read = _choose_reader(path, content)
    try:
        found = read(io.BytesIO(content), len(content))
    except Refused as refused:
        raise InputError(
            f"{path}: refused (nothing in it was run): a checkpoint may hold tensors "
            f"and plain values only; found: {refused}"
        ) from refused
    except Exception as error:  # a broken zip or pickle makes Python raise many kinds
        raise InputError(
            f"{path}: a damaged or truncated checkpoint, copy or download it again: "
            f"{quote(error)}"
        ) from error
    if not isinstance(found, dict):
        raise InputError(
            f"{path}: holds a {type(found).__name__}, expected a dictionary of tensors"
        )
    return found


def _choose_reader(path: Path, content: bytes) -> Callable[..., Any]:
    if not content:
        raise InputError(f"{path}: an empty file (0 bytes), not a checkpoint")
    if content.startswith(b"PK"):
        return _read_zip
    if content.startswith(_LEGACY_START):
        return _read_legacy
    head = content[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith(_PAGE_STARTS):
        raise InputError(
            f"{path}: a web page (HTML) saved under this name, not a checkpoint: the "
            "download link is dead or wants a confirmation; download the file again"
        )
    if head.startswith(b"version https://git-lfs"):
        raise InputError(f"{path}: a Git LFS pointer, not the file: run `git lfs pull`")
    raise InputError(
        f"{path}: not a PyTorch checkpoint (neither its zip nor its older format)"
    )


def _read_zip(file: IO[bytes], file_size: int) -> Any:
    archive = zipfile.ZipFile(file)
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickled = [name for name in entries if name.split("/")[-1] == "data.pkl"]
    if len(pickled) != 1:
        raise ValueError("a zip without one `data.pkl`")
    folder = pickled[0].removesuffix("data.pkl")
    left = file_size  # entries do not overlap, so together they fit into the file

    def take(name: str, limit: int) -> bytes:
        nonlocal left
        if folder + name not in entries:
            raise ValueError(f"no entry {quote(folder + name)} in the zip")
        entry, size = entries[folder + name], entries[folder + name].file_size
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise Refused(f"a compressed or encrypted zip entry {quote(folder + name)}")
        if size != entry.compress_size or size > min(limit, left):
            raise Refused(
                f"a zip entry {quote(folder + name)} that declares {size} bytes"
            )
        left -= size
        return archive.read(entry)

    stream = io.BytesIO(take("data.pkl", _PICKLE_LIMIT))
    order = take("byteorder", 16) if folder + "byteorder" in entries else b"little"
    if order not in (b"little", b"big"):
        raise Refused(f"a byte order of {quote(order)}")

    def storage(key: str, dtype: str, size: int) -> np.ndarray:
        data = take(f"data/{key}", file_size)
        return _values(key, data, dtype, size, "<" if order == b"little" else ">")

    return unpickle(stream, storage)


def _read_legacy(stream: IO[bytes], file_size: int) -> Any:
    unpickle(stream)  # the magic number, which `_choose_reader` found
    version = unpickle(stream)
    if version != _LEGACY_VERSION:
        raise Refused(f"a file version of {quote(version)}, not {_LEGACY_VERSION}")
    unpickle(stream)  # sizes of C types on the writer's machine: not used
    made: dict[str, tuple[str, np.ndarray]] = {}

    def storage(key: str, dtype: str, size: int) -> np.ndarray:
        # Its bytes follow the pickle: tensors are views of zeros until they are read.
        room = sum(values.size for _, values in made.values()) + size
        if room > file_size:
            raise ValueError(f"storage {quote(key)} declares {size} values")
        native = "f4" if dtype == "bfloat16" else dtype
        made[key] = dtype, np.zeros(size, native)
        return made[key][1]

    saved = unpickle(stream, storage)
    keys = unpickle(stream)
    if type(keys) is not list or sorted(map(str, keys)) != sorted(made):
        raise ValueError("another list of storages than its tensors use")
    for key in keys:
        dtype, values = made[key]
        size = int.from_bytes(stream.read(8), "little")
        if size != values.size:
            raise ValueError(
                f"storage {quote(key)} has {size} values, expected {values.size}"
            )
        data = stream.read(size * _stored(dtype).itemsize)
        # Storages of this format are little-endian on every machine.
        values[:] = _values(key, data, dtype, size, "<")
    return saved


def _stored(dtype: str) -> np.dtype:
    return np.dtype("u2" if dtype == "bfloat16" else dtype)


def _values(key: str, data: bytes, dtype: str, size: int, order: Any) -> np.ndarray:
    """Reads the bytes of a storage in the file's byte order, `<` or `>`."""
    stored = _stored(dtype)
    if len(data) != size * stored.itemsize:
        raise ValueError(
            f"storage {quote(key)} has {len(data)} bytes, expected "
            f"{size * stored.itemsize}"
        )
    values = np.frombuffer(data, stored.newbyteorder(order)).astype(stored)
    if dtype == "bfloat16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values
