"""A batch in parts: what each part needs of the whole, and how it is cut.

With `accumulate` a step takes its batch in parts, which come to the same gradient as
the whole only if nothing in a loss is of the part alone: the share of hole that L1 is
divided by and the place that VGG looks at are those of the whole batch.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from tf_edgeconnect.models.discriminators import patch_shares


def with_batch_figures(batch: dict, *, patches: bool = False) -> dict:
    """Adds what the losses need to know of the whole batch, if it is not there yet.

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


def refine_spectral_norms(network: keras.Model) -> None:
    """Takes one power iteration in each spectral norm of a network."""
    for layer in network.layers:
        if hasattr(layer, "normalized_kernel"):
            layer.normalized_kernel(training=True)


def split(batch: dict, parts: int) -> Callable[[tf.Tensor], dict]:
    """Cuts a batch into equal parts.

    Args:
        batch: tensors `(B, ...)`, and scalars, which belong to every part.
        parts: how many; has to divide B.

    Returns:
        A function from the index of a part to its examples.

    Raises:
        ValueError: if B is known and does not divide.
    """
    whole = {key: tf.convert_to_tensor(value) for key, value in batch.items()}
    shared = {key: value for key, value in whole.items() if value.shape.rank == 0}
    cut = {k: _cut(v, parts) for k, v in whole.items() if k not in shared}
    return lambda index: {**shared, **{k: v[index] for k, v in cut.items()}}


def _cut(value, parts):
    size = value.shape[0]
    if size is None:
        size = tf.shape(value)[0]
    elif size % parts:
        raise ValueError(f"a batch of {size} cannot be split into {parts} equal parts")
    return tf.reshape(value, (parts, size // parts, *value.shape[1:]))
