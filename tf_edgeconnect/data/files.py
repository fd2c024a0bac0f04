"""Sources whose photos are files: a folder, or a list of paths."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.images import decode, orient
from tf_edgeconnect.data.source import (
    Encoded,
    ScanReport,
    Source,
    check_unreadable,
)
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.headers import Header, scan_headers

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


class FileSource(Source):
    """Photos that are files.

    Args:
        paths: the files, all readable.
        names: what to call them; as many.
        headers: their headers; as many.
        report: what the scan found.
    """

    def __init__(
        self,
        paths: Sequence[str],
        names: Sequence[str],
        headers: Sequence[Header],
        report: ScanReport,
    ):
        super().__init__(report)
        self.paths = list(paths)
        self.names = list(names)
        self.headers = list(headers)
        with tf.device("CPU:0"):
            # A file's name need not be UTF-8.
            self._paths = tf.constant([os.fsencode(path) for path in paths], tf.string)
            self._orientations = tf.constant(
                [header.orientation for header in headers], tf.int32
            )

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        """The path from the folder, or as it is listed."""
        return self.names[index]

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """Reads and decodes one file: see `Source.read`."""
        image = decode(tf.io.read_file(self._paths[index]))
        return orient(image, self._orientations[index])

    def encoded(self, index: int) -> Encoded:
        """The bytes of one file."""
        contents = Path(self.paths[index]).read_bytes()
        return Encoded(contents, self.headers[index].orientation)

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of the upright photo, pixels."""
        header = self.headers[index]
        if header.orientation >= 5:
            return header.width, header.height
        return header.height, header.width

    def select(self, indices: np.ndarray) -> "FileSource":
        """A source of some of the files."""
        return FileSource(
            [self.paths[i] for i in indices],
            [self.names[i] for i in indices],
            [self.headers[i] for i in indices],
            self.report,
        )


def list_photos(folder: str | Path) -> list[Path]:
    """Lists the photos of a folder and the folders in it.

    Hidden files and folders are left out; links are followed, each folder once.

    Args:
        folder: a folder.

    Returns:
        Paths ordered by their parts, so alike on every system.
    """
    found, seen = [], set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(parent, name)
            for name in files
            if name.lower().endswith(PHOTO_SUFFIXES) and not name.startswith(".")
        ]
    return sorted(found, key=lambda path: path.parts)


def open_folder(
    folder: str | Path, cache: Path | None = None, max_bad_fraction: float = 0.01
) -> FileSource:
    """Opens the photos of a folder, recursively.

    Args:
        folder: a folder.
        cache: JSON file that keeps the header scan.
        max_bad_fraction: the largest tolerated share of unreadable photos, 0 to 1.

    Raises:
        InputError: there is no photo, or too few are readable.
    """
    paths = list_photos(folder)
    if not paths:
        kinds = ", ".join(PHOTO_SUFFIXES)
        raise InputError(f"{folder}: no photos in this folder; expected {kinds} files")
    names = [path.relative_to(folder).as_posix() for path in paths]
    return _open(paths, names, str(folder), cache, max_bad_fraction)


def open_list(
    file: str | Path, cache: Path | None = None, max_bad_fraction: float = 0.01
) -> FileSource:
    """Opens the photos that a text file lists, one path a line.

    Args:
        file: text file; relative paths count from its folder, empty lines do not.
        cache: JSON file that keeps the header scan.
        max_bad_fraction: the largest tolerated share of unreadable photos, 0 to 1.

    Raises:
        InputError: the list is empty or no UTF-8 text, or too few are readable.
    """
    file = Path(file)
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(
            f"{file}: a list of photos must be UTF-8 text, one path a line"
        ) from None
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise InputError(f"{file}: the list is empty; expected one path a line")
    paths = [file.parent / name for name in names]
    return _open(paths, names, str(file), cache, max_bad_fraction)


def _open(
    paths: list[Path],
    names: list[str],
    where: str,
    cache: Path | None,
    max_bad_fraction: float,
) -> FileSource:
    headers = scan_headers(paths, cache)
    bad = [(n, h.reason) for n, h in zip(names, headers, strict=True) if h.reason]
    report = ScanReport(len(paths), tuple(bad))
    check_unreadable(report, where, max_bad_fraction)
    good = [i for i, header in enumerate(headers) if not header.reason]
    return FileSource(
        [str(paths[i].absolute()) for i in good],
        [names[i] for i in good],
        [headers[i] for i in good],
        report,
    )
