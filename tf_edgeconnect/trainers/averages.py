"""Moving averages of the generators' weights."""

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf


class Averages:
    """One average beside each variable; none at all for a decay of 0.

    Args:
        variables: what is averaged.
        decay: of the averages, in [0, 1). The first steps average over fewer:
            min(decay, (1 + step) / (10 + step)).

    Raises:
        ValueError: if the decay is out of range.
    """

    def __init__(self, variables: list[keras.Variable], decay: float):
        if not 0 <= decay < 1:
            raise ValueError(f"`ema` must be at least 0 and below 1, got {decay}")
        self._decay = decay
        self._averaged = variables if decay else []
        self.variables = [_average_of(variable) for variable in self._averaged]

    def update(self, step: tf.Tensor) -> None:
        """Moves the averages towards the weights after `step` steps."""
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self._decay, (1 + step) / (10 + step))
        for variable, average in self._pairs():
            average.assign(average + (1 - decay) * (variable - average))

    def restart(self) -> None:
        """Sets the averages to the weights, which were loaded from elsewhere."""
        for variable, average in self._pairs():
            average.assign(keras.ops.convert_to_numpy(variable))

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Puts the averages in place of the weights for a while."""
        to_numpy = keras.ops.convert_to_numpy
        kept = [to_numpy(variable).copy() for variable in self._averaged]
        for variable, average in self._pairs():
            variable.assign(to_numpy(average))
        try:
            yield
        finally:
            for variable, value in zip(self._averaged, kept, strict=True):
                variable.assign(value)

    def _pairs(self):
        return zip(self._averaged, self.variables, strict=True)


def _average_of(variable):
    return keras.Variable(
        keras.ops.convert_to_numpy(variable),
        trainable=False,
        name=f"average_{variable.name}",
        aggregation="only_first_replica",  # equal on all replicas
    )
