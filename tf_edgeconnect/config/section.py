"""What the parts of a config are made of: the base model, ranges, values by stage.

Parts are frozen, refuse unknown keys and convert what can be converted (`"3"` is 3).
"""

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from tf_edgeconnect.stages import Stage

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
Fraction = Annotated[float, Field(ge=0, le=1)]


def wrong(expected: str) -> PydanticCustomError:
    """Makes the error of a validator: `expected` completes "expected ..., got ..."."""
    return PydanticCustomError("setting", "Input should be {it}", {"it": expected})


class Section(BaseModel):
    """What all parts of a config share: frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )
