"""What every source of photos offers, and the order in which a stream shows them.

A source is a fixed, ordered list of photos. `read` turns an index into pixels inside a
TensorFlow graph; everything else is plain Python for the run around it.

Stream position `i` -> example is a pure function of the run's seed: the order of epoch
`i // n` is a permutation drawn from (seed, epoch), and every random choice of the
example comes from (seed, i). Hence a run continues exactly at any step without the
state of an iterator, and workers share a stream by taking every k-th position.
"""

import abc
import hashlib
from typing import NamedTuple, Self

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.images import decode, orient
from tf_edgeconnect.errors import InputError

# One tag a stream, so that validation is not shown the masks of training.
_TRAINING_TAG, _VALIDATION_TAG = 1, 2
_DRAW_TAG = 3


def check_seed(seed: int) -> int:
    """Returns the seed if TensorFlow's stateless ops can take it.

    Args:
        seed: the run's seed.

    Raises:
        InputError: it is no integer from 0 to 2**31 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise InputError(f"seed must be an integer from 0 to 2147483647, not {seed!r}")
    return seed


def shuffled_index(
    position: tf.Tensor, count: int, seed: int, attempt: tf.Tensor | int = 0
) -> tf.Tensor:
    """The example at a stream position, or the one that replaces it.

    Args:
        position: int64 scalar, place in the endless stream, from 0.
        count: how many examples the source has.
        seed: the run's seed, 0 to 2**31 - 1.
        attempt: how many candidates failed before; each moves on by one place in the
            order of the same epoch, wrapping at its end.

    Returns:
        int64 scalar, 0 to count - 1. Over one epoch with attempt 0 each comes once.
    """
    position = tf.cast(position, tf.int64)
    epoch, place = position // count, position % count
    place = (place + tf.cast(attempt, tf.int64)) % count
    return tf.random.experimental.index_shuffle(
        place, tf.stack([tf.constant(seed, tf.int64), epoch]), count - 1
    )


def example_seeds(
    position: tf.Tensor, seed: int, count: int, *, training: bool = True
) -> list[tf.Tensor]:
    """Independent seeds for the random choices of one example.

    Args:
        position: int64 scalar, place in the stream.
        seed: the run's seed, 0 to 2**31 - 1.
        count: how many seeds are wanted.
        training: which stream; the same position of the other has other seeds.

    Returns:
        `count` tensors, int32 `(2,)` each.
    """
    tag = _TRAINING_TAG if training else _VALIDATION_TAG
    return tf.unstack(tf.random.split(_fold(position, seed, tag), count))


def example_draw(position: tf.Tensor, seed: int) -> tf.Tensor:
    """One number for a choice that is left to the trainer, the same at each reading.

    Args:
        position: int64 scalar, place in the stream.
        seed: the run's seed, 0 to 2**31 - 1.

    Returns:
        float32 scalar, uniform in [0, 1), independent of `example_seeds`.
    """
    return tf.random.stateless_uniform((), _fold(position, seed, _DRAW_TAG))


def _fold(position: tf.Tensor, seed: int, tag: int) -> tf.Tensor:
    low = tf.cast(position % 2**31, tf.int32)
    high = tf.cast(position // 2**31, tf.int32)
    fold = tf.random.experimental.stateless_fold_in
    return fold(fold(tf.constant([seed, tag], tf.int32), high), low)


class ScanReport(NamedTuple):
    """What the scan of a source found.

    Attributes:
        found: how many photos were there, readable or not.
        unreadable: (name, reason) of each photo that was left out.
    """

    found: int
    unreadable: tuple[tuple[str, str], ...] = ()


class Encoded(NamedTuple):
    """One photo as it is stored.

    Attributes:
        contents: the bytes of a JPEG, PNG, WebP or BMP file.
        orientation: EXIF orientation still to be applied, 1 to 8.
    """

    contents: bytes
    orientation: int = 1


class Source(abc.ABC):
    """A fixed list of photos, and the report of the scan that made it."""

    def __init__(self, report: ScanReport):
        self.report = report

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many photos there are; at least one."""

    @abc.abstractmethod
    def name(self, index: int) -> str:
        """The name of one photo, as a person would look for it."""

    @abc.abstractmethod
    def stored(self, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads the stored bytes of one photo, inside a graph or eagerly.

        Args:
            index: int64 scalar, 0 to len - 1.

        Returns:
            The bytes, a string, and the EXIF orientation still to be applied.
        """

    def read(self, index: tf.Tensor) -> tf.Tensor:
        """Reads and decodes one photo inside a graph.

        Args:
            index: int64 scalar, 0 to len - 1.

        Returns:
            uint8 `(H, W, 3)`, RGB, upright.

        Raises:
            tf.errors.OpError: the photo cannot be decoded.
        """
        contents, orientation = self.stored(index)
        return orient(decode(contents), orientation)

    def encoded(self, index: int) -> Encoded:
        """Returns the stored bytes of one photo, not decoded."""
        contents, orientation = self.stored(tf.constant(index, tf.int64))
        return Encoded(contents.numpy(), int(orientation))

    @abc.abstractmethod
    def select(self, indices: np.ndarray) -> Self:
        """A source of the photos at `indices`, int `(K,)`, in that order."""

    def key(self, index: int) -> str:
        """What `split` tells photos apart by; cheap, and kept when others join."""
        return self.name(index)

    def fingerprint(self) -> str:
        """A hash of which photos there are and in what order, by their keys."""
        keys = "".join(f"{self.key(index)}\n" for index in range(len(self)))
        return hashlib.sha256(keys.encode(errors="surrogateescape")).hexdigest()

    def split(self, fraction: float, seed: int) -> tuple["Source", "Source"]:
        """Divides the photos into two sources without common photos.

        The side of a photo follows from its name and the seed, not from its place in
        the list, so photos that join later hardly move the others.

        Args:
            fraction: share of the photos held out, above 0 and below 1.
            seed: of the draw.

        Returns:
            (training, held out): sources in the order of this one, each with at least
            one photo.

        Raises:
            InputError: there is only one photo, or fraction is out of range.
        """
        if not 0 < fraction < 1:
            raise InputError(
                f"fraction to hold out must be above 0 and below 1, not {fraction}"
            )
        count = len(self)
        if count < 2:
            raise InputError(
                f"cannot hold out photos: the source has only {self.name(0)}; "
                "give a separate source for validation"
            )

        def draw(index: int) -> bytes:
            text = f"{seed}\n{self.key(index)}"
            return hashlib.sha256(text.encode(errors="surrogateescape")).digest()

        drawn = np.array(sorted(range(count), key=draw))
        held = min(max(1, round(count * fraction)), count - 1)
        return self.select(np.sort(drawn[held:])), self.select(np.sort(drawn[:held]))

    def skipped_names(self, position: int, skipped: int, seed: int) -> list[str]:
        """Names the photos that failed at full decode before a stream position's own.

        Args:
            position: the batch's `position` of the example.
            skipped: the batch's `skipped` of the example.
            seed: the seed the training dataset was built with.
        """
        return [
            self.name(int(shuffled_index(position, len(self), seed, attempt)))
            for attempt in range(skipped)
        ]
