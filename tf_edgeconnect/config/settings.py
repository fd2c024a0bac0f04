"""The settings of a run, each with its default, its unit and its range.

Defaults live here alone; a YAML file under `configs/` holds what differs. `train`,
which may differ by stage, is in `training`.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from tf_edgeconnect.config.training import (
    Fraction,
    Section,
    TrainConfig,
    Weight,
    Weights,
)
from tf_edgeconnect.stages import AdversarialKind, Design, Focus

MaskKind = Literal["block", "half", "external", "irregular"]


class DataConfig(Section):
    """The photos and how they are cropped."""

    train: str = Field("sample:", min_length=1)
    """a folder, a list file, TFRecords, tfds:NAME or sample:"""
    val: str | None = Field(None, min_length=1)
    """validation photos, given as for train; null: hold out some of train"""
    val_fraction: float = Field(0.05, ge=0, lt=1)
    """fraction held out when val is null, 0 to 1"""
    size: int = Field(256, ge=24, multiple_of=4)
    """side of the square training crop in pixels"""
    crop: Literal["center", "random"] = "center"
    """take the square from the centre or at random"""
    flip: bool = True
    """mirror half of the photos horizontally"""
    max_bad_fraction: Fraction = 0.01
    """fraction of unreadable photos to tolerate, 0 to 1"""


class EdgeConfig(Section):
    """The edge maps that the edge generator completes."""

    source: Literal["canny", "external"] = "canny"
    """computed from the photo, or read from edge.folder"""
    sigma: float = Field(2.0, ge=-1)
    """sigma of Canny's blur in pixels; 0: random 1-4 in training; -1: no edges"""
    known: Literal["photo", "masked"] = "photo"
    """edges outside the hole in training: photo, found in the whole photo, as
    published; or masked, found without the hole's pixels, as in inference, which leaves
    a gap of some pixels around the hole"""
    folder: str | None = Field(None, min_length=1)
    """folder of external edge maps, paired with photos by name"""
    non_max_suppression: bool = False
    """keep external edges only where the photo has Canny edges"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if -1 < self.sigma < 0:
            raise ValueError(
                f"sigma must be 0 or more, or exactly -1 for no edges, got {self.sigma}"
            )
        if self.source == "external" and self.folder is None:
            raise ValueError("source external needs a folder")
        if self.source == "external" and self.known == "masked":
            raise ValueError("known masked needs source canny")
        return self


class MaskConfig(Section):
    """The holes."""

    kinds: Weights[MaskKind] = {"irregular": 1.0}
    """kinds of holes and their relative frequencies"""
    folder: str | None = Field(None, min_length=1)
    """mask file or folder of masks for kind external, white = hole"""
    hole_ratio: tuple[Fraction, Fraction] = (0.1, 0.5)
    """range of the fraction of a photo that an irregular hole covers, 0 to 1"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.hole_ratio[0] > self.hole_ratio[1]:
            raise ValueError(
                f"hole_ratio: the lower end comes first, got {list(self.hole_ratio)}"
            )
        if self.kinds.get("external") and self.folder is None:
            raise ValueError("kinds.external needs folder, a mask file or folder")
        return self


class ModelConfig(Section):
    """The two generators."""

    filters: int = Field(64, ge=1)
    """channels of the first layer, 1 or more"""
    residual_blocks: int = Field(8, ge=0)
    """number of residual blocks, 0 or more"""
    design: Design = "published"
    """both generators as published, or quick: they see a smooth fill of the hole and
    the mask, have no normalization, and a narrow one learns several times faster"""


class LossesConfig(Section):
    """The weights of the losses, all 0 or more."""

    adversarial: AdversarialKind = "nonsaturating"
    """form of the adversarial loss"""
    edge_adversarial: Weight = 1.0
    """edge stage: adversarial"""
    feature_matching: Weight = 10.0
    """edge stage: feature matching"""
    edge_cross_entropy: Weight = 0.0
    """edge stage: cross-entropy in the hole; learns soft edges fast"""
    l1: Weight = 1.0
    """inpaint stages: L1"""
    inpaint_adversarial: Weight = 0.1
    """inpaint stages: adversarial"""
    perceptual: Weight = 0.1
    """inpaint stages: perceptual (VGG19)"""
    style: Weight = 250.0
    """inpaint stages: style (VGG19)"""
    lpips: Weight = 0.0
    """inpaint stages: LPIPS, a perceptual loss that takes a tenth of VGG19's time"""
    lpips_weights: str | None = Field(None, min_length=1)
    """LPIPS: an .npz file of its AlexNet, as for evaluate --lpips-weights"""
    focus: Focus = "photo"
    """what L1, adversarial and perceptual loss compare: the raw prediction of the whole
    photo, as published; or mainly the hole, and small holes as much as large ones"""
    feature_crop: int | None = Field(None, ge=16)
    """side in pixels of the random crop that perceptual, style and LPIPS losses use,
    new in each step; null: the whole photo"""
    vgg_weights: str = Field("imagenet", min_length=1)
    """VGG19: imagenet (downloaded once), random (tests), or a .h5 file"""

    @property
    def uses_vgg(self) -> bool:
        """Whether the inpaint stages need VGG19."""
        return bool(self.perceptual or self.style)


class JointConfig(Section):
    """The joint stage, which trains both generators together."""

    keep_edge_discriminator: bool = False
    """keep the edge discriminator and its losses, as the published code intends"""


class Config(Section):
    """All settings of a run."""

    seed: int = Field(0, ge=0, le=2**31 - 1)
    """seed of all random numbers in a run"""
    data: DataConfig = DataConfig()
    """photos"""
    edge: EdgeConfig = EdgeConfig()
    """edges"""
    mask: MaskConfig = MaskConfig()
    """holes"""
    model: ModelConfig = ModelConfig()
    """networks"""
    losses: LossesConfig = LossesConfig()
    """losses and their weights"""
    joint: JointConfig = JointConfig()
    """the joint stage"""
    train: TrainConfig = TrainConfig()
    """length, learning rates and outputs"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        crop = self.losses.feature_crop
        if crop is not None and crop > self.data.size:
            raise ValueError(
                f"losses.feature_crop must be at most data.size, {self.data.size}, "
                f"got {crop}"
            )
        return self
