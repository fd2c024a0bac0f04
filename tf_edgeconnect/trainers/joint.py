"""The joint stage: both generators, the inpaint losses flowing through the edges."""

import keras

from tf_edgeconnect.metrics.edges import EdgeMetrics
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.edge import EdgeLosses, draw_edges
from tf_edgeconnect.trainers.inpaint import image_metrics, measure_pictures, paint
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses


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
        losses: of the painting.
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
        losses = losses or InpaintLosses()
        losses.check(inpaint_discriminator)
        edge_losses = edge_losses or EdgeLosses()
        networks = dict(
            edge_generator=edge_generator,
            inpaint_generator=inpaint_generator,
            inpaint_discriminator=inpaint_discriminator,
            edge_discriminator=edge_discriminator,
        )
        names = losses.names
        if edge_discriminator is not None:
            names = (*edge_losses.names, *names)
        super().__init__(
            networks,
            generators=("edge_generator", "inpaint_generator"),
            discriminators=("inpaint_discriminator", "edge_discriminator"),
            loss_names=tuple(names),
            ema=ema,
            options=dict(
                losses=losses, edge_losses=edge_losses, edge_threshold=edge_threshold
            ),
            name="joint",
        )
        self.losses_of = losses
        self.edge_losses_of = edge_losses
        self.train_metrics = [
            EdgeMetrics(edge_threshold, prefix="edge/", name="train_edges")
        ]
        test_edges = EdgeMetrics(edge_threshold, name="test_edges")
        self.test_metrics = [*image_metrics(), test_edges]

    def call(self, batch: dict, training: bool = False) -> dict:
        """Draws the edges and fills the holes; see `InpaintTrainer.call`."""
        networks = self.networks
        pictures = draw_edges(networks["edge_generator"], batch, training)
        filled = paint(networks["inpaint_generator"], batch, pictures, training)
        return {**pictures, **filled}

    def compute_losses(self, batch, training):
        """Computes the losses of the raw predictions; see `AdversarialTrainer`."""
        pictures = self(batch, training=training)
        discriminator = self.networks.get("inpaint_discriminator")
        found = self.losses_of(discriminator, batch, pictures, training)
        if discriminator := self.networks.get("edge_discriminator"):
            of_edges = self.edge_losses_of(discriminator, batch, pictures, training)
            found = [a | b for a, b in zip(found, of_edges, strict=True)]
        return (*found, pictures)

    def measure(self, metrics, batch, pictures):
        """Updates PSNR, L1 and the edges' figures."""
        measure_pictures(metrics, batch, pictures)
