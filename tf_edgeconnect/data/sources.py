"""From what a user writes to a source of photos: a folder, a list, records, samples.

`open_source` scans once, in Python, before training: it fixes the list of photos and
its order, and leaves out what its header shows to be unusable.
"""

import glob
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.kept import (
    Scanned,
    file_names,
    look_at_photo,
    scan,
    scan_folder,
)
from tf_edgeconnect.data.records import (
    is_record_file,
    list_record_files,
    open_records,
)
from tf_edgeconnect.data.samples import Part, SampleSource
from tf_edgeconnect.data.source import ScanReport, Source
from tf_edgeconnect.data.tfds import INFO_FILE, open_tfds
from tf_edgeconnect.errors import InputError


def open_source(
    spec: str | Path,
    cache: str | Path | None = None,
    max_bad_fraction: float = 0.01,
    *,
    download: bool = True,
) -> Source:
    """Opens a source of photos.

    Args:
        spec: one of
            a folder of photos, searched recursively;
            a `.txt` or `.flist` file of paths;
            a TFRecord file, a folder of them, or a pattern such as
            `photos-*.tfrecord`, uncompressed;
            `tfds:NAME`, a dataset of TensorFlow Datasets, or a directory prepared by
            it, each with `/SPLIT` or without (see `tfds.open_tfds`);
            `sample:` or `sample:held-out`, regions of the photos inside scikit-image.
        cache: JSON file that keeps the scan; it is used again while the paths, sizes
            and modification times of all files stay the same. Photos that TensorFlow
            cannot decode are kept beside it.
        max_bad_fraction: the largest tolerated share of unreadable photos, 0 to 1.
        download: whether a dataset of TensorFlow Datasets that is not there yet is
            downloaded.

    Returns:
        The readable photos, in a fixed order.

    Raises:
        NotDownloaded: the dataset is not there yet, and `download` is false.
        InputError: the source is missing, empty or of no known kind, or too many of
            its photos cannot be read.

    Example:
        >>> source = open_source("photos/")
        >>> len(source), source.name(0), source.report.unreadable
    """
    source = _open(str(spec), None if cache is None else Path(cache), download)
    found, unreadable = source.report
    bad = len(unreadable)
    if bad > max_bad_fraction * found or bad == found:
        first = "; ".join(f"{name} ({reason})" for name, reason in unreadable[:3])
        more = f"; and {bad - 3} more" if bad > 3 else ""
        raise InputError(
            f"{spec}: {bad} of {found} photos cannot be read, and at most "
            f"{max_bad_fraction:.2%} are tolerated: {first}{more}; repair or remove "
            "them, or raise data.max_bad_fraction"
        )
    return source


def _open(spec: str, cache: Path | None, download: bool) -> Source:
    if spec.startswith("sample:"):
        return SampleSource(cast(Part, spec.removeprefix("sample:") or "train"))
    if spec.startswith("tfds:"):
        return open_tfds(spec.removeprefix("tfds:"), cache, download=download)
    path = Path(spec).expanduser()
    if (path / INFO_FILE).is_file():
        return open_tfds(str(path.absolute()), cache)
    if path.is_dir():
        records = list_record_files(path)
        return (
            open_records(records, spec, cache) if records else open_folder(path, cache)
        )
    if path.is_file() and path.suffix.lower() in LIST_SUFFIXES:
        return open_list(path, cache)
    if is_record_file(path):
        return open_records([path], spec, cache)
    if path.exists():
        raise InputError(
            f"{spec}: not a source of photos; expected a folder, a .txt or .flist list "
            "of paths, a TFRecord file, tfds:NAME or sample:"
        )
    if not glob.has_magic(spec):
        raise InputError(f"{spec}: no such file or folder; expected a source of photos")
    records = [Path(name) for name in sorted(glob.glob(str(path)))]
    if not records:
        raise InputError(f"{spec}: no TFRecord file matches this pattern")
    return open_records(records, spec, cache)


def open_both(
    train: str,
    val: str | None,
    val_fraction: float,
    seed: int,
    scan: Callable[[str, str], Source],
) -> tuple[Source, Source, str]:
    """Opens the photos for training and those held out from it.

    Args:
        train: what `open_source` takes.
        val: the same for validation; None holds some of `train` out.
        val_fraction: share of `train` held out, 0 for none.
        seed: of the draw.
        scan: opens a source, given what `open_source` takes and "train" or "val".

    Returns:
        The two sources, and in words where the second came from.

    Raises:
        InputError: as `open_source` and `Source.split`.
    """
    training = scan(train, "train")
    if val is not None:
        return training, scan(val, "val"), val
    if train == "sample:":
        # Too few photos to hold some out: other regions of the same ones.
        return training, scan("sample:held-out", "val"), "other regions of the same"
    if val_fraction == 0:
        how = "none held out: the same photos (data.val_fraction=0)"
        return training, training, how
    return *training.split(val_fraction, seed), f"held out of {train}"


LIST_SUFFIXES = (".txt", ".flist")


class FileSource(Source):
    """Photos that are files.

    Args:
        files: name of each, and what the scan found out about it; all readable.
        report: what the scan found.
    """

    def __init__(self, files: Sequence[tuple[str, Scanned]], report: ScanReport):
        super().__init__(report)
        self.files = list(files)
        self._paths = file_names([found for _, found in files])
        with tf.device("CPU:0"):
            turned = [found.orientation for _, found in files]
            self._orientations = tf.constant(turned, tf.int32)

    def __len__(self) -> int:
        return len(self.files)

    def name(self, index: int) -> str:
        """The path from the folder, or as it is listed."""
        return self.files[index][0]

    def stored(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads one file: see `Source.stored`."""
        return tf.io.read_file(self._paths[index]), self._orientations[index]

    def select(self, indices: np.ndarray) -> "FileSource":
        """A source of some of the files."""
        return FileSource([self.files[i] for i in indices], self.report)


def open_folder(folder: Path, cache: Path | None) -> FileSource:
    """Opens the photos of a folder, recursively."""
    images = scan_folder(folder, look_at_photo, cache)
    return _readable([(p.relative_to(folder).as_posix(), found) for p, found in images])


def open_list(file: Path, cache: Path | None) -> FileSource:
    """Opens the photos that a text file lists; relative paths count from its folder."""
    names = read_list(file)
    scanned = scan([file.parent / name for name in names], look_at_photo, cache)
    return _readable(list(zip(names, scanned, strict=True)))


def read_list(file: Path) -> list[str]:
    """Reads a list of paths, one a line; empty lines do not count.

    Raises:
        InputError: the list is empty or no UTF-8 text.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(
            f"{file}: a list of photos must be UTF-8 text, one path per line"
        ) from None
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise InputError(f"{file}: the list is empty; expected one path per line")
    return names


def _readable(files: list[tuple[str, Scanned]]) -> FileSource:
    bad = tuple((name, found.reason) for name, found in files if found.reason)
    good = [(name, found) for name, found in files if not found.reason]
    return FileSource(good, ScanReport(len(files), bad))
