"""The edge stage: a generator that predicts the edges in the hole."""

import dataclasses
from typing import ClassVar

import keras
import tensorflow as tf

from tf_edgeconnect.losses.adversarial import compare
from tf_edgeconnect.losses.edge import edge_cross_entropy_loss, feature_matching_loss
from tf_edgeconnect.stages import AdversarialKind
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.steps import with_batch_figures


@keras.saving.register_keras_serializable("tf_edgeconnect")
@dataclasses.dataclass(frozen=True)
class EdgeLosses:
    """The weighted losses of the edge stage.

    Args:
        adversarial: "nonsaturating", "lsgan" or "hinge".
        adversarial_weight: of the generator's adversarial loss.
        feature_matching_weight: of the feature matching loss. If this and the
            adversarial weight are 0, there is no discriminator.
        cross_entropy_weight: of the cross-entropy inside the hole.

    Reference:
        EdgeConnect, section 3.1.
    """

    adversarial: AdversarialKind = "nonsaturating"
    adversarial_weight: float = 1.0
    feature_matching_weight: float = 10.0
    cross_entropy_weight: float = 0.0
    weighs_patches: ClassVar[bool] = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the losses that are computed, as logged."""
        names: tuple[str, ...] = ()
        if self.cross_entropy_weight:
            names += ("edge/cross_entropy",)
        if self.need_discriminator:
            names += ("edge/g_adv", "edge/feature_matching", "edge/d_loss")
        return names

    @property
    def need_discriminator(self) -> bool:
        """Whether any loss needs the discriminator."""
        return bool(self.adversarial_weight or self.feature_matching_weight)

    def get_config(self) -> dict:
        """Returns the arguments."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict) -> "EdgeLosses":
        """Creates the losses from `get_config`."""
        return cls(**config)

    def __call__(self, discriminator, batch, pictures, training):
        """Compares the raw prediction with the real edges.

        Args:
            discriminator: over (grey, edge), two channels.
            batch: `gray`, `edge` and `mask`; see `AdversarialTrainer`.
            pictures: with `predicted_edge`, not composited.
            training: see `AdversarialTrainer.compute_losses`.

        Returns:
            The generator's and the discriminator's losses, two dicts of scalars.
        """
        batch = with_batch_figures(batch)
        edge, predicted_edge = batch["edge"], pictures["predicted_edge"]
        generator_losses: dict[str, tf.Tensor] = {}
        if self.cross_entropy_weight:
            value = edge_cross_entropy_loss(
                edge, predicted_edge, batch["mask"], batch["hole_share"]
            )
            generator_losses["edge/cross_entropy"] = self.cross_entropy_weight * value
        if not self.need_discriminator:
            return generator_losses, {}
        real, fake = (
            tf.concat([batch["gray"], each], axis=-1) for each in (edge, predicted_edge)
        )
        g_adv, d_loss, real_features, fake_features = compare(
            self.adversarial, discriminator, real, fake, training
        )
        matching = feature_matching_loss(
            [tf.stop_gradient(feature) for feature in real_features], fake_features
        )
        generator_losses |= {
            "edge/g_adv": self.adversarial_weight * g_adv,
            "edge/feature_matching": self.feature_matching_weight * matching,
        }
        return generator_losses, {"edge/d_loss": d_loss}


@keras.saving.register_keras_serializable("tf_edgeconnect")
class EdgeTrainer(AdversarialTrainer):
    """Trains the edge generator on Canny edges.

    Args:
        edge_generator: from `models.generators`.
        edge_discriminator: `patch_discriminator(channels=2)`; None if no loss needs it.
        losses: weights and kind.
        edge_threshold: probability above which a pixel counts as an edge in precision,
            recall and F1, (0, 1).
        ema: see `AdversarialTrainer`.

    Example:
        ```
        trainer = EdgeTrainer(edge_generator(), patch_discriminator(2))
        trainer.compile()
        trainer.fit(build_dataset("photos/"), steps_per_epoch=1000)
        ```

    Reference:
        EdgeConnect, section 3.1.
    """

    def __init__(
        self,
        edge_generator: keras.Model,
        edge_discriminator: keras.Model | None = None,
        losses: EdgeLosses | None = None,
        *,
        edge_threshold: float = 0.5,
        ema: float = 0.0,
    ):
        losses = losses or EdgeLosses()
        super().__init__(
            dict(edge_generator=edge_generator, edge_discriminator=edge_discriminator),
            generators=("edge_generator",),
            losses={"edge_discriminator": losses},
            edge_threshold=edge_threshold,
            ema=ema,
            options=dict(losses=losses),
            name="edge",
        )
