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

MaskKind = Literal["block", "half", "external", "irregular"]


class DataConfig(Section):
    """Photos: where they come from and how they are cut."""

    train: str = Field("sample:", min_length=1)
    """a folder, a list file, TFRecords, tfds:NAME or sample:"""
    val: str | None = Field(None, min_length=1)
    """validation photos, as train; null: some of train are held out"""
    val_fraction: float = Field(0.05, ge=0, lt=1)
    """share held out where val is null, 0 to 1"""
    size: int = Field(256, ge=24, multiple_of=4)
    """side of a training square in pixels"""
    crop: Literal["center", "random"] = "center"
    """which square of a photo: the centre, or a random one"""
    flip: bool = True
    """mirror half of the photos left to right"""
    max_bad_fraction: Fraction = 0.01
    """unreadable photos that are put up with, a share of 0 to 1"""


class EdgeConfig(Section):
    """The lines that the edge generator completes."""

    source: Literal["canny", "external"] = "canny"
    """computed from the photo, or read from edge.folder"""
    sigma: float = Field(2.0, ge=-1)
    """Canny's blur in pixels; 0: random 1-4 at training; -1: no edges"""
    known: Literal["photo", "masked"] = "photo"
    """lines outside the hole that networks learn from: those of the whole photo, as
    published, or those that are found without the hole's pixels, as when filling; they
    end some pixels before the hole"""
    folder: str | None = Field(None, min_length=1)
    """external edge maps, paired with photos by name"""
    non_max_suppression: bool = False
    """thin external edges by the photo's own Canny edges"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if -1 < self.sigma < 0:
            raise ValueError(
                f"sigma must be 0 or more, or exactly -1 for no edges, got {self.sigma}"
            )
        if self.source == "external" and self.folder is None:
            raise ValueError("source external needs a folder")
        if self.source == "external" and self.known == "masked":
            raise ValueError("known masked is for source canny, whose edges have a gap")
        return self


class MaskConfig(Section):
    """The holes."""

    kinds: Weights[MaskKind] = {"irregular": 1.0}
    """kinds of holes and how often each comes, in any unit"""
    folder: str | None = Field(None, min_length=1)
    """a mask file or a folder of them for kind external, white = hole"""
    hole_ratio: tuple[Fraction, Fraction] = (0.1, 0.5)
    """range of an irregular hole's share of a photo, 0-1"""

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
    """The two generators. The defaults are the published networks."""

    filters: int = Field(64, ge=1)
    """channels of the first layer, 1 or more"""
    residual_blocks: int = Field(8, ge=0)
    """blocks in the middle, 0 or more"""
    hole_fill: Literal["white", "push_pull"] = "white"
    """what both generators see in the hole: white as published, or a smooth fill from
    its surroundings"""
    mask_channel: bool = False
    """feed the mask to the inpaint generator as a further channel"""
    normalization: Literal["instance", "none"] = "instance"
    """normalization in the inpaint generator"""
    edge_norm: Literal["spectral", "none"] = "spectral"
    """in the edge generator: spectral and instance norm, or neither"""
    initializer: Literal["normal", "he"] = "normal"
    """first weights: N(0, 0.02) as published, or He's"""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.hole_fill == "push_pull" and not self.mask_channel:
            raise ValueError("hole_fill push_pull needs mask_channel true")
        return self


class LossesConfig(Section):
    """The weights of the losses, all 0 or more."""

    adversarial: Literal["nonsaturating", "lsgan", "hinge"] = "nonsaturating"
    """form of the adversarial loss"""
    edge_adversarial: Weight = 1.0
    """edge stage: adversarial"""
    feature_matching: Weight = 10.0
    """edge stage: feature matching"""
    edge_cross_entropy: Weight = 0.0
    """edge stage: cross-entropy in the hole; learns soft lines fast"""
    l1: Weight = 1.0
    """inpaint stages: L1"""
    l1_known: Fraction = 1.0
    """weight of a known pixel in L1 beside one of the hole, 0 to 1"""
    l1_share: Literal["batch", "photo"] = "batch"
    """L1 is per share of hole: of the batch's, or of each photo's own, so that small
    holes count as much as large ones"""
    inpaint_adversarial: Weight = 0.1
    """inpaint stages: adversarial"""
    adversarial_of: Literal["prediction", "filled"] = "prediction"
    """inpaint stages: what the discriminator is shown: the raw prediction, as
    published, or the filled photo, its patches weighed by the share of hole that they
    cover"""
    perceptual: Weight = 0.1
    """inpaint stages: perceptual (VGG19)"""
    perceptual_of: Literal["prediction", "filled"] = "prediction"
    """what perceptual compares: the raw prediction, as published, or the filled photo,
    per share of hole"""
    style: Weight = 250.0
    """inpaint stages: style (VGG19)"""
    vgg_crop: int | None = Field(None, ge=16)
    """side in pixels of the square that perceptual and style look at, at a place drawn
    for each step; null: the whole photo"""
    vgg_weights: str = Field("imagenet", min_length=1)
    """VGG19: imagenet (downloaded once), random (tests), or a .h5 file"""


class JointConfig(Section):
    """The last stage, which trains both generators together."""

    keep_edge_discriminator: bool = False
    """keep the edge losses, as the published code intends"""


class Config(Section):
    """All settings of a run."""

    seed: int = Field(0, ge=0, le=2**31 - 1)
    """behind all that is random in a run"""
    data: DataConfig = DataConfig()
    """photos"""
    edge: EdgeConfig = EdgeConfig()
    """lines"""
    mask: MaskConfig = MaskConfig()
    """holes"""
    model: ModelConfig = ModelConfig()
    """networks"""
    losses: LossesConfig = LossesConfig()
    """losses and their weights"""
    joint: JointConfig = JointConfig()
    """the joint stage"""
    train: TrainConfig = TrainConfig()
    """length, rates and outputs"""
