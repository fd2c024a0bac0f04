"""The inpaint stages: a generator that paints the hole along given lines."""

import dataclasses
from collections.abc import Mapping
from typing import Literal, cast

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.losses.adversarial import AdversarialKind, adversarial_loss
from tf_edgeconnect.losses.perceptual import perceptual_loss, style_loss
from tf_edgeconnect.losses.reconstruction import reconstruction_loss
from tf_edgeconnect.masking import composite
from tf_edgeconnect.metrics.edges import EdgeMetrics
from tf_edgeconnect.metrics.image import L1, HoleL1, HolePsnr, Psnr
from tf_edgeconnect.models.inputs import inpaint_inputs, takes_mask
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer, global_mean
from tf_edgeconnect.trainers.edge import draw_edges, measure_edges

SMALLEST_SHARE = 0.01  # a hole of a few pixels must not outweigh all others
HoleEdges = Literal["canny", "none", "predicted"]


@dataclasses.dataclass(frozen=True)
class InpaintLosses:
    """The weighted losses of the inpaint stage.

    Args:
        adversarial: "nonsaturating", "lsgan" or "hinge".
        adversarial_weight: of the generator's adversarial loss; 0 does without a
            discriminator.
        l1_weight: of the L1 loss, which is per share of hole.
        l1_share: "batch" divides it by the mean of the mask over the global batch, as
            published; "photo" each photo's by its own, so that small holes count as
            much as large ones.
        l1_known: weight of a known pixel in it beside one of the hole, 0 to 1. The
            prediction is only used inside the hole; a narrow net does well to spend
            itself there.
        perceptual_weight: of the perceptual loss.
        perceptual_of: "prediction" compares the raw prediction, as published; "filled"
            the photo with its hole filled, and divides by the share of hole.
        style_weight: of the style loss.
        vgg: `models.vgg.vgg_features(...)`; may be None if both its losses weigh 0.
        vgg_crop: side of the square that its losses look at, at a place that the first
            `draw` of a batch gives: far cheaper. None: the whole photo.

    Raises:
        ValueError: if a VGG loss has a weight and `vgg` is missing: no loss is ever
            left out in silence.

    Reference:
        EdgeConnect, equations 6 to 10.
    """

    adversarial: AdversarialKind = "nonsaturating"
    adversarial_weight: float = 0.1
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

    def check(self, discriminator: keras.Model | None) -> None:
        """Checks that a discriminator is there if it is needed.

        Raises:
            ValueError: if it is missing.
        """
        if discriminator is None and self.adversarial_weight:
            raise ValueError(
                "the adversarial loss needs an inpaint_discriminator; without one set "
                "adversarial_weight=0"
            )

    def __call__(
        self, discriminator, image, mask, predicted_image, training, draw=None
    ):
        """Compares the raw prediction with the photo; only style is masked.

        Args:
            discriminator: over RGB, three channels; not used if it has no weight.
            image: `(B, H, W, 3)`, the photo.
            mask: `(B, H, W, 1)`, 1 = hole.
            predicted_image: `(B, H, W, 3)`, not composited.
            training: see `AdversarialTrainer.compute_losses`.
            draw: `(B,)`, random numbers in [0, 1); needed with `vgg_crop`.

        Returns:
            The generator's and the discriminator's losses, two dicts of scalars.
        """
        share = global_mean(tf.reduce_mean(mask))
        weight = mask + self.l1_known * (1 - mask)
        if self.l1_share == "photo":
            own = tf.reduce_mean(mask, axis=(1, 2, 3), keepdims=True)
            weight *= share / tf.maximum(own, SMALLEST_SHARE)
        l1 = reconstruction_loss(image * weight, predicted_image * weight, share)
        generator_losses = {"inpaint/l1": self.l1_weight * l1}
        discriminator_losses = {}
        if self.adversarial_weight:
            both = tf.concat([image, predicted_image], axis=0)
            logits, _ = discriminator(both, training=training)
            real_logits, fake_logits = tf.split(logits, 2)
            loss = adversarial_loss(self.adversarial)
            generator_losses["inpaint/g_adv"] = (
                self.adversarial_weight * loss.generator(fake_logits)
            )
            discriminator_losses["inpaint/d_loss"] = loss.discriminator(
                real_logits, fake_logits
            )
        if self.vgg_crop is not None:
            image, mask, predicted_image = (
                _cut(pictures, self.vgg_crop, draw[0])
                for pictures in (image, mask, predicted_image)
            )
        vgg = cast(keras.Model, self.vgg)  # `__post_init__` has looked
        if self.perceptual_weight:
            compared = predicted_image
            if self.perceptual_of == "filled":
                compared = composite(predicted_image, image, mask)
            value = perceptual_loss(
                vgg(image, training=False), vgg(compared, training=False)
            )
            if self.perceptual_of == "filled":
                value /= tf.maximum(share, SMALLEST_SHARE)
            generator_losses["inpaint/perceptual"] = self.perceptual_weight * value
        if self.style_weight:
            value = style_loss(
                vgg(image * mask, training=False),
                vgg(predicted_image * mask, training=False),
            )
            generator_losses["inpaint/style"] = self.style_weight * value
        return generator_losses, discriminator_losses


def _cut(pictures: tf.Tensor, side: int, draw: tf.Tensor) -> tf.Tensor:
    """Cuts the same square out of all pictures; one draw gives both its coordinates."""
    height, width = pictures.shape[1:3]
    rows = tf.cast(height - side + 1, tf.float32) * draw
    columns = tf.cast(width - side + 1, tf.float32) * (rows % 1)
    top, left = tf.cast(rows, tf.int32), tf.cast(columns, tf.int32)
    return pictures[:, top : top + side, left : left + side]


class InpaintTrainer(AdversarialTrainer):
    """Trains the inpaint generator on the photo's own edges or on predicted ones.

    Args:
        inpaint_generator: from `models.generators`.
        inpaint_discriminator: `patch_discriminator(channels=3)`; None without an
            adversarial loss.
        losses: weights, kind and VGG.
        edge_generator: None trains on the photo's own edges (stage `inpaint`); a
            generator, which stays frozen, draws those of the hole (`edge-inpaint`).
        hole_edges: which lines the hole has, and how often each: "canny" the photo's
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
        pictures = {}
        if "edge_generator" in self.networks:
            generator = self.networks["edge_generator"]
            pictures = draw_edges(generator, batch, training=False)  # frozen
        pictures["composite_edge"] = choose_edges(self.hole_edges, batch, pictures)
        generator = self.networks["inpaint_generator"]
        return {**pictures, **paint(generator, batch, pictures, training)}

    def compute_losses(self, batch, training):
        """Computes the losses of the raw prediction; see `AdversarialTrainer`."""
        pictures = self(batch, training=training)
        generator_losses, discriminator_losses = self.losses_of(
            self.networks.get("inpaint_discriminator"),
            batch["image"],
            batch["mask"],
            pictures["predicted_image"],
            training,
            batch.get("draw"),
        )
        return generator_losses, discriminator_losses, pictures

    def measure(self, metrics, batch, pictures):
        """Updates PSNR and L1, and the edges' figures where edges are drawn."""
        measure_pictures(metrics, batch, pictures)


def choose_edges(
    kinds: Mapping[HoleEdges, float], batch: dict, pictures: dict
) -> tf.Tensor:
    """Chooses for each example which lines its hole has.

    Args:
        kinds: kind -> weight, see `InpaintTrainer`.
        batch: with `draw` `(B,)` if there are several kinds.
        pictures: with `predicted_edge` if "predicted" is one.

    Returns:
        The composite edge, `(B, H, W, 1)`: the photo's own outside the hole.
    """
    edge = batch["edge"]
    lines = {
        "canny": edge,
        "none": tf.zeros_like(edge),
        "predicted": pictures.get("predicted_edge"),
    }
    names = sorted(kinds)  # the order of a mapping must not change the choice
    chosen = lines[names[0]]
    if len(names) > 1:
        weights = np.array([kinds[name] for name in names])
        bounds = tf.constant(np.cumsum(weights)[:-1] / weights.sum(), tf.float32)
        choice = tf.reduce_sum(tf.cast(batch["draw"][:, None] >= bounds, tf.int32), 1)
        every = tf.stack([lines[name] for name in names], axis=1)
        chosen = tf.gather(every, choice, axis=1, batch_dims=1)
    return composite(chosen, edge, batch["mask"])


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
    return [Psnr(), L1(), HolePsnr(), HoleL1()]


def measure_pictures(metrics: list, batch: dict, pictures: dict) -> None:
    """Updates whichever of the metrics are given from a batch and its pictures."""
    for metric in metrics:
        if isinstance(metric, EdgeMetrics):
            measure_edges(metric, batch, pictures)
        elif isinstance(metric, (HoleL1, HolePsnr)):
            metric.update_state(batch["image"], pictures["inpainted"], batch["mask"])
        else:
            metric.update_state(batch["image"], pictures["inpainted"])
