"""The pictures that the networks of a stage make of a batch, and their metrics."""

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.masking import composite
from tf_edgeconnect.metrics.edges import EdgeMetrics
from tf_edgeconnect.metrics.image import L1, Psnr
from tf_edgeconnect.models.generators import edge_inputs, inpaint_inputs, takes_mask
from tf_edgeconnect.stages import HoleEdges


def make_pictures(
    networks: dict[str, keras.Model],
    kinds: Mapping[HoleEdges, float],
    batch: dict,
    training: bool,
) -> dict[str, tf.Tensor]:
    """Predicts the edges of a batch, fills its holes, or both.

    Args:
        networks: with an edge generator, an inpaint generator, or both.
        kinds: weights of the kinds of edges in the hole, see `InpaintTrainer`.
        batch: see `AdversarialTrainer`.
        training: whether networks that are not frozen are in training.

    Returns:
        As `AdversarialTrainer.call`.
    """
    pictures = {}
    if generator := networks.get("edge_generator"):
        inputs = edge_inputs(batch["gray"], known_edges(batch), batch["mask"])
        learns = training and generator.trainable
        pictures["predicted_edge"] = generator(inputs, training=learns)
    edge = choose_edges(kinds, batch, pictures)
    pictures["composite_edge"] = edge
    if generator := networks.get("inpaint_generator"):
        image, mask = batch["image"], batch["mask"]
        inputs = inpaint_inputs(image, edge, mask, takes_mask(generator))
        predicted = generator(inputs, training=training)
        pictures["predicted_image"] = predicted
        pictures["inpainted"] = composite(predicted, image, mask)
    return pictures


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


def held_out_metrics(
    networks: dict[str, keras.Model], edge_threshold: float
) -> list[keras.metrics.Metric]:
    """Returns the metrics of a validation, of edges and of filled photos."""
    metrics: list[keras.metrics.Metric] = []
    if "inpaint_generator" in networks:
        metrics += [Psnr(), L1(), Psnr("hole_psnr"), L1("hole_l1")]
    if "edge_generator" in networks:
        metrics.append(EdgeMetrics(edge_threshold, name="test_edges"))
    return metrics


def measure(metrics: list, batch: dict, pictures: dict) -> None:
    """Updates metrics of edges and of filled photos from a batch's pictures."""
    for metric in metrics:
        mask = batch["mask"]
        if isinstance(metric, EdgeMetrics):
            metric.update_state(batch["edge"], pictures["predicted_edge"], mask)
        else:
            mask = mask if metric.name.startswith("hole_") else None
            metric.update_state(batch["image"], pictures["inpainted"], mask)
