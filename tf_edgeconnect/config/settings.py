"""The settings of a run, each with its default, its unit and its range.

Defaults live here alone; a YAML file under `configs/` holds what differs. `train`,
which may differ by stage, is in `training`.
"""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from tf_edgeconnect.config.training import Fraction, Section, TrainConfig, Weight

MaskKind = Literal["block", "half", "external", "irregular"]


class DataConfig(Section):
    """Photos: where they come from and how they are cut."""

    train: str = Field(
        "sample:",
        min_length=1,
        description="a folder, a list file, TFRecords, tfds:NAME or sample:",
    )
    val: str | None = Field(
        None,
        min_length=1,
        description="validation photos, as train; null: some of train are held out",
    )
    val_fraction: float = Field(
        0.05, ge=0, lt=1, description="share held out where val is null, 0 to 1"
    )
    size: int = Field(
        256, ge=24, multiple_of=4, description="side of a training square in pixels"
    )
    crop: Literal["center", "random"] = Field(
        "center", description="which square of a photo: the centre, or a random one"
    )
    flip: bool = Field(True, description="mirror half of the photos left to right")
    max_bad_fraction: Fraction = Field(
        0.01, description="unreadable photos that are put up with, a share of 0 to 1"
    )


class EdgeConfig(Section):
    """The lines that the edge generator completes."""

    source: Literal["canny", "external"] = Field(
        "canny", description="computed from the photo, or read from edge.folder"
    )
    sigma: float = Field(
        2.0,
        ge=-1,
        description="Canny's blur in pixels; 0: random 1-4 at training; -1: no edges",
    )
    known: Literal["photo", "masked"] = Field(
        "photo",
        description="lines outside the hole that networks learn from: those of the "
        "whole photo, as published, or those that are found without the hole's pixels, "
        "as when filling; they end some pixels before the hole",
    )
    folder: str | None = Field(
        None, min_length=1, description="external edge maps, paired with photos by name"
    )
    non_max_suppression: bool = Field(
        False, description="thin external edges by the photo's own Canny edges"
    )

    @field_validator("sigma")
    @classmethod
    def _sigma_has_a_meaning(cls, sigma: float) -> float:
        if -1 < sigma < 0:
            raise ValueError("must be 0 or more, or exactly -1 for no edges")
        return sigma

    @field_validator("folder")
    @classmethod
    def _external_has_a_folder(
        cls, folder: str | None, others: ValidationInfo
    ) -> str | None:
        if folder is None and others.data.get("source") == "external":
            raise ValueError("edge.source external needs a folder")
        return folder

    @field_validator("known")
    @classmethod
    def _external_lines_are_whole(cls, known: str, others: ValidationInfo) -> str:
        if known == "masked" and others.data.get("source") == "external":
            raise ValueError("only Canny leaves a gap, and edge.source is external")
        return known


class MaskConfig(Section):
    """The holes."""

    kinds: dict[MaskKind, Weight] = Field(
        {"irregular": 1.0},
        description="kinds of holes and how often each comes, in any unit",
    )
    folder: str | None = Field(
        None,
        min_length=1,
        description="a mask file or a folder of them for kind external, white = hole",
    )
    hole_ratio: tuple[Fraction, Fraction] = Field(
        (0.1, 0.5), description="range of an irregular hole's share of a photo, 0-1"
    )

    @field_validator("kinds")
    @classmethod
    def _some_kind_comes(cls, kinds: dict[MaskKind, float]) -> dict[MaskKind, float]:
        if not sum(kinds.values()) > 0:
            raise ValueError("at least one weight must be above 0")
        return kinds

    @field_validator("hole_ratio")
    @classmethod
    def _range_rises(cls, ratio: tuple[float, float]) -> tuple[float, float]:
        if ratio[0] > ratio[1]:
            raise ValueError("the lower end comes first")
        return ratio

    @field_validator("folder")
    @classmethod
    def _external_has_a_folder(
        cls, folder: str | None, others: ValidationInfo
    ) -> str | None:
        if folder is None and others.data.get("kinds", {}).get("external"):
            raise ValueError("mask.kinds external needs a file or folder of masks")
        return folder


class ModelConfig(Section):
    """The two generators. The defaults are the published networks."""

    filters: int = Field(64, ge=1, description="channels of the first layer, 1 or more")
    residual_blocks: int = Field(8, ge=0, description="blocks in the middle, 0 or more")
    hole_fill: Literal["white", "push_pull"] = Field(
        "white",
        description="what both generators see in the hole: white as published, or a "
        "smooth fill from its surroundings",
    )
    mask_channel: bool = Field(
        False, description="feed the mask to the inpaint generator as a further channel"
    )
    normalization: Literal["instance", "none"] = Field(
        "instance",
        description="normalization in the inpaint generator",
    )
    edge_norm: Literal["spectral", "none"] = Field(
        "spectral",
        description="in the edge generator: spectral and instance norm, or neither",
    )
    initializer: Literal["normal", "he"] = Field(
        "normal", description="first weights: N(0, 0.02) as published, or He's"
    )

    @field_validator("mask_channel")
    @classmethod
    def _push_pull_has_the_mask(
        cls, mask_channel: bool, others: ValidationInfo
    ) -> bool:
        if not mask_channel and others.data.get("hole_fill") == "push_pull":
            raise ValueError("model.hole_fill push_pull needs the mask channel")
        return mask_channel


class LossesConfig(Section):
    """The weights of the losses, all 0 or more."""

    adversarial: Literal["nonsaturating", "lsgan", "hinge"] = Field(
        "nonsaturating", description="form of the adversarial loss"
    )
    edge_adversarial: Weight = Field(1.0, description="edge stage: adversarial")
    feature_matching: Weight = Field(10.0, description="edge stage: feature matching")
    edge_cross_entropy: Weight = Field(
        0.0, description="edge stage: cross-entropy in the hole; learns soft lines fast"
    )
    l1: Weight = Field(1.0, description="inpaint stages: L1")
    l1_known: Fraction = Field(
        1.0, description="weight of a known pixel in L1 beside one of the hole, 0 to 1"
    )
    l1_share: Literal["batch", "photo"] = Field(
        "batch",
        description="L1 is per share of hole: of the batch's, or of each photo's own, "
        "so that small holes count as much as large ones",
    )
    inpaint_adversarial: Weight = Field(0.1, description="inpaint stages: adversarial")
    adversarial_of: Literal["prediction", "filled"] = Field(
        "prediction",
        description="inpaint stages: what the discriminator is shown: the raw "
        "prediction, as published, or the filled photo, its patches weighed by the "
        "share of hole that they cover",
    )
    perceptual: Weight = Field(0.1, description="inpaint stages: perceptual (VGG19)")
    perceptual_of: Literal["prediction", "filled"] = Field(
        "prediction",
        description="what perceptual compares: the raw prediction, as published, or "
        "the filled photo, per share of hole",
    )
    style: Weight = Field(250.0, description="inpaint stages: style (VGG19)")
    vgg_crop: int | None = Field(
        None,
        ge=16,
        description="side in pixels of the square that perceptual and style look at, "
        "at a place drawn for each step; null: the whole photo",
    )
    vgg_weights: str = Field(
        "imagenet",
        min_length=1,
        description="VGG19: imagenet (downloaded once), random (tests), or a .h5 file",
    )


class JointConfig(Section):
    """The last stage, which trains both generators together."""

    keep_edge_discriminator: bool = Field(
        False, description="keep the edge losses, as the published code intends"
    )


class Config(Section):
    """All settings of a run."""

    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="behind all that is random in a run"
    )
    data: DataConfig = Field(DataConfig(), description="photos")
    edge: EdgeConfig = Field(EdgeConfig(), description="lines")
    mask: MaskConfig = Field(MaskConfig(), description="holes")
    model: ModelConfig = Field(ModelConfig(), description="networks")
    losses: LossesConfig = Field(LossesConfig(), description="losses and their weights")
    joint: JointConfig = Field(JointConfig(), description="the joint stage")
    train: TrainConfig = Field(TrainConfig(), description="length, rates and outputs")
