"""The losses of the inpaint stages."""

import dataclasses
from typing import Literal, cast

import keras
import tensorflow as tf

from tf_edgeconnect.losses.adversarial import AdversarialKind, compare
from tf_edgeconnect.losses.inpaint import (
    perceptual_loss,
    reconstruction_loss,
    style_loss,
)
from tf_edgeconnect.masking import composite
from tf_edgeconnect.models.discriminators import patch_shares
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.trainers.steps import with_batch_figures

SMALLEST_SHARE = 0.01  # a hole of a few pixels must not outweigh all others


@keras.saving.register_keras_serializable("tf_edgeconnect")
@dataclasses.dataclass(frozen=True)
class InpaintLosses:
    """The weighted losses of the inpaint stage.

    Args:
        adversarial: "nonsaturating", "lsgan" or "hinge".
        adversarial_weight: of the generator's adversarial loss; 0: no discriminator.
        adversarial_of: "prediction" shows the discriminator the raw prediction, as
            published; "filled" the filled photo, with each patch weighted by the
            fraction of it that is hole.
        l1_weight: of the L1 loss, which is divided by the hole's fraction.
        l1_share: "batch" divides it by the mean of the mask over the global batch, as
            published; "photo" each photo's by its own, so that small holes count as
            much as large ones.
        l1_known: weight of a known pixel in it, relative to a hole pixel, 0 to 1. The
            prediction is used only inside the hole, so a narrow network gains from a
            low weight.
        perceptual_weight: of the perceptual loss.
        perceptual_of: "prediction" compares the raw prediction, as published; "filled"
            the filled photo, and divides by the hole's fraction.
        style_weight: of the style loss.
        vgg: `models.vgg.vgg_features(...)`; may be None if both its losses have weight
            0.
        vgg_crop: side of the square crop that its losses use, placed by the first
            `draw` of a batch, which is much faster. None: the whole photo.

    Raises:
        ValueError: if a VGG loss has a weight and `vgg` is None.

    Reference:
        EdgeConnect, section 3.2.
    """

    adversarial: AdversarialKind = "nonsaturating"
    adversarial_weight: float = 0.1
    adversarial_of: Literal["prediction", "filled"] = "prediction"
    l1_weight: float = 1.0
    l1_known: float = 1.0
    l1_share: Literal["batch", "photo"] = "batch"
    perceptual_weight: float = 0.1
    style_weight: float = 250.0
    perceptual_of: Literal["prediction", "filled"] = "prediction"
    vgg: keras.Model | None = None
    vgg_crop: int | None = None

    def __post_init__(self):
        """Checks that VGG is there if it is needed."""
        if self.vgg is None and (self.perceptual_weight or self.style_weight):
            raise ValueError(
                "the perceptual and the style loss need `vgg=vgg_features(...)`; "
                "without it set perceptual_weight=0 and style_weight=0"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the losses that have a weight, as logged."""
        optional = {
            "inpaint/g_adv": self.adversarial_weight,
            "inpaint/perceptual": self.perceptual_weight,
            "inpaint/style": self.style_weight,
            "inpaint/d_loss": self.adversarial_weight,
        }
        used = (name for name, weight in optional.items() if weight)
        return ("inpaint/l1", *used)

    @property
    def need_discriminator(self) -> bool:
        """Whether any loss needs the discriminator."""
        return bool(self.adversarial_weight)

    def get_config(self) -> dict:
        """Returns the arguments; VGG as those that rebuild it.

        Raises:
            ValueError: if `vgg` is not of `vgg_features`.
        """
        config = {it.name: getattr(self, it.name) for it in dataclasses.fields(self)}
        if self.vgg is not None:
            if not hasattr(self.vgg, "architecture"):
                raise ValueError("only a `vgg` of `vgg_features` can be saved")
            config["vgg"] = dict(self.vgg.architecture)
        return config

    @classmethod
    def from_config(cls, config: dict) -> "InpaintLosses":
        """Creates the losses from `get_config`."""
        vgg = config["vgg"]
        return cls(**{**config, "vgg": vgg and vgg_features(**vgg)})

    def __call__(self, discriminator, batch, pictures, training):
        """Compares the raw prediction with the photo; only style is masked.

        Args:
            discriminator: over RGB, three channels; not used if it has no weight.
            batch: `image` and `mask`; with `vgg_crop` also `draw`. See
                `AdversarialTrainer`.
            pictures: with `predicted_image`, not composited.
            training: see `AdversarialTrainer.compute_losses`.

        Returns:
            The generator's and the discriminator's losses, two dicts of scalars.
        """
        batch = with_batch_figures(batch, patches=self.weighs_patches)
        image, mask, share = batch["image"], batch["mask"], batch["hole_share"]
        predicted_image = pictures["predicted_image"]
        weight = mask + self.l1_known * (1 - mask)
        if self.l1_share == "photo":
            own = tf.reduce_mean(mask, axis=(1, 2, 3), keepdims=True)
            weight *= share / tf.maximum(own, SMALLEST_SHARE)
        l1 = reconstruction_loss(image * weight, predicted_image * weight, share)
        generator_losses = {"inpaint/l1": self.l1_weight * l1}
        discriminator_losses = {}
        if self.adversarial_weight:
            g_adv, d_loss = self._compare_patches(
                discriminator, batch, predicted_image, training
            )
            generator_losses["inpaint/g_adv"] = self.adversarial_weight * g_adv
            discriminator_losses["inpaint/d_loss"] = d_loss
        if self.vgg_crop is not None:
            side, place = self.vgg_crop, batch["place"]
            image, mask, predicted_image = (
                _cut(each, side, place) for each in (image, mask, predicted_image)
            )
        generator_losses |= self._compare_features(image, mask, predicted_image, share)
        return generator_losses, discriminator_losses

    @property
    def weighs_patches(self) -> bool:
        """Whether the discriminator's patches are weighted by their hole."""
        return bool(self.adversarial_weight) and self.adversarial_of == "filled"

    def _compare_patches(self, discriminator, batch, predicted_image, training):
        """Computes the generator's and the discriminator's adversarial loss."""
        image, mask, weights = batch["image"], batch["mask"], 1.0
        fake = predicted_image
        if self.weighs_patches:
            fake = composite(predicted_image, image, mask)
            weights = tf.math.divide_no_nan(patch_shares(mask), batch["patch_share"])
        return compare(self.adversarial, discriminator, image, fake, training, weights)[
            :2
        ]

    def _compare_features(self, image, mask, predicted_image, share):
        filled = self.perceptual_of == "filled"
        pairs: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}
        losses: dict[str, tf.Tensor] = {}
        if self.perceptual_weight:
            compared = predicted_image
            if filled:
                compared = composite(predicted_image, image, mask)
            pairs["perceptual"] = (image, compared)
        if self.style_weight:
            pairs["style"] = (image * mask, predicted_image * mask)
        if not pairs:
            return losses
        # All targets in one pass, through which nothing flows back, and all
        # predictions in another.
        targets, predictions = (
            self._features(each) for each in zip(*pairs.values(), strict=True)
        )
        compared = dict(zip(pairs, zip(targets, predictions, strict=True), strict=True))
        if self.perceptual_weight:
            value = perceptual_loss(*compared["perceptual"])
            if filled:
                value /= tf.maximum(share, SMALLEST_SHARE)
            losses["inpaint/perceptual"] = self.perceptual_weight * value
        if self.style_weight:
            value = style_loss(*compared["style"])
            losses["inpaint/style"] = self.style_weight * value
        return losses

    def _features(self, pictures):
        """VGG's activations of each of some batches, which it sees as one."""
        vgg = cast(keras.Model, self.vgg)  # `__post_init__` has looked
        found = vgg(tf.concat(pictures, axis=0), training=False)
        parts = {name: tf.split(maps, len(pictures)) for name, maps in found.items()}
        return [
            {name: part[index] for name, part in parts.items()}
            for index in range(len(pictures))
        ]


def _cut(pictures: tf.Tensor, side: int, draw: tf.Tensor) -> tf.Tensor:
    """Cuts the same square out of all pictures; one draw gives both its coordinates."""
    height, width = pictures.shape[1:3]
    rows = tf.cast(height - side + 1, tf.float32) * draw
    columns = tf.cast(width - side + 1, tf.float32) * (rows % 1)
    top, left = tf.cast(rows, tf.int32), tf.cast(columns, tf.int32)
    return pictures[:, top : top + side, left : left + side]
