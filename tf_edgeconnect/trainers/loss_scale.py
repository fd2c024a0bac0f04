"""Loss scales for float16: one an optimizer, and what that means for the log.

float16 loses small gradients, so a loss is multiplied by a scale before the gradient is
taken, and the gradient divided by it. Where a gradient overflows, its optimizer leaves
out the step and halves its scale; the other optimizer steps. That is no failure unless
it happens at a scale of 1 or less.
"""

import keras
import tensorflow as tf


def is_half(network: keras.Model) -> bool:
    """Returns whether a network computes in float16."""
    return network.compute_dtype == "float16"


def with_loss_scale(
    optimizer: keras.optimizers.Optimizer,
) -> keras.optimizers.LossScaleOptimizer:
    """Gives an optimizer a loss scale that starts at 2 ** 15, if it has none."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)


class LossScale:
    """The present scale of an optimizer; 1 of one without a loss scale.

    Args:
        optimizer: built.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        self._value = None
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            self._value = tf.identity(optimizer.dynamic_scale)

    def unscale(self, norm: tf.Tensor) -> tf.Tensor:
        """Divides a gradient's norm."""
        return norm if self._value is None else norm / self._value

    def without_overflow(self, norm: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gives a norm and its weight in the log: 0 where the step is left out."""
        if self._value is None:
            return norm, tf.ones(())
        overflown = (self._value > 1) & ~tf.math.is_finite(norm)
        return tf.where(overflown, 0.0, norm), tf.where(overflown, 0.0, 1.0)

    def results(self, name: str) -> dict:
        """Gives the scale for the log, nothing where there is none."""
        return {} if self._value is None else {name: self._value}


def same_on_all_replicas(
    optimizer: keras.optimizers.Optimizer, gradients: list
) -> list:
    """Lets an overflow on one replica be one on all of them.

    Keras 3.15 looks at each replica's own gradients, not at their sum.
    """
    context = tf.distribute.get_replica_context()
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if not scaled or context.num_replicas_in_sync == 1:
        return gradients
    finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
    bad = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.cast(~finite, tf.float32))
    return [tf.where(bad > 0, float("inf"), g) for g in gradients]
