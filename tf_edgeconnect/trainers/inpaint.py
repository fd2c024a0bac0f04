"""The inpaint stages: a generator that paints the hole along given edges."""

from collections.abc import Mapping
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.masking import composite
from tf_edgeconnect.metrics.edges import EdgeMetrics
from tf_edgeconnect.metrics.image import L1, Psnr
from tf_edgeconnect.models.inputs import inpaint_inputs, takes_mask
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.edge import draw_edges, known_edges, measure_edges
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses

HoleEdges = Literal["canny", "none", "predicted"]


@keras.saving.register_keras_serializable("tf_edgeconnect")
class InpaintTrainer(AdversarialTrainer):
    """Trains the inpaint generator on the photo's own edges or on predicted ones.

    Args:
        inpaint_generator: from `models.generators`.
        inpaint_discriminator: `patch_discriminator(channels=3)`; None without an
            adversarial loss.
        losses: weights, kind and VGG.
        edge_generator: None trains on the photo's own edges (stage `inpaint`); a
            generator, which stays frozen, draws those of the hole (`edge-inpaint`).
        hole_edges: which edges the hole has, and how often each: "canny" the photo's
            own, "none", "predicted" the edge generator's. None: "predicted" where
            there is an edge generator, else "canny". `draw` of a batch chooses.
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
        losses.check(inpaint_discriminator)
        networks = dict(
            inpaint_generator=inpaint_generator,
            inpaint_discriminator=inpaint_discriminator,
            edge_generator=edge_generator,
        )
        super().__init__(
            networks,
            generators=("inpaint_generator",),
            discriminators=("inpaint_discriminator",),
            loss_names=losses.names,
            ema=ema,
            options=dict(
                losses=losses, hole_edges=hole_edges, edge_threshold=edge_threshold
            ),
            name="inpaint",
        )
        self.losses_of = losses
        kind: HoleEdges = "canny" if edge_generator is None else "predicted"
        self.hole_edges = dict(hole_edges or {kind: 1.0})
        self.test_metrics = image_metrics()
        if edge_generator is not None:
            self.test_metrics.append(EdgeMetrics(edge_threshold, name="test_edges"))

    def call(self, batch: dict, training: bool = False) -> dict:
        """Fills the holes of a batch.

        Returns:
            `composite_edge` `(B, H, W, 1)`, `predicted_image` (raw) and `inpainted`
            (known pixels kept), both `(B, H, W, 3)` in [0, 1]; `predicted_edge` too
            where an edge generator draws.
        """
        return self._fill(self.hole_edges, batch, training)

    def sample(self, batch: dict) -> dict:
        """Makes the pictures of a sample sheet, along predicted edges if there are."""
        drawn = "edge_generator" in self.networks
        kinds = {"predicted": 1.0} if drawn else self.hole_edges
        return self._fill(kinds, batch, training=False)

    def _fill(self, kinds, batch, training):
        networks, pictures = self.networks, {}
        if "edge_generator" in networks:
            pictures = draw_edges(networks["edge_generator"], batch, training=False)
        pictures["composite_edge"] = choose_edges(kinds, batch, pictures)
        filled = paint(networks["inpaint_generator"], batch, pictures, training)
        return {**pictures, **filled}

    def compute_losses(self, batch, training):
        """Computes the losses of the raw prediction; see `AdversarialTrainer`."""
        pictures = self(batch, training=training)
        discriminator = self.networks.get("inpaint_discriminator")
        return (*self.losses_of(discriminator, batch, pictures, training), pictures)

    def measure(self, metrics, batch, pictures):
        """Updates PSNR and L1, and the edges' figures where edges are drawn."""
        measure_pictures(metrics, batch, pictures)


def choose_edges(
    kinds: Mapping[HoleEdges, float], batch: dict, pictures: dict
) -> tf.Tensor:
    """Chooses for each example which edges its hole has.

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
    """Runs the inpaint generator along `pictures["composite_edge"]`.

    Returns:
        `predicted_image` and `inpainted`; see `InpaintTrainer.call`.
    """
    image, mask = batch["image"], batch["mask"]
    inputs = inpaint_inputs(
        image, pictures["composite_edge"], mask, takes_mask(inpaint_generator)
    )
    predicted = inpaint_generator(inputs, training=training)
    return {
        "predicted_image": predicted,
        "inpainted": composite(predicted, image, mask),
    }


def image_metrics() -> list[keras.metrics.Metric]:
    """Returns the validation metrics of a filled photo, whole and inside the hole."""
    return [Psnr(), L1(), Psnr("hole_psnr"), L1("hole_l1")]


def measure_pictures(metrics: list, batch: dict, pictures: dict) -> None:
    """Updates whichever of the metrics are given from a batch and its pictures."""
    for metric in metrics:
        if isinstance(metric, EdgeMetrics):
            measure_edges(metric, batch, pictures)
        else:
            mask = batch["mask"] if metric.name.startswith("hole_") else None
            metric.update_state(batch["image"], pictures["inpainted"], mask)
