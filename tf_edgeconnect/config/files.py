"""Loads, overrides and saves configs; an error is one line that names the key."""

import contextlib
import difflib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tf_edgeconnect.atomic import write_text
from tf_edgeconnect.config.settings import Config
from tf_edgeconnect.config.training import PER_STAGE
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.stages import STAGES

DEFAULT = "quickstart"
_PACKAGE = Path(__file__).resolve().parent.parent
_SHOWN = 3  # mistakes in one line; the rest is counted


class _Loader(yaml.SafeLoader):
    """Safe YAML in which unquoted `no` and `2024-01-01` are text and `1e-4` a number.

    PyYAML follows YAML 1.1, where it is the other way round. A repeated key is refused.
    """

    yaml_implicit_resolvers: dict = {}  # so any plain value is a str, see below

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys: list[Any] = []
        for key, _ in node.value:
            if key.value in keys:
                problem = f"duplicate key {key.value!r}"
                raise yaml.constructor.ConstructorError(
                    None, None, problem, key.start_mark
                )
            keys.append(key.value)
        return super().construct_mapping(node, deep)


def _construct(loader: _Loader, node: yaml.ScalarNode) -> Any:
    return node.value if node.style else _plain(node.value)  # a quoted one has a style


_Loader.add_constructor("tag:yaml.org,2002:str", _construct)


def _plain(text: str) -> Any:
    """Reads an unquoted value."""
    words = {"": None, "~": None, "null": None, "true": True, "false": False}
    if text.lower() in words:
        return words[text.lower()]
    if text[0] in "+-.0123456789":  # `nan` and `infinity` are text
        for number in (int, float):
            with contextlib.suppress(ValueError):
                return number(text)
    return text


def config_names() -> list[str]:
    """Lists the configs that ship with the package, by name."""
    return sorted(path.stem for path in _shipped_folder().glob("*.yaml"))


def load_config(
    name_or_file: str | os.PathLike | None = None, overrides: Sequence[str] = ()
) -> Config:
    """Loads a config by name or from a file, and applies overrides.

    Args:
        name_or_file: A name such as `places2`, a `.yaml` file, or None for
            `quickstart`.
        overrides: Dotted keys and values (`train.steps.edge=10`); a value is plain text
            or YAML in flow style (`mask.kinds={block: 1}`). Later ones win.

    Raises:
        InputError: If the config cannot be read, or a key or a value is wrong.

    Example:
        >>> load_config("places2", ["train.batch_size=4"]).train.batch_size
        4
    """
    path = _find(DEFAULT if name_or_file is None else os.fspath(name_or_file))
    settings = _over_defaults(_read(path))
    changed = [_apply(settings, override) for override in overrides]
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise InputError(validation_message(error, str(path), changed)) from None


def save_config(config: Config, path: str | os.PathLike) -> None:
    """Writes every setting as YAML that `load_config` reads back as an equal config."""
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    write_text(Path(path), text)


def setting_names(model: type[BaseModel] = Config, prefix: str = "") -> Iterator[str]:
    """Lists the dotted keys of all settings, such as `train` and `train.steps`."""
    for name, field in model.model_fields.items():
        yield prefix + name
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from setting_names(inner, f"{prefix}{name}.")


def validation_message(
    error: ValidationError, source: str, overridden: Sequence[str]
) -> str:
    """Formats pydantic's errors as one line.

    Args:
        error: what validating a `Config` raised.
        source: the file that the settings came from.
        overridden: dotted keys that came from overrides and not from the file.
    """
    mistakes = []
    for details in error.errors(include_url=False):
        # Pydantic adds the branch of a union, "(value)", and "[key]" of a mapping.
        parts = [str(part) for part in details["loc"]]
        key = ".".join(part for part in parts if part[:1] not in ("(", "["))
        own = any(f"{key}.".startswith(f"{it}.") for it in overridden)
        own |= any(it.startswith(f"{key}.") for it in overridden)
        where = "override" if own else f"config {source}"
        if details["type"] == "extra_forbidden":
            problem = f"unknown key{_nearest(key)}"
        else:
            problem = details["msg"].removeprefix("Value error, ")
            # A check between the settings of a section says itself what it got.
            if details["type"] != "value_error" or "." in key:
                got = repr(details["input"])
                problem += f", got {got if len(got) <= 60 else got[:57] + '...'}"
        mistakes.append(f"{where}: {key}: {problem}")
    more = len(mistakes) - _SHOWN
    text = "; ".join(mistakes[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return " ".join(text.split())


def _nearest(key: str) -> str:
    """Suggests the key that was meant: misspelt, or of another section."""
    *section, name = key.split(".")
    names = [other.split(".") for other in setting_names()]
    beside = {other[-1]: other for other in names if other[:-1] == section}
    close = [beside[it] for it in difflib.get_close_matches(name, beside, n=1)]
    close += [other for other in names if other[-1] == name]
    return f"; did you mean {'.'.join(close[0])}?" if close else ""


def _shipped_folder() -> Path:
    installed = _PACKAGE / "configs"
    return installed if installed.is_dir() else _PACKAGE.parent / "configs"


def _find(name_or_file: str) -> Path:
    if name_or_file in config_names():
        return _shipped_folder() / f"{name_or_file}.yaml"
    path = Path(name_or_file)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(
            f"config {name_or_file!r}: expected one of {', '.join(config_names())}, "
            "or a file that ends in .yaml"
        )
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise InputError(f"config {path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"config {path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"config {path}: not valid YAML: {_reason(error)}") from None
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise InputError(
            f"config {path}: expected `key: value` lines, got {type(settings).__name__}"
        )
    return settings


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return where + " ".join(problem.split())


def _over_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    # Defaults go in before the overrides, so that `mask.kinds.block=1` means the same
    # whether the file names mask.kinds or not.
    merged = Config().model_dump()
    for name, value in settings.items():
        section = merged.get(name)
        both = isinstance(section, dict) and isinstance(value, dict)
        merged[name] = section | value if both else value
    return merged


def _apply(settings: dict[str, Any], override: str) -> str:
    """Sets one `key=value` in place and returns the key."""
    key, equals, text = override.partition("=")
    key, text = key.strip(), text.strip()
    names = key.split(".")
    if not equals or not all(names):
        raise InputError(
            f"override {override!r}: expected key=value, such as train.steps=1000"
        )
    node = settings
    for depth, name in enumerate(names[:-1], start=1):
        inner = node.get(name)
        if not isinstance(inner, dict):
            # One value for all stages makes room for a stage's own.
            per_stage = names[:depth] in [["train", each] for each in PER_STAGE]
            inner = dict.fromkeys(STAGES, inner) if per_stage else {}
        node[name] = node = inner
    try:
        # Only these begin YAML: `sample:`, `*.tfrecord` and `a #1` are text here.
        in_yaml = text[:1] in ("{", "[", '"', "'") and text
        node[names[-1]] = yaml.load(text, _Loader) if in_yaml else _plain(text)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(
            f"override {override!r}: not valid YAML: {_reason(error)}"
        ) from None
    return key
