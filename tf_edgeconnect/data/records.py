"""Photos as records of sharded TFRecord files, which large runs read faster than files.

A walk over the record headers finds where each record starts, so any record can be read
by itself, in any order, and a stream over them is as exact as one over files. That asks
for uncompressed files. Writing keeps the stored bytes of each photo, so training from
records gives the same pixels as training from their source.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_edgeconnect.atomic import new_folder
from tf_edgeconnect.data.images import decode, orient
from tf_edgeconnect.data.source import Encoded, ScanReport, Source
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.headers import MIN_SIDE, scan_files

# A record: length (8 bytes), its checksum (4), the content, its checksum (4).
_HEAD, _TAIL = 12, 4
_BUFFER = 1 << 17
_FILE_NAME = re.compile(r"\.tfrecords?(-|$)|-\d{5}-of-\d{5}$")
_THREADS = 8
_PHOTOS_A_ROUND = 64
_FORMATS = {b"\xff\xd8\xff": b"jpeg", b"\x89PNG": b"png", b"RIFF": b"webp"}


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
        self.files, self.places, self.keys = list(files), places, keys
        with tf.device("CPU:0"):
            self._files = tf.constant(self.files, tf.string)
            self._places = tf.constant(places, tf.int64)

    def __len__(self) -> int:
        return len(self.places)

    def name(self, index: int) -> str:
        """The name the record holds, or its file and offset."""
        file, offset = self.places[index]
        stored = _bytes(read_example(self.files[file], int(offset)), self.keys.name)
        return stored.decode(errors="replace") if stored else self.key(index)

    def key(self, index: int) -> str:
        """The record's file and offset, for which it need not be read."""
        file, offset = self.places[index]
        return f"{Path(self.files[file]).name} byte {offset}"

    def stored(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads one record: see `Source.stored`."""
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
        return features[self.keys.image], features[self.keys.orientation]

    def select(self, indices: np.ndarray) -> "RecordSource":
        """A source of some of the records."""
        return RecordSource(self.files, self.places[indices], self.keys, self.report)


def is_record_file(path: Path) -> bool:
    """Whether a path is a file with the name of a TFRecord file."""
    return bool(_FILE_NAME.search(path.name)) and path.is_file()


def list_record_files(folder: Path) -> list[Path]:
    """The TFRecord files directly in a folder, by name."""
    return sorted(filter(is_record_file, folder.glob("[!.]*")))


def open_records(
    files: Sequence[Path],
    where: str,
    cache: Path | None = None,
    keys: RecordKeys | None = None,
) -> RecordSource:
    """Opens the photos of TFRecord files.

    Args:
        files: uncompressed TFRecord files of `tf.train.Example`.
        where: the source as the user wrote it.
        cache: JSON file that keeps the places of the records.
        keys: names of the features; by default the photo is `image/encoded` or `image`
            and the names of `write_records` are used for the rest.

    Raises:
        InputError: there is no record, a file is no uncompressed TFRecord file, or its
            records hold no encoded photo.
    """
    walks = scan_files(files, _walk, cache)
    places = [(n, offset) for n, (offsets, _) in enumerate(walks) for offset in offsets]
    if not places:
        raise InputError(f"{where}: no records in {len(files)} TFRecord files")
    cut = tuple(
        (f"{file.name} last record", "cut off")
        for file, (_, is_cut) in zip(files, walks, strict=True)
        if is_cut
    )
    keys = keys or _find_keys(files[places[0][0]], places[0][1])
    report = ScanReport(len(places) + len(cut), cut)
    paths = [str(file.absolute()) for file in files]
    return RecordSource(paths, np.array(places, np.int64), keys, report)


def _walk(path: Path) -> tuple[list[int], bool]:
    """Offsets of a file's records, and whether its last one is cut off."""
    offsets: list[int] = []
    position, size = 0, os.path.getsize(path)
    with open(path, "rb", buffering=0) as file:
        while position < size:
            file.seek(position)
            end = position + _HEAD + int.from_bytes(file.read(8), "little") + _TAIL
            if end > size and offsets:
                return offsets, True
            if end > size:
                raise InputError(
                    f"{path}: not an uncompressed TFRecord file, or its first record "
                    "is cut off; write it without compression"
                )
            offsets.append(position)
            position = end
    return offsets, False


def read_example(path: str | Path, offset: int) -> tf.train.Example:
    """Reads the record of a TFRecord file that starts at a byte; checks no checksum."""
    with open(path, "rb") as file:
        file.seek(offset)
        length = int.from_bytes(file.read(8), "little")
        file.seek(offset + _HEAD)
        return tf.train.Example.FromString(file.read(length))


def _bytes(example: tf.train.Example, key: str) -> bytes:
    feature = example.features.feature
    values = feature[key].bytes_list.value if key in feature else ()
    return values[0] if values else b""


def _find_keys(path: Path, offset: int) -> RecordKeys:
    try:
        example = read_example(path, offset)
    except Exception as error:  # protobuf's DecodeError has no public place
        raise InputError(
            f"{path}: its records are not tf.train.Example messages: {error}"
        ) from error
    for key in (RecordKeys().image, "image"):
        if _bytes(example, key):
            return RecordKeys(image=key)
    present = ", ".join(sorted(example.features.feature)) or "none"
    raise InputError(
        f"{path}: its records contain no photo: expected a feature image/encoded or "
        f"image with the bytes of a JPEG, PNG, WebP or BMP file; features: {present}"
    )


def write_records(
    source: Source,
    folder: str | Path,
    shards: int = 8,
    *,
    name: str = "photos",
    short_side: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> ScanReport:
    """Writes the photos of a source as TFRecord files.

    Each record is a `tf.train.Example` with `image/encoded`, `image/format`,
    `image/filename`, `image/orientation`, `image/height` and `image/width` (as stored,
    before the orientation is applied). Photos are decoded once to check them; one that
    fails is left out. The same source gives the same bytes.

    Args:
        source: the photos.
        folder: written whole or not at all; must not exist, or be empty.
        shards: how many files; each holds a stretch of the source, in its order.
        name: files are called `name-00000-of-00008.tfrecord`.
        short_side: shrink larger photos, antialiased, to this short side in pixels and
            store them upright as PNG; None keeps the stored bytes.
        progress: called with the number of photos done.

    Returns:
        How many photos there were, and those left out with the reason.

    Raises:
        InputError: the folder holds something, shards is not from 1 to the number of
            photos, short_side is below 12, or no photo can be decoded.
    """
    folder, count = Path(folder), len(source)
    if not 1 <= shards <= count:
        raise InputError(
            f"shards must be from 1 to the number of photos, {count}, not {shards}"
        )
    if short_side is not None and short_side < MIN_SIDE:
        raise InputError(
            f"short_side must be at least {MIN_SIDE} pixels, not {short_side}"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not empty: choose another folder")
    left_out = []
    with new_folder(folder) as new:
        for shard in range(shards):
            stretch = range(count * shard // shards, count * (shard + 1) // shards)
            file = new / f"{name}-{shard:05d}-of-{shards:05d}.tfrecord"
            with tf.io.TFRecordWriter(str(file)) as writer:
                records = _encoded_records(source, stretch, short_side)
                for index, (record, reason) in zip(stretch, records, strict=True):
                    if reason:
                        left_out.append((source.name(index), reason))
                    else:
                        writer.write(record)
                    progress(index + 1)
        if len(left_out) == count:
            raise InputError(f"no photo can be decoded: {left_out[0]}")
    return ScanReport(count, tuple(left_out))


def _encoded_records(
    source: Source, stretch: range, short_side: int | None
) -> Iterator[tuple[bytes, str]]:
    """Yields each record, or why there is none, a few made at a time in parallel."""

    def encode(index: int) -> tuple[bytes, str]:
        try:
            stored = source.encoded(index)
            pixels = decode(tf.constant(stored.contents))
        except (tf.errors.OpError, OSError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0]
            return b"", reason.rpartition("}} ")[2]
        if short_side is not None and min(pixels.shape[:2]) > short_side:
            pixels = _shrunk(orient(pixels, stored.orientation), short_side)
            stored = Encoded(tf.io.encode_png(pixels).numpy())
        return photo_example(stored, source.name(index), *pixels.shape[:2]), ""

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(stretch), _PHOTOS_A_ROUND):
            yield from pool.map(encode, stretch[start : start + _PHOTOS_A_ROUND])


def _shrunk(pixels: tf.Tensor, short_side: int) -> tf.Tensor:
    scale = short_side / min(pixels.shape[:2])
    size = [round(side * scale) for side in pixels.shape[:2]]
    resized = tf.image.resize(pixels, size, method="bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def photo_example(stored: Encoded, name: str, height: int, width: int) -> bytes:
    """Serializes the record of one photo, as `write_records` describes.

    Args:
        stored: the content of the photo's file and its orientation.
        name: what to call it.
        height: of the stored pixels, before the orientation is applied.
        width: the same.

    Returns:
        A `tf.train.Example`; equal arguments give equal bytes.
    """
    starts = filter(stored.contents.startswith, _FORMATS)
    features = {
        "image/encoded": stored.contents,
        "image/filename": name.encode(errors="surrogateescape"),
        "image/format": _FORMATS.get(next(starts, b""), b"bmp"),
        "image/height": height,
        "image/orientation": stored.orientation,
        "image/width": width,
    }
    example = tf.train.Example()
    for key, value in features.items():
        feature = example.features.feature[key]
        values = feature.int64_list if isinstance(value, int) else feature.bytes_list
        values.value.append(value)
    # The order of a protobuf map is not fixed; deterministic output must be asked for.
    return example.SerializeToString(deterministic=True)
