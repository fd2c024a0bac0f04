"""The pictures that the networks of a stage make of a batch."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.masking import composite
from tf_edgeconnect.models.generators import edge_inputs, inpaint_inputs, takes_mask
from tf_edgeconnect.stages import HoleEdges


def predict_edges(
    edge_generator: keras.Model, batch: dict, training: bool
) -> tf.Tensor:
    """Runs the edge generator; returns its raw prediction, `(B, H, W, 1)` in [0, 1]."""
    inputs = edge_inputs(batch["gray"], known_edges(batch), batch["mask"])
    return edge_generator(inputs, training=training)


def known_edges(batch: dict) -> tf.Tensor:
    """Returns the edges that a network receives outside the hole, `(B, H, W, 1)`."""
    return batch.get("known_edge", batch["edge"])


def choose_edges(
    kinds: Mapping[HoleEdges, float], batch: dict, pictures: dict
) -> tf.Tensor:
    """Selects the edges in the hole of each example.

    Args:
        kinds: kind -> weight, see `InpaintTrainer`.
        batch: with `draw` `(B,)` if there are several kinds.
        pictures: with `predicted_edge` if "predicted" is one.

    Returns:
        The composite edge, `(B, H, W, 1)`: what is known outside the hole.
    """
    edge = batch["edge"]
    edges = {
        "canny": edge,
        "none": tf.zeros_like(edge),
        "predicted": pictures.get("predicted_edge"),
    }
    names = sorted(kinds)  # the order of a mapping must not change the choice
    chosen = edges[names[0]]
    if len(names) > 1:
        weights = np.array([kinds[name] for name in names])
        bounds = tf.constant(np.cumsum(weights)[:-1] / weights.sum(), tf.float32)
        choice = tf.reduce_sum(tf.cast(batch["draw"][:, None] >= bounds, tf.int32), 1)
        every = tf.stack([edges[name] for name in names], axis=1)
        chosen = tf.gather(every, choice, axis=1, batch_dims=1)
    return composite(chosen, known_edges(batch), batch["mask"])


def paint(
    inpaint_generator: keras.Model, batch: dict, edge: tf.Tensor, training: bool
) -> dict[str, tf.Tensor]:
    """Runs the inpaint generator.

    Args:
        inpaint_generator: from `models.generators`.
        batch: with `image` and `mask`.
        edge: the composite edge, `(B, H, W, 1)`.
        training: passed to the generator.

    Returns:
        `predicted_image` (raw) and `inpainted` (known pixels kept), both
        `(B, H, W, 3)` in [0, 1].
    """
    image, mask = batch["image"], batch["mask"]
    inputs = inpaint_inputs(image, edge, mask, takes_mask(inpaint_generator))
    predicted = inpaint_generator(inputs, training=training)
    return {
        "predicted_image": predicted,
        "inpainted": composite(predicted, image, mask),
    }
