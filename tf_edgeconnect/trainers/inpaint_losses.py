"""The losses of the inpaint stages."""

import dataclasses
from typing import cast

import keras
import tensorflow as tf

from tf_edgeconnect.losses.adversarial import compare
from tf_edgeconnect.losses.inpaint import (
    perceptual_loss,
    reconstruction_loss,
    style_loss,
)
from tf_edgeconnect.metrics.lpips import SMALLEST_SIDE, lpips_model
from tf_edgeconnect.models.discriminators import patch_shares
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.stages import AdversarialKind, Focus
from tf_edgeconnect.trainers.steps import with_batch_figures

# With the focus on the hole:
KNOWN_WEIGHT = 0.1  # of a known pixel in L1
SMALLEST_SHARE = 0.01  # a hole of a few pixels must not outweigh all others
REBUILT = {"vgg": vgg_features, "lpips": lpips_model}


@keras.saving.register_keras_serializable("tf_edgeconnect")
@dataclasses.dataclass(frozen=True)
class InpaintLosses:
    """The weighted losses of the inpaint stage.

    Args:
        adversarial: "nonsaturating", "lsgan" or "hinge".
        adversarial_weight: of the generator's adversarial loss; 0: no discriminator.
        l1_weight: of the L1 loss, which is divided by the hole's fraction.
        perceptual_weight: of the perceptual loss.
        style_weight: of the style loss.
        lpips_weight: of LPIPS, a perceptual loss that takes a tenth of VGG's time.
        focus: "photo" compares the raw prediction of the whole photo, as published.
            With "hole" a known pixel weighs a tenth in L1, which is divided by each
            photo's own hole; the perceptual loss and LPIPS compare the filled photo and
            are divided by the hole's fraction; the discriminator sees the filled photo,
            each patch weighted by the fraction of it that is hole.
        vgg: `models.vgg.vgg_features(...)`; may be None if both its losses have weight
            0.
        lpips: `metrics.lpips.lpips_model(...)`; may be None if it has weight 0.
        feature_crop: side of the square crop that the losses of VGG and LPIPS use,
            placed by the first `draw` of a batch: much faster, and patterns that follow
            the networks' strides bring nothing. None, or as large as the photo: all of
            it.

    Raises:
        ValueError: if a loss has a weight and its `vgg` or `lpips` is None, or
            `feature_crop` is too small for LPIPS.

    Reference:
        EdgeConnect, section 3.2.
    """

    adversarial: AdversarialKind = "nonsaturating"
    adversarial_weight: float = 0.1
    l1_weight: float = 1.0
    perceptual_weight: float = 0.1
    style_weight: float = 250.0
    lpips_weight: float = 0.0
    focus: Focus = "photo"
    vgg: keras.Model | None = None
    feature_crop: int | None = None
    lpips: keras.Model | None = None

    def __post_init__(self):
        """Checks that VGG and LPIPS are there if they are needed."""
        if self.vgg is None and (self.perceptual_weight or self.style_weight):
            raise ValueError(
                "the perceptual and the style loss need `vgg=vgg_features(...)`; "
                "without it set perceptual_weight=0 and style_weight=0"
            )
        if self.lpips is None and self.lpips_weight:
            raise ValueError("lpips_weight needs `lpips=lpips_model(...)`")
        if self.lpips_weight and (self.feature_crop or SMALLEST_SIDE) < SMALLEST_SIDE:
            raise ValueError(f"LPIPS needs a feature_crop of {SMALLEST_SIDE} or more")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the losses that have a weight, as logged."""
        optional = {
            "inpaint/g_adv": self.adversarial_weight,
            "inpaint/perceptual": self.perceptual_weight,
            "inpaint/style": self.style_weight,
            "inpaint/lpips": self.lpips_weight,
            "inpaint/d_loss": self.adversarial_weight,
        }
        used = (name for name, weight in optional.items() if weight)
        return ("inpaint/l1", *used)

    @property
    def need_discriminator(self) -> bool:
        """Whether any loss needs the discriminator."""
        return bool(self.adversarial_weight)

    def get_config(self) -> dict:
        """Returns the arguments; VGG and LPIPS as those that rebuild them.

        Raises:
            ValueError: if they are not of `vgg_features` and `lpips_model`.
        """
        config = {it.name: getattr(self, it.name) for it in dataclasses.fields(self)}
        for name, make in REBUILT.items():
            if config[name] is not None:
                if not hasattr(config[name], "architecture"):
                    raise ValueError(f"only a `{name}` of `{make.__name__}` is saved")
                config[name] = dict(config[name].architecture)
        return config

    @classmethod
    def from_config(cls, config: dict) -> "InpaintLosses":
        """Creates the losses from `get_config`."""
        made = {k: config[k] and make(**config[k]) for k, make in REBUILT.items()}
        return cls(**{**config, **made})

    @property
    def weighs_patches(self) -> bool:
        """Whether the discriminator's patches are weighted by their hole."""
        return bool(self.adversarial_weight) and self.focus == "hole"

    def __call__(self, discriminator, batch, pictures, training):
        """Compares what was predicted with the photo; see `focus`.

        Args:
            discriminator: over RGB, three channels; not used if it has no weight.
            batch: `image` and `mask`; with `feature_crop` also `draw`. See
                `AdversarialTrainer`.
            pictures: with `predicted_image` and `inpainted`.
            training: see `AdversarialTrainer.compute_losses`.

        Returns:
            The generator's and the discriminator's losses, two dicts of scalars.
        """
        batch = with_batch_figures(batch, patches=self.weighs_patches)
        image, mask, predicted = (
            batch["image"],
            batch["mask"],
            pictures["predicted_image"],
        )
        compared = pictures["inpainted"] if self.focus == "hole" else predicted
        generator_losses = {"inpaint/l1": self.l1_weight * self._l1(batch, predicted)}
        discriminator_losses = {}
        if self.adversarial_weight:
            weights = 1.0
            if self.weighs_patches:
                shares = patch_shares(mask)
                weights = tf.math.divide_no_nan(shares, batch["patch_share"])
            g_adv, d_loss, *_ = compare(
                self.adversarial, discriminator, image, compared, training, weights
            )
            generator_losses["inpaint/g_adv"] = self.adversarial_weight * g_adv
            discriminator_losses["inpaint/d_loss"] = d_loss
        pairs: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}
        if self.perceptual_weight:
            pairs["inpaint/perceptual"] = (image, compared)
        if self.style_weight:
            pairs["inpaint/style"] = (image * mask, predicted * mask)
        if pairs:
            generator_losses |= self._compare_features(pairs, batch)
        if self.lpips_weight:
            lpips = cast(keras.Model, self.lpips)  # `__post_init__` has looked
            pair = self._crop([image, compared], batch)
            distance = tf.reduce_mean(lpips(pair, training=False))
            value = self.lpips_weight * self._per_hole(distance, batch)
            generator_losses["inpaint/lpips"] = value
        return generator_losses, discriminator_losses

    def _l1(self, batch, predicted):
        image, mask, share = batch["image"], batch["mask"], batch["hole_share"]
        if self.focus == "photo":
            return reconstruction_loss(image, predicted, share)
        own = tf.reduce_mean(mask, axis=(1, 2, 3), keepdims=True)
        weight = mask + KNOWN_WEIGHT * (1 - mask)
        weight *= share / tf.maximum(own, SMALLEST_SHARE)
        return reconstruction_loss(image * weight, predicted * weight, share)

    def _crop(self, pictures, batch):
        """Cuts the same random square out of all pictures; see `feature_crop`."""
        if self.feature_crop is None:
            return pictures
        return [_cut(each, self.feature_crop, batch["place"]) for each in pictures]

    def _per_hole(self, loss, batch):
        """Divides the loss of filled photos by the hole's fraction of the batch."""
        if self.focus == "photo":
            return loss
        return loss / tf.maximum(batch["hole_share"], SMALLEST_SHARE)

    def _compare_features(self, pairs, batch):
        """Computes the losses of VGG from pairs of target and prediction."""
        # All targets in one pass, through which nothing flows back, and all
        # predictions in another.
        targets, predictions = (
            self._features(each, batch) for each in zip(*pairs.values(), strict=True)
        )
        found = {}
        for name, target, predicted in zip(pairs, targets, predictions, strict=True):
            if name == "inpaint/style":
                found[name] = self.style_weight * style_loss(target, predicted)
                continue
            value = self._per_hole(perceptual_loss(target, predicted), batch)
            found[name] = self.perceptual_weight * value
        return found

    def _features(self, pictures, batch):
        """VGG's activations of each of some batches, which it sees as one."""
        vgg = cast(keras.Model, self.vgg)  # `__post_init__` has looked
        found = vgg(tf.concat(self._crop(pictures, batch), axis=0), training=False)
        parts = {name: tf.split(maps, len(pictures)) for name, maps in found.items()}
        return [
            {name: part[index] for name, part in parts.items()}
            for index in range(len(pictures))
        ]


def _cut(pictures: tf.Tensor, side: int, draw: tf.Tensor) -> tf.Tensor:
    """Cuts the same square out of all pictures; one draw gives both its coordinates."""
    height, width = pictures.shape[1:3]
    side = min(side, height, width)
    rows = tf.cast(height - side + 1, tf.float32) * draw
    columns = tf.cast(width - side + 1, tf.float32) * (rows % 1)
    top, left = tf.cast(rows, tf.int32), tf.cast(columns, tf.int32)
    return pictures[:, top : top + side, left : left + side]
