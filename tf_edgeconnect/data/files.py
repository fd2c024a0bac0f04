"""Sources whose photos are files: a folder, or a list of paths."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.images import decode, orient
from tf_edgeconnect.data.kept import (
    Scanned,
    file_names,
    look_at_photo,
    scan,
    scan_folder,
)
from tf_edgeconnect.data.source import Encoded, ScanReport, Source
from tf_edgeconnect.errors import InputError

LIST_SUFFIXES = (".txt", ".flist")


class FileSource(Source):
    """Photos that are files.

    Args:
        names: what to call them.
        files: what the scan found out about them; as many, all readable.
        report: what the scan found.
    """

    def __init__(
        self, names: Sequence[str], files: Sequence[Scanned], report: ScanReport
    ):
        super().__init__(report)
        self.names, self.files = list(names), list(files)
        self._paths = file_names(files)
        with tf.device("CPU:0"):
            turned = [each.orientation for each in files]
            self._orientations = tf.constant(turned, tf.int32)

    def __len__(self) -> int:
        return len(self.files)

    def name(self, index: int) -> str:
        """The path from the folder, or as it is listed."""
        return self.names[index]

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """Reads and decodes one file: see `Source.read`."""
        image = decode(tf.io.read_file(self._paths[index]))
        return orient(image, self._orientations[index])

    def encoded(self, index: int) -> Encoded:
        """The bytes of one file."""
        found = self.files[index]
        return Encoded(Path(found.file).read_bytes(), found.orientation)

    def select(self, indices: np.ndarray) -> "FileSource":
        """A source of some of the files."""
        names = [self.names[i] for i in indices]
        return FileSource(names, [self.files[i] for i in indices], self.report)


def open_folder(folder: Path, cache: Path | None) -> FileSource:
    """Opens the photos of a folder, recursively."""
    paths, files = zip(*scan_folder(folder, look_at_photo, cache), strict=True)
    return _readable([path.relative_to(folder).as_posix() for path in paths], files)


def open_list(file: Path, cache: Path | None) -> FileSource:
    """Opens the photos that a text file lists; relative paths count from its folder."""
    names = read_list(file)
    paths = [file.parent / name for name in names]
    return _readable(names, scan(paths, look_at_photo, cache))


def read_list(file: Path) -> list[str]:
    """Reads a list of paths, one a line; empty lines do not count.

    Raises:
        InputError: the list is empty or no UTF-8 text.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(
            f"{file}: a list of photos must be UTF-8 text, one path a line"
        ) from None
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise InputError(f"{file}: the list is empty; expected one path a line")
    return names


def _readable(names: Sequence[str], files: Sequence[Scanned]) -> FileSource:
    found = list(zip(names, files, strict=True))
    bad = tuple((name, each.reason) for name, each in found if each.reason)
    good = [(name, each) for name, each in found if not each.reason]
    return FileSource(
        [name for name, _ in good],
        [each for _, each in good],
        ScanReport(len(names), bad),
    )
