"""The inpaint stages: with given edges, or jointly with the edge generator."""

from collections.abc import Mapping
from typing import Any

import keras

from tf_edgeconnect.stages import HoleEdges
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.edge import EdgeLosses
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
            hole_edges=hole_edges,
            edge_threshold=edge_threshold,
            ema=ema,
            options=dict(losses=losses, hole_edges=hole_edges),
            name="inpaint",
        )


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
            edge_threshold=edge_threshold,
            ema=ema,
            options=dict(losses=losses, edge_losses=edge_losses),
            name="joint",
        )
