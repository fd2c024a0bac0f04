"""Accumulation, loss scales and moving averages for a training step.

Batches in parts (`accumulate`), which come to the gradient of the whole only if what a
loss divides by is of the whole batch. Loss scales for float16, which loses small
gradients: a loss is multiplied by a scale before its gradient is taken. Where that
overflows, its optimizer leaves out the step and halves the scale, which is no failure
unless the scale is 1 or less. Moving averages of the generators' weights.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from tf_edgeconnect.models.discriminators import patch_shares

# ---- Batches in parts ----


def with_batch_figures(batch: dict, *, patches: bool = False) -> dict:
    """Adds the statistics of the whole batch that the losses need, if missing.

    Args:
        batch: see `AdversarialTrainer`.
        patches: whether a loss weighs a discriminator's patches.

    Returns:
        The batch with `hole_share`, the mean of the mask over the batch of all
        replicas, with `patches` also `patch_share`, that of `patch_shares`, and, where
        it has draws, `place`, the first of them.
    """
    if "hole_share" in batch:
        return batch
    figures = {"hole_share": _global_mean(batch["mask"])}
    if patches:
        figures["patch_share"] = _global_mean(patch_shares(batch["mask"]))
    if "draw" in batch:
        figures["place"] = batch["draw"][0]
    return {**batch, **figures}


def _global_mean(values: tf.Tensor) -> tf.Tensor:
    mean = tf.reduce_mean(values)
    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync > 1:
        mean = context.all_reduce(tf.distribute.ReduceOp.MEAN, mean)
    return mean


def split(batch: dict, parts: int) -> Callable[[tf.Tensor], dict]:
    """Cuts a batch into equal parts.

    Args:
        batch: tensors `(B, ...)`, and scalars, which belong to every part.
        parts: a divisor of B.

    Returns:
        A function from the index of a part to its examples.

    Raises:
        ValueError: if B is known and does not divide.
    """
    shared, cut = {}, {}
    for name, value in batch.items():
        value = tf.convert_to_tensor(value)
        if value.shape.rank == 0:
            shared[name] = value
            continue
        size = value.shape[0]
        if size is not None and size % parts:
            raise ValueError(
                f"a batch of {size} cannot be split into {parts} equal parts"
            )
        cut[name] = tf.reshape(value, (parts, -1, *value.shape[1:]))
    return lambda index: {**shared, **{k: v[index] for k, v in cut.items()}}


def sum_over_parts(
    function: Callable[[dict], Any], batch: dict, parts: int, zeros: Any
) -> Any:
    """Sums what a function returns for each part of a batch, one part after the other.

    Args:
        function: from a part to tensors, in any nest.
        batch: see `split`.
        parts: see `split`.
        zeros: the nest of the function, of zeros.
    """
    part_of = split(batch, parts)

    def add(index, sums):
        found = function(part_of(index))
        return index + 1, tf.nest.map_structure(tf.add, sums, found)

    _, sums = tf.while_loop(
        lambda index, _: index < parts,
        add,
        (tf.constant(0), zeros),
        parallel_iterations=1,
        maximum_iterations=parts,
    )
    return sums


def refine_spectral_norms(network: keras.Model) -> None:
    """Takes one power iteration in each spectral norm of a network."""
    for layer in network.layers:
        if hasattr(layer, "normalized_kernel"):
            layer.normalized_kernel(training=True)


# ---- Loss scales ----


class LossScale:
    """The current loss scale of an optimizer; 1 if it has none."""

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        self._value = None
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            self._value = tf.identity(optimizer.dynamic_scale)

    def unscale(self, norm: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the norm of a loss's gradient, and its weight in the log.

        Both are 0 if the optimizer skips the step.
        """
        if self._value is None:
            return norm, tf.ones(())
        norm /= self._value
        overflown = (self._value > 1) & ~tf.math.is_finite(norm)
        return tf.where(overflown, 0.0, norm), tf.where(overflown, 0.0, 1.0)

    def results(self, name: str) -> dict:
        """Returns the scale for the log; empty if there is none."""
        return {} if self._value is None else {name: self._value}


def same_on_all_replicas(
    optimizer: keras.optimizers.Optimizer, gradients: list
) -> list:
    """Propagates an overflow on one replica to all of them.

    Keras 3.15 looks at each replica's own gradients, not at their sum.
    """
    context = tf.distribute.get_replica_context()
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if not scaled or context.num_replicas_in_sync == 1:
        return gradients
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
    bad = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(~finite, tf.float32))
    return [tf.where(bad > 0, float("inf"), g) for g in gradients]


# ---- Moving averages ----


class Averages:
    """A moving average of each variable; none for a decay of 0.

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
        self.variables = [
            keras.Variable(
                keras.ops.convert_to_numpy(variable),
                trainable=False,
                name=f"average_{variable.name}",
                aggregation="only_first_replica",  # equal on all replicas
            )
            for variable in self._averaged
        ]

    def pairs(self) -> Iterator[tuple[keras.Variable, keras.Variable]]:
        """Yields each variable with its average."""
        return zip(self._averaged, self.variables, strict=True)

    def update(self, step: tf.Tensor) -> None:
        """Moves the averages towards the weights after `step` steps."""
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self._decay, (1 + step) / (10 + step))
        for variable, average in self.pairs():
            average.assign(average + (1 - decay) * (variable - average))

    def restart(self) -> None:
        """Sets the averages to the weights, which were loaded from elsewhere."""
        for variable, average in self.pairs():
            average.assign(keras.ops.convert_to_numpy(variable))

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Replaces the weights by their averages inside the block."""
        to_numpy = keras.ops.convert_to_numpy
        kept = [to_numpy(variable).copy() for variable in self._averaged]
        for variable, average in self.pairs():
            variable.assign(to_numpy(average))
        try:
            yield
        finally:
            for variable, value in zip(self._averaged, kept, strict=True):
                variable.assign(value)
