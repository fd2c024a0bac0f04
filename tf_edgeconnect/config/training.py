"""The settings of training: how long, how fast, and what is written on the way."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from tf_edgeconnect.stages import STAGES, Stage


def _some_weight(weights: dict[Any, float]) -> dict[Any, float]:
    if not sum(weights.values()) > 0:
        raise ValueError("at least one weight must be above 0")
    return weights


Key = TypeVar("Key")
Value = TypeVar("Value")
# "A value, or a mapping stage -> value". The tag picks the branch, so that a mistake is
# reported for the branch that was meant and not for both.
PerStage = Annotated[
    Annotated[Value, Tag("(value)")] | Annotated[dict[Stage, Value], Tag("(stages)")],
    Discriminator(lambda value: "(stages)" if isinstance(value, dict) else "(value)"),
]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
Weights = Annotated[dict[Key, Weight], AfterValidator(_some_weight)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Schedule = Literal["constant", "steps", "plateau"]
HoleEdges = Literal["canny", "none", "predicted"]
Beta = Annotated[float, Field(ge=0, lt=1)]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
RATES = dict.fromkeys(STAGES, 1e-4) | {"joint": 1e-6}
PER_STAGE = ("steps", "learning_rate", "schedule", "lower_at")


class Section(BaseModel):
    """What all parts of a config share: frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,  # as the settings' descriptions
    )


class TrainConfig(Section):
    """How long, how fast, and what is written on the way.

    `steps`, `learning_rate`, `schedule` and `lower_at` take a value or a mapping from
    stage to value; a stage that the mapping leaves out has its default. `for_stage`
    resolves them.
    """

    steps: PerStage[Count] = 2_000_000
    """length of a stage in steps"""
    batch_size: int = Field(8, ge=1)
    """photos a step, over all replicas"""
    learning_rate: PerStage[Rate] = RATES
    """Adam's rate for the generators, above 0"""
    hole_edges: Weights[HoleEdges] | None = None
    """lines in the hole that stages inpaint and edge-inpaint paint along, and how often
    each comes (inpaint passes predicted over); null: canny in inpaint, predicted in
    edge-inpaint"""
    precision: Precision = "float32"
    """arithmetic of the networks; mixed_bfloat16 keeps weights, losses and norms in
    float32 and is faster where the device has bfloat16; mixed_float16, for older GPUs,
    also scales the losses"""
    accumulate: int = Field(1, ge=1)
    """parts that a batch is split into; they are taken one after the other and make one
    step, with less memory; divides batch_size / replicas"""
    jit_compile: bool = False
    """compile the step by XLA; on one device only"""
    memory_growth: bool = False
    """take a GPU's memory as it is needed; false: all of it at the start"""
    betas: tuple[Beta, Beta] = (0.0, 0.9)
    """Adam's two decays, each 0 or more and below 1"""
    discriminator_rate: Rate = 0.1
    """the discriminators' rate as a factor of the generators'; 3 was found good where
    losses.adversarial_of is filled"""
    schedule: PerStage[Schedule] = "constant"
    """when the rates fall: never, at lower_at, on a plateau"""
    lower_at: PerStage[tuple[Count, ...]] = ()
    """steps at which the rates fall, rising (schedule steps)"""
    lower_by: float = Field(0.1, gt=0, lt=1)
    """factor by which the rates fall, between 0 and 1"""
    patience: int = Field(5, ge=1)
    """validations without gain that make a plateau"""
    ema: float = Field(0.0, ge=0, lt=1)
    """decay of averaged generator weights; 0: off"""
    edge_threshold: float = Field(0.5, gt=0, lt=1)
    """above it a predicted edge counts as one (metrics)"""
    deterministic: bool = False
    """two runs agree bit for bit; slower on some devices"""
    log_every: int = Field(50, ge=1)
    """steps between two lines of the log"""
    validate_every: int = Field(1000, ge=1)
    """steps between two validations"""
    sample_every: int = Field(1000, ge=1)
    """steps between two sample sheets"""
    checkpoint_every: int = Field(1000, ge=1)
    """steps between checkpoints"""
    keep_checkpoints: int = Field(3, ge=1)
    """how many checkpoints are kept"""
    val_examples: int = Field(64, ge=1)
    """photos of a validation, at most"""

    @field_validator(*PER_STAGE)
    @classmethod
    def _every_stage_has_a_value(cls, value: Any, others: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            return value
        default = cls.model_fields[str(others.field_name)].default
        if not isinstance(default, dict):
            default = dict.fromkeys(STAGES, default)
        return {stage: value.get(stage, default[stage]) for stage in STAGES}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"accumulate {self.accumulate} must divide batch_size {self.batch_size}"
            )
        for stage in STAGES:
            steps = _at(self.lower_at, stage)
            if list(steps) != sorted(set(steps)):
                raise ValueError(f"lower_at: steps must rise, got {list(steps)}")
            if not steps and _at(self.schedule, stage) == "steps":
                raise ValueError("schedule steps needs a step or more in lower_at")
        return self

    def for_stage(self, stage: Stage) -> "StageConfig":
        """Resolves what may differ by stage.

        Args:
            stage: One of `STAGES`.

        Returns:
            The same settings, with `steps`, `learning_rate`, `schedule` and `lower_at`
            as plain values.

        Raises:
            ValueError: If there is no such stage.
        """
        if stage not in STAGES:
            raise ValueError(f"stage must be one of {', '.join(STAGES)}; got {stage!r}")
        plain = {name: _at(getattr(self, name), stage) for name in PER_STAGE}
        return StageConfig.model_construct(**{**dict(self), **plain})


class StageConfig(TrainConfig):
    """The settings of one stage, as `TrainConfig.for_stage` resolves them."""

    steps: Count
    learning_rate: Rate
    schedule: Schedule
    lower_at: tuple[Count, ...]


def _at(value: Any, stage: Stage) -> Any:
    return value[stage] if isinstance(value, dict) else value
