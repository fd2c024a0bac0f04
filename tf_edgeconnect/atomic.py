"""Writes files and folders that are complete or absent.

What is written gets a hidden name beside its place and is renamed when it is complete,
so that a reader never sees half of it and a killed program leaves what was there.
"""

import contextlib
import glob
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PARTIAL = ".part"  # the ending of the hidden names
_TOKEN_BYTES = 4


@contextlib.contextmanager
def new_file(path: str | Path) -> Iterator[Path]:
    """Yields a path to write a file to, and renames that to `path` at the end.

    An existing file is replaced, unless the block raises. Missing folders are made.

    Raises:
        OSError: the file cannot be written or renamed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _hidden(path, path.name[:40])  # a file's name may have 255 bytes
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Writes a file in one go; see `new_file`."""
    with new_file(path) as partial:
        partial.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Writes a file of UTF-8 text in one go; see `new_file`."""
    write_bytes(path, text.encode("utf-8", errors="surrogateescape"))


def write_json(path: str | Path, content: Any, *, indent: int | None = 2) -> None:
    """Writes a JSON file in one go; see `new_file`."""
    write_text(path, json.dumps(content, indent=indent) + "\n")


@contextlib.contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Yields an empty folder to fill, and renames it to `path` at the end.

    An existing folder is replaced as a whole, unless the block or the renaming fails;
    one that a killed program had set aside is put back. What else such a program left
    for the same path is removed, so only one program at a time may write it.

    Raises:
        OSError: the folder cannot be made or renamed.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.with_name(f".{path.name}.old")
    if old.exists() and not path.exists():
        os.rename(old, path)
    any_token = "[0-9a-f]" * 2 * _TOKEN_BYTES
    lefts = path.parent.glob(f".{glob.escape(path.name)}.{any_token}{PARTIAL}")
    for left in (old, *lefts):
        shutil.rmtree(left, ignore_errors=True)
    partial = _hidden(path, path.name)
    partial.mkdir()
    try:
        yield partial
        if path.exists():
            os.rename(path, old)
        try:
            os.rename(partial, path)
        except BaseException:
            if old.exists():
                os.rename(old, path)
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _hidden(path: Path, name: str) -> Path:
    return path.with_name(f".{name}.{secrets.token_hex(_TOKEN_BYTES)}{PARTIAL}")
