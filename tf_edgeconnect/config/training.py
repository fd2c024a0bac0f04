"""The settings of training: length, learning rates and outputs."""

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

from tf_edgeconnect.stages import STAGES, HoleEdges, Stage


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
Beta = Annotated[float, Field(ge=0, lt=1)]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]
RATES = dict.fromkeys(STAGES, 1e-4) | {"joint": 1e-6}
PER_STAGE = ("steps", "learning_rate", "schedule", "lower_at")


class Section(BaseModel):
    """A section of a config: frozen, without unknown keys, finite numbers only."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,  # as the settings' descriptions
    )


class TrainConfig(Section):
    """Length, learning rates and outputs of training.

    `steps`, `learning_rate`, `schedule` and `lower_at` take one value, or a mapping
    from stage to value, in which a missing stage has its default. `for_stage` resolves
    them.
    """

    steps: PerStage[Count] = 2_000_000
    """length of a stage in steps"""
    batch_size: int = Field(8, ge=1)
    """photos per step, over all replicas"""
    learning_rate: PerStage[Rate] = RATES
    """Adam's learning rate for the generators, above 0"""
    hole_edges: Weights[HoleEdges] | None = None
    """edges in the hole that stages inpaint and edge-inpaint train on, and their
    relative frequencies (inpaint ignores predicted); null: canny in inpaint, predicted
    in edge-inpaint"""
    precision: Precision = "float32"
    """number format of the networks; mixed_bfloat16 keeps weights, losses and norms in
    float32 and is faster on devices with bfloat16; mixed_float16, for older GPUs, also
    scales the losses"""
    accumulate: int = Field(1, ge=1)
    """parts that a batch is split into to save memory, whose gradients are accumulated
    into one step; must divide batch_size / replicas"""
    jit_compile: bool = False
    """compile the training step with XLA; on a single device only"""
    memory_growth: bool = False
    """allocate GPU memory as needed; false: all of it at the start"""
    betas: tuple[Beta, Beta] = (0.0, 0.9)
    """Adam's beta_1 and beta_2, each 0 or more and below 1"""
    discriminator_rate: Rate = 0.1
    """the discriminators' learning rate as a multiple of the generators'; 3 works well
    with losses.focus hole"""
    schedule: PerStage[Schedule] = "constant"
    """learning rate schedule: constant, lowered at lower_at, or on a plateau"""
    lower_at: PerStage[tuple[Count, ...]] = ()
    """steps at which schedule steps lowers the learning rates, ascending"""
    lower_by: float = Field(0.1, gt=0, lt=1)
    """factor that lowers the learning rates, between 0 and 1"""
    patience: int = Field(5, ge=1)
    """validations without improvement that count as a plateau"""
    ema: float = Field(0.0, ge=0, lt=1)
    """decay of the moving average of the generators' weights; 0: off"""
    edge_threshold: float = Field(0.5, gt=0, lt=1)
    """probability above which the metrics count an edge as predicted"""
    deterministic: bool = False
    """make two runs agree bit for bit; slower on some devices"""
    log_every: int = Field(50, ge=1)
    """steps between log lines"""
    validate_every: int = Field(1000, ge=1)
    """steps between validations"""
    sample_every: int = Field(1000, ge=1)
    """steps between sample sheets"""
    checkpoint_every: int = Field(1000, ge=1)
    """steps between checkpoints"""
    keep_checkpoints: int = Field(3, ge=1)
    """number of checkpoints to keep"""
    val_examples: int = Field(64, ge=1)
    """maximum number of photos in a validation"""

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
                raise ValueError(f"lower_at: steps must ascend, got {list(steps)}")
            if not steps and _at(self.schedule, stage) == "steps":
                raise ValueError("schedule steps needs at least one step in lower_at")
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
    """The settings of one stage, from `TrainConfig.for_stage`."""

    steps: Count
    learning_rate: Rate
    schedule: Schedule
    lower_at: tuple[Count, ...]


def _at(value: Any, stage: Stage) -> Any:
    return value[stage] if isinstance(value, dict) else value
