"""What stands at a place of the endless stream of examples.

Stream position `i` -> example is a pure function of the run's seed: the order of epoch
`i // n` is a permutation drawn from (seed, epoch), and every random choice of the
example comes from (seed, i). Hence a run continues exactly at any step without the
state of an iterator, and workers share a stream by taking every k-th position.
"""

import tensorflow as tf

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
