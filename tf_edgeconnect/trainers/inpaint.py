"""The inpaint stages: with given edges, or jointly with the edge generator."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.masking import composite
from tf_edgeconnect.metrics.edges import EdgeMetrics
from tf_edgeconnect.metrics.image import L1, Psnr
from tf_edgeconnect.models.generators import inpaint_inputs, takes_mask
from tf_edgeconnect.stages import HoleEdges
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.edge import EdgeLosses, draw_edges, known_edges
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses


@keras.saving.register_keras_serializable("tf_edgeconnect")
class InpaintTrainer(AdversarialTrainer):
    """Trains the inpaint generator on true or predicted edges.

    Args:
        inpaint_generator: from `models.generators`.
        inpaint_discriminator: `patch_discriminator(channels=3)`; None without an
            adversarial loss.
        losses: weights, kind and VGG.
        edge_generator: None trains on true edges (stage `inpaint`); a generator, which
            stays frozen, predicts those in the hole (`edge-inpaint`).
        hole_edges: weights of the kinds of edges in the hole: "canny" (the true ones),
            "none" or "predicted". None: "predicted" with an edge generator, else
            "canny". `draw` of a batch selects the kind.
        edge_threshold: see `EdgeTrainer`; used with an edge generator.
        ema: see `AdversarialTrainer`.

    Example:
        ```
        losses = InpaintLosses(vgg=vgg_features())
        trainer = InpaintTrainer(inpaint_generator(), patch_discriminator(3), losses)
        trainer.compile()
        trainer.fit(build_dataset("photos/"), steps_per_epoch=1000)
        ```

    Reference:
        EdgeConnect, section 3.2.
    """

    def __init__(
        self,
        inpaint_generator: keras.Model,
        inpaint_discriminator: keras.Model | None = None,
        losses: InpaintLosses | None = None,
        *,
        edge_generator: keras.Model | None = None,
        hole_edges: Mapping[HoleEdges, float] | None = None,
        edge_threshold: float = 0.5,
        ema: float = 0.0,
    ):
        losses = losses or InpaintLosses()
        super().__init__(
            dict(
                inpaint_generator=inpaint_generator,
                inpaint_discriminator=inpaint_discriminator,
                edge_generator=edge_generator,
            ),
            generators=("inpaint_generator",),
            losses={"inpaint_discriminator": losses},
            ema=ema,
            options=dict(
                losses=losses, hole_edges=hole_edges, edge_threshold=edge_threshold
            ),
            name="inpaint",
        )
        kind: HoleEdges = "canny" if edge_generator is None else "predicted"
        self.hole_edges = dict(hole_edges or {kind: 1.0})
        self.test_metrics = image_metrics()
        if edge_generator is not None:
            self.test_metrics.append(EdgeMetrics(edge_threshold, name="test_edges"))

    def call(self, batch: dict, training: bool = False) -> dict:
        """Fills the holes of a batch.

        Returns:
            `composite_edge` `(B, H, W, 1)`, `predicted_image` (raw) and `inpainted`
            (known pixels kept), both `(B, H, W, 3)` in [0, 1]; `predicted_edge` too if
            there is an edge generator.
        """
        return self._fill(self.hole_edges, batch, training)

    def sample(self, batch: dict) -> dict:
        """Makes the pictures of a sample sheet, with predicted edges if possible."""
        drawn = "edge_generator" in self.networks
        kinds = {"predicted": 1.0} if drawn else self.hole_edges
        return self._fill(kinds, batch, training=False)

    def _fill(self, kinds, batch, training):
        networks, pictures = self.networks, {}
        if "edge_generator" in networks:
            pictures = draw_edges(networks["edge_generator"], batch, training=False)
        pictures["composite_edge"] = choose_edges(kinds, batch, pictures)
        return paint(networks["inpaint_generator"], batch, pictures, training)


@keras.saving.register_keras_serializable("tf_edgeconnect")
class JointTrainer(AdversarialTrainer):
    """Fine-tunes both generators together.

    The paper removes the edge discriminator; the inpaint losses then reach the edge
    generator through `composite_edge`. With `edge_discriminator` the edge losses are
    added, so each generator receives the sum of both gradients.

    Args:
        edge_generator: from `models.generators`.
        inpaint_generator: from `models.generators`.
        inpaint_discriminator: `patch_discriminator(channels=3)`; None without an
            adversarial loss.
        losses: of the inpaint generator.
        edge_discriminator: `patch_discriminator(channels=2)` to keep the edge losses.
        edge_losses: weights of the edge losses, if kept.
        edge_threshold: see `EdgeTrainer`.
        ema: see `AdversarialTrainer`.

    Reference:
        EdgeConnect, section 4.2: "we then fine-tune ... by removing D1".
    """

    def __init__(
        self,
        edge_generator: keras.Model,
        inpaint_generator: keras.Model,
        inpaint_discriminator: keras.Model | None = None,
        losses: InpaintLosses | None = None,
        *,
        edge_discriminator: keras.Model | None = None,
        edge_losses: EdgeLosses | None = None,
        edge_threshold: float = 0.5,
        ema: float = 0.0,
    ):
        losses, edge_losses = losses or InpaintLosses(), edge_losses or EdgeLosses()
        by_discriminator: dict[str, Any] = {"inpaint_discriminator": losses}
        if edge_discriminator is not None:
            by_discriminator["edge_discriminator"] = edge_losses
        super().__init__(
            dict(
                edge_generator=edge_generator,
                inpaint_generator=inpaint_generator,
                inpaint_discriminator=inpaint_discriminator,
                edge_discriminator=edge_discriminator,
            ),
            generators=("edge_generator", "inpaint_generator"),
            losses=by_discriminator,
            ema=ema,
            options=dict(
                losses=losses, edge_losses=edge_losses, edge_threshold=edge_threshold
            ),
            name="joint",
        )
        self.train_metrics = [
            EdgeMetrics(edge_threshold, prefix="edge/", name="train_edges")
        ]
        test_edges = EdgeMetrics(edge_threshold, name="test_edges")
        self.test_metrics = [*image_metrics(), test_edges]

    def call(self, batch: dict, training: bool = False) -> dict:
        """Predicts the edges and fills the holes; see `InpaintTrainer.call`."""
        networks = self.networks
        pictures = draw_edges(networks["edge_generator"], batch, training)
        return paint(networks["inpaint_generator"], batch, pictures, training)


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
    inpaint_generator: keras.Model, batch: dict, pictures: dict, training: bool
) -> dict:
    """Runs the inpaint generator with `pictures["composite_edge"]`.

    Returns:
        The pictures, with `predicted_image` and `inpainted`; see `InpaintTrainer.call`.
    """
    image, mask = batch["image"], batch["mask"]
    inputs = inpaint_inputs(
        image, pictures["composite_edge"], mask, takes_mask(inpaint_generator)
    )
    predicted = inpaint_generator(inputs, training=training)
    return {
        **pictures,
        "predicted_image": predicted,
        "inpainted": composite(predicted, image, mask),
    }


def image_metrics() -> list[keras.metrics.Metric]:
    """Returns the validation metrics of a filled photo, whole and inside the hole."""
    return [Psnr(), L1(), Psnr("hole_psnr"), L1("hole_l1")]
