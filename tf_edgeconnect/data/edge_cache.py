"""Canny's edges of whole examples, kept in files: later epochs read them.

One file a photo, a bit a pixel. Kept are the edges of the square before it is mirrored:
Canny knows no left and right, so the mirrored square has the mirrored edges, bit for
bit. A file that a stop has cut short is made again.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError

_BITS = np.array([1, 2, 4, 8, 16, 32, 64, 128], np.uint8)
_FILES_A_FOLDER = 1000
_PATTERN_CHARACTERS = set("*?[]\\")


def kept_edges(
    folder: str | Path,
    index: tf.Tensor,
    size: int,
    find: Callable[[], tf.Tensor],
) -> tf.Tensor:
    """The edges of a photo's square: read, or found and written.

    Args:
        folder: of the files; what they hang on, the photos among it, is in its name.
        index: int64 scalar, of the photo.
        size: side of the square, pixels, a multiple of 4.
        find: gives the edges, float32 `(size, size, 1)`, {0, 1}.

    Returns:
        float32 `(size, size, 1)`, as `find` gives it.

    Raises:
        InputError: the folder's path would be taken for a pattern.
    """
    if _PATTERN_CHARACTERS & set(str(folder)):
        raise InputError(
            f"data.cache_edges keeps files in {folder}, whose path must not hold any "
            "of * ? [ ] \\"
        )
    place = [str(folder), index // _FILES_A_FOLDER, index % _FILES_A_FOLDER]
    path = tf.strings.join([tf.strings.as_string(part) for part in place], "/")
    # Graphs have no other way to ask whether a file is there.
    there = tf.size(tf.io.matching_files(path)) > 0
    contents = tf.cond(there, lambda: tf.io.read_file(path), lambda: tf.constant(""))
    whole = _file_bytes(size)

    def read() -> tf.Tensor:
        packed = tf.io.parse_tensor(contents, tf.uint8)
        bits = tf.bitwise.bitwise_and(packed[:, None], _BITS) > 0
        return tf.reshape(tf.cast(bits, tf.float32), (size, size, 1))

    def make() -> tf.Tensor:
        edges = find()
        bits = tf.reshape(tf.cast(edges, tf.uint8), (-1, len(_BITS))) * _BITS
        packed = tf.reduce_sum(bits, axis=1)
        write = tf.io.write_file(path, tf.io.serialize_tensor(packed))
        with tf.control_dependencies([write]):
            return tf.identity(edges)

    return tf.cond(tf.equal(tf.strings.length(contents), whole), read, make)


def cache_bytes(count: int, size: int) -> int:
    """Returns how many bytes the files of some photos hold at most.

    Args:
        count: of photos.
        size: side of the squares, pixels.
    """
    return count * _file_bytes(size)


def _file_bytes(size: int) -> int:
    with tf.init_scope():
        packed = tf.zeros([size * size // 8], tf.uint8)
        return len(tf.io.serialize_tensor(packed).numpy())
