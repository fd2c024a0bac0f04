"""Reads PyTorch checkpoints without PyTorch and without running anything in them.

Enters: a `.pth` file, either today's zip of a pickle and raw storages (PyTorch 1.6 and
later) or the older run of pickles followed by storages (up to PyTorch 1.5, the format
of 2019). Leaves: the dictionary that was saved, its tensors as NumPy arrays. Only
tensors, storages, dictionaries, lists, tuples, numbers and strings are admitted;
everything else is refused by name (`pickles.py`, `tensors.py`). It needs NumPy alone.
"""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

from tf_edgeconnect.conversion.pickles import (
    Damaged,
    Refused,
    RestrictedUnpickler,
    quote,
)
from tf_edgeconnect.conversion.tensors import (
    REBUILD,
    STORAGE_DTYPES,
    Arrays,
    Storage,
    Whole,
    legacy_storage,
    zip_storage,
)
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
        InputError: no checkpoint, a damaged one, or one that holds more than data.
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
    except Damaged as damaged:
        raise InputError(
            f"{path}: a damaged or truncated checkpoint, copy or download it again: "
            f"{damaged}"
        ) from damaged
    except Refused as refused:
        raise InputError(
            f"{path}: refused (nothing in it was run): a checkpoint may hold tensors "
            f"and plain values only; found: {refused}"
        ) from refused
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
    try:
        with zipfile.ZipFile(file) as archive:
            return _read_archive(archive, file_size)
    except (
        zipfile.BadZipFile,
        EOFError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        raise Damaged(f"a broken zip ({quote(error)})") from error


def _read_archive(archive: zipfile.ZipFile, file_size: int) -> Any:
    entries = {entry.filename: entry for entry in archive.infolist()}
    pickled = [name for name in entries if name.split("/")[-1] == "data.pkl"]
    if len(pickled) != 1:
        raise Damaged("a zip without one `data.pkl`")
    folder = pickled[0].removesuffix("data.pkl")
    left = file_size  # honest entries do not overlap, so all together fit the file

    def take(name: str, limit: int) -> bytes:
        nonlocal left
        if folder + name not in entries:
            raise Damaged(f"no entry {quote(folder + name)} in the zip")
        entry = entries[folder + name]
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise Refused(f"a compressed or encrypted zip entry {quote(folder + name)}")
        if entry.file_size != entry.compress_size or entry.file_size > min(limit, left):
            size = entry.file_size
            raise Refused(
                f"a zip entry {quote(folder + name)} that declares {size} bytes"
            )
        left -= entry.file_size
        return archive.read(entry)

    stream = io.BytesIO(take("data.pkl", _PICKLE_LIMIT))
    order = take("byteorder", 16) if folder + "byteorder" in entries else b"little"
    if order not in (b"little", b"big"):
        raise Refused(f"a byte order of {quote(order)}")
    saved = _unpickle(stream, zip_storage)
    byte_order: Literal["<", ">"] = "<" if order == b"little" else ">"
    return Arrays(lambda key: take(f"data/{key}", file_size), byte_order).fill(saved)


def _read_legacy(data: IO[bytes], file_size: int) -> Any:
    _unpickle(data, None)  # the magic number, seen already
    version = _unpickle(data, None)
    if version != _LEGACY_VERSION:
        raise Refused(f"a file version of {quote(version)}, not {_LEGACY_VERSION}")
    _unpickle(data, None)  # sizes of C types on the writer's machine: not used
    wholes: dict[str, Whole] = {}

    def persistent(found: Any) -> Storage:
        storage = legacy_storage(found)
        wholes[storage.key] = storage.whole
        return storage

    saved = _unpickle(data, persistent)
    keys = _unpickle(data, None)
    if type(keys) is not list or not all(type(key) is str for key in keys):
        raise Damaged("no list of its storages")
    found: dict[str, bytes] = {}
    for key in keys:
        if key not in wholes:
            raise Refused(f"a storage {quote(key)} that no tensor uses")
        head = data.read(8)
        if len(head) < 8:
            raise Damaged(f"it ends before storage {quote(key)}")
        size = int.from_bytes(head, "little")
        if size != wholes[key].size:
            raise Damaged(
                f"storage {quote(key)} has {size} values, expected {wholes[key].size}"
            )
        found[key] = data.read(min(wholes[key].nbytes(), file_size))

    def read(key: str) -> bytes:
        if key not in found:
            raise Damaged(f"storage {quote(key)} is missing")
        return found[key]

    # This format is little-endian on every machine, whatever its header says.
    return Arrays(read, "<").fill(saved)


def _unpickle(stream: IO[bytes], persistent: Callable[[Any], Any] | None) -> Any:
    names = frozenset(STORAGE_DTYPES)
    return RestrictedUnpickler(stream, REBUILD, names, persistent).load()
