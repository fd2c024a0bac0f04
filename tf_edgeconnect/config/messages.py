"""Turns pydantic's report on a config into one line for its writer.

Each mistake reads `dotted.key: expected ..., got ...`, and an unknown key names the
nearest one there is.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tf_edgeconnect.config.models import Config

_SHOWN = 3  # mistakes in one line; the rest is counted
_EXPECTED = {
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "missing": "a value more",
    "too_long": "fewer values",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "string_too_short": "text",
    "multiple_of": "a multiple of {multiple_of}",
    "greater_than": "more than {gt:.12g}",
    "greater_than_equal": "{ge:.12g} or more",
    "less_than": "less than {lt:.12g}",
    "less_than_equal": "{le:.12g} or less",
}


def one_line(error: ValidationError, source: str, overridden: Sequence[str]) -> str:
    """Puts all mistakes into one line.

    Args:
        error: What validating a `Config` raised.
        source: The file that the settings came from.
        overridden: Dotted keys that came from overrides and not from the file.

    Returns:
        A line without a line break.
    """
    mistakes = []
    for details in error.errors(include_url=False):
        key = ".".join(_names(details["loc"]))
        from_override = any(_related(key, name) for name in overridden)
        where = "override" if from_override else f"config {source}"
        mistakes.append(f"{where}: {key or 'all'}: {_mistake(key, details)}")
    more = len(mistakes) - _SHOWN
    text = "; ".join(mistakes[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return " ".join(text.split())


def _related(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.") or other.startswith(f"{key}.")


def _names(location: Sequence[int | str]) -> list[str]:
    # Pydantic adds the branch of a union, "(value)", and "[key]" for a mapping's key.
    return [str(part) for part in location if str(part)[:1] not in ("(", "[")]


def _mistake(key: str, details: ErrorDetails) -> str:
    got = _shown(details["input"])
    if details["type"] == "extra_forbidden":
        hint = f"; did you mean {nearest}?" if (nearest := _nearest(key)) else ""
        return f"there is no such key{hint}"
    expected = _EXPECTED.get(details["type"])
    if expected is None:
        expected = re.sub("^(Input|Keys) should be ", "", details["msg"])
    return f"expected {expected.format(**details.get('ctx', {}))}, got {got}"


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _nearest(key: str) -> str | None:
    keys = list(setting_names())
    *section, name = key.split(".")
    siblings = {
        other.rpartition(".")[2]: other
        for other in keys
        if other.split(".")[:-1] == section
    }
    close = difflib.get_close_matches(name, siblings, n=1)
    if close:
        return siblings[close[0]]
    elsewhere = [other for other in keys if other.rpartition(".")[2] == name]
    return elsewhere[0] if elsewhere else None


def setting_names(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[str]:
    """Lists the dotted keys of all settings, such as `train` and `train.steps`."""
    for name, field in model.model_fields.items():
        yield prefix + name
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from setting_names(inner, f"{prefix}{name}.")
