"""Writes a source as sharded TFRecord files, which large runs read faster than files.

The stored bytes of each photo are kept as they are, so training from records gives the
same pixels as training from the source. `open_source` reads the folder back.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from tf_edgeconnect.atomic import new_folder
from tf_edgeconnect.data.images import decode, orient
from tf_edgeconnect.data.source import Encoded, ScanReport, Source
from tf_edgeconnect.errors import InputError

_THREADS = 8
_PHOTOS_A_ROUND = 64
_FORMATS = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG", "png"), (b"RIFF", "webp"))


class _Photo(NamedTuple):
    name: str
    example: bytes
    problem: str = ""


def write_records(
    source: Source,
    folder: str | Path,
    shards: int = 8,
    *,
    name: str = "photos",
    short_side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
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
        progress: called with (photos done, photos in all) now and then.

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
    if short_side is not None and short_side < 12:
        raise InputError(f"short_side must be at least 12 pixels, not {short_side}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not empty: choose another folder")
    left_out = []
    with new_folder(folder) as partial:
        for shard in range(shards):
            start, stop = (count * s // shards for s in (shard, shard + 1))
            file = partial / f"{name}-{shard:05d}-of-{shards:05d}.tfrecord"
            with tf.io.TFRecordWriter(str(file)) as writer:
                for done, photo in enumerate(
                    _photos(source, start, stop, short_side), start + 1
                ):
                    if photo.problem:
                        left_out.append((photo.name, photo.problem))
                    else:
                        writer.write(photo.example)
                    if progress is not None and (done == stop or done % 16 == 0):
                        progress(done, count)
        if len(left_out) == count:
            raise InputError(f"no photo can be decoded: {left_out[0]}")
    return ScanReport(count, tuple(left_out))


def _photos(
    source: Source, start: int, stop: int, short_side: int | None
) -> Iterator[_Photo]:
    """The photos of a stretch in order, a few at a time in parallel."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for first in range(start, stop, _PHOTOS_A_ROUND):
            indices = range(first, min(first + _PHOTOS_A_ROUND, stop))
            yield from pool.map(lambda i: _photo(source, i, short_side), indices)


def _photo(source: Source, index: int, short_side: int | None) -> _Photo:
    name = source.name(index)
    try:
        stored = source.encoded(index)
        pixels = decode(tf.constant(stored.contents))
    except (tf.errors.OpError, OSError) as error:
        problem = str(getattr(error, "message", error)).splitlines()[0]
        return _Photo(name, b"", problem.rpartition("}} ")[2])
    if short_side is not None and min(pixels.shape[:2]) > short_side:
        pixels = _shrunk(orient(pixels, stored.orientation), short_side)
        stored = Encoded(tf.io.encode_png(pixels).numpy())
    height, width, _ = pixels.shape
    return _Photo(name, photo_example(stored, name, height, width))


def _shrunk(pixels: tf.Tensor, short_side: int) -> tf.Tensor:
    scale = short_side / min(pixels.shape[:2])
    size = [round(side * scale) for side in pixels.shape[:2]]
    resized = tf.image.resize(pixels, size, method="bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def photo_example(stored: Encoded, name: str, height: int, width: int) -> bytes:
    """Makes the record of one photo, as `write_records` describes.

    Args:
        stored: the content of the photo's file and its orientation.
        name: what to call it.
        height: of the stored pixels, before the orientation is applied.
        width: the same.

    Returns:
        A serialized `tf.train.Example`; equal arguments give equal bytes.
    """
    kinds = [kind for head, kind in _FORMATS if stored.contents.startswith(head)]

    def text(value: bytes) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def number(value: int) -> tf.train.Feature:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    features = {
        "image/encoded": text(stored.contents),
        "image/filename": text(name.encode(errors="surrogateescape")),
        "image/format": text((kinds or ["bmp"])[0].encode()),
        "image/height": number(height),
        "image/orientation": number(stored.orientation),
        "image/width": number(width),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    # The order of a protobuf map is not fixed; deterministic output must be asked for.
    return example.SerializeToString(deterministic=True)
