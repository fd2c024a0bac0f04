"""Sources whose photos are records of TFRecord files.

A walk over the record headers finds where each record starts, so any record can be read
by itself, in any order, and a stream over them is as exact as one over files. That asks
for uncompressed files.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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
from tf_edgeconnect.photos.headers import cached_scan

# A record: length (8 bytes), its checksum (4), the content, its checksum (4).
_HEAD, _TAIL = 12, 4
_BUFFER = 1 << 17
_FILE_NAME = re.compile(r"\.tfrecords?(-|$)|-\d{5}-of-\d{5}$")


class RecordKeys(NamedTuple):
    """Names of an Example's features.

    Attributes:
        image: bytes of a JPEG, PNG, WebP or BMP file.
        orientation: EXIF orientation, 1 to 8; a record without it is upright.
        name: what to call the photo; a record without it is called by its place.
    """

    image: str = "image/encoded"
    orientation: str = "image/orientation"
    name: str = "image/filename"


class RecordSource(Source):
    """Photos that are records of TFRecord files.

    Args:
        files: uncompressed TFRecord files.
        places: int64 `(N, 2)`: number of the file, offset of the record in bytes.
        keys: names of the features.
        report: what the scan found.
    """

    def __init__(
        self,
        files: Sequence[str],
        places: np.ndarray,
        keys: RecordKeys,
        report: ScanReport,
    ):
        super().__init__(report)
        self.files = list(files)
        self.places = np.asarray(places, np.int64).reshape(-1, 2)
        self.keys = keys
        with tf.device("CPU:0"):
            self._files = tf.constant(self.files, tf.string)
            self._places = tf.constant(self.places, tf.int64)

    def __len__(self) -> int:
        return len(self.places)

    def name(self, index: int) -> str:
        """The name the record holds, or its file and offset."""
        stored = _bytes(self._example(index), self.keys.name)
        return stored.decode(errors="replace") if stored else self.key(index)

    def key(self, index: int) -> str:
        """The record's file and offset, for which it need not be read."""
        file, offset = self.places[index]
        return f"{Path(self.files[file]).name} byte {offset}"

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """Reads one record and decodes its photo: see `Source.read`."""
        file, offset = tf.unstack(self._places[index])
        # The public TFRecordDataset of TensorFlow 2.21 has no byte_offsets.
        records = tf.data.experimental.from_variant(
            tf.raw_ops.TFRecordDatasetV2(
                filenames=[self._files[file]],
                compression_type="",
                buffer_size=_BUFFER,
                byte_offsets=[offset],
            ),
            tf.TensorSpec((), tf.string),
        )
        features = tf.io.parse_single_example(
            records.take(1).get_single_element(),
            {
                self.keys.image: tf.io.FixedLenFeature((), tf.string),
                self.keys.orientation: tf.io.FixedLenFeature((), tf.int64, 1),
            },
        )
        image = decode(features[self.keys.image])
        return orient(image, features[self.keys.orientation])

    def encoded(self, index: int) -> Encoded:
        """The photo's bytes as the record holds them."""
        example = self._example(index)
        turned = example.features.feature[self.keys.orientation].int64_list.value
        return Encoded(_bytes(example, self.keys.image), turned[0] if turned else 1)

    def select(self, indices: np.ndarray) -> "RecordSource":
        """A source of some of the records."""
        return RecordSource(self.files, self.places[indices], self.keys, self.report)

    def _example(self, index: int) -> tf.train.Example:
        file, offset = self.places[index]
        return read_example(self.files[file], int(offset))


def list_record_files(folder: str | Path) -> list[Path]:
    """The TFRecord files directly in a folder, by name."""
    return sorted(
        path
        for path in Path(folder).iterdir()
        if is_record_file(path) and not path.name.startswith(".")
    )


def is_record_file(path: str | Path) -> bool:
    """Whether a path is a file with the name of a TFRecord file."""
    return bool(_FILE_NAME.search(Path(path).name)) and Path(path).is_file()


def open_records(
    files: Sequence[Path],
    where: str,
    cache: Path | None = None,
    max_bad_fraction: float = 0.01,
    keys: RecordKeys | None = None,
) -> RecordSource:
    """Opens the photos of TFRecord files.

    Args:
        files: uncompressed TFRecord files of `tf.train.Example`.
        where: the source as the user wrote it.
        cache: JSON file that keeps the places of the records.
        max_bad_fraction: the largest tolerated share of cut records, 0 to 1.
        keys: names of the features; by default the photo is `image/encoded` or `image`
            and the names of `records.write_records` are used for the rest.

    Raises:
        InputError: there is no record, a file is no uncompressed TFRecord file, or its
            records hold no encoded photo.
    """
    scans = cached_scan(cache, files, lambda: [_walk(file) for file in files])
    places, cut = [], []
    for number, (offsets, is_cut) in enumerate(scans):
        places += [(number, offset) for offset in offsets]
        if is_cut:
            cut.append((f"{files[number].name} last record", "cut off"))
    report = ScanReport(len(places) + len(cut), tuple(cut))
    if not report.found:
        raise InputError(f"{where}: no records in {len(files)} TFRecord files")
    check_unreadable(report, where, max_bad_fraction)
    if keys is None:
        number, offset = places[0]
        keys = _find_keys(files[number], offset)
    names = [str(file.absolute()) for file in files]
    return RecordSource(names, np.array(places), keys, report)


def _walk(path: Path) -> tuple[list[int], bool]:
    """Offsets of a file's records, and whether its last one is cut off."""
    offsets: list[int] = []
    position, size = 0, os.path.getsize(path)
    with open(path, "rb", buffering=0) as file:
        while position < size:
            file.seek(position)
            length = int.from_bytes(file.read(8), "little")
            end = position + _HEAD + length + _TAIL
            if end > size:
                if not offsets:
                    raise InputError(
                        f"{path}: not an uncompressed TFRecord file, or its first "
                        "record is cut off; write it without compression"
                    )
                return offsets, True
            offsets.append(position)
            position = end
    return offsets, False


def read_example(path: str | Path, offset: int) -> tf.train.Example:
    """Reads one record of an uncompressed TFRecord file.

    Args:
        path: the file.
        offset: where the record starts, in bytes.

    Returns:
        The record, whose checksums are not looked at.
    """
    with open(path, "rb") as file:
        file.seek(offset)
        length = int.from_bytes(file.read(8), "little")
        file.seek(offset + _HEAD)
        return tf.train.Example.FromString(file.read(length))


def _bytes(example: tf.train.Example, key: str) -> bytes:
    if key not in example.features.feature:
        return b""
    values = example.features.feature[key].bytes_list.value
    return values[0] if values else b""


def _find_keys(path: Path, offset: int) -> RecordKeys:
    try:
        example = read_example(path, offset)
    except Exception as error:  # protobuf's DecodeError has no public place
        raise InputError(
            f"{path}: its records are no tf.train.Example: {error}"
        ) from error
    for key in (RecordKeys().image, "image"):
        if _bytes(example, key):
            return RecordKeys(image=key)
    present = ", ".join(sorted(example.features.feature)) or "none"
    raise InputError(
        f"{path}: its records hold no photo: expected a feature image/encoded or "
        f"image with the bytes of a JPEG, PNG, WebP or BMP file; features: {present}"
    )
