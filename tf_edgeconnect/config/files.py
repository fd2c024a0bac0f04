"""Loads, overrides and saves a config; a mistake becomes one line that names the key.

YAML is read by YAML 1.2's rules for plain values, which PyYAML (1.1) does not follow:
`1e-4` and `2e6` are numbers, `no` and `2024-01-01` are text. A repeated key is refused.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tf_edgeconnect.config.messages import one_line
from tf_edgeconnect.config.models import Config
from tf_edgeconnect.config.training import PER_STAGE
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.stages import STAGES

DEFAULT = "quickstart"
_PACKAGE = Path(__file__).resolve().parent.parent


class _Loader(yaml.SafeLoader):
    """Safe YAML with 1.2's plain values and no repeated keys."""

    yaml_implicit_resolvers: dict = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _ in getattr(node, "value", ()):
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key != "<<" and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9_]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first
    )


def config_names() -> list[str]:
    """Lists the configs that ship with the package, by name."""
    return sorted(path.stem for path in _shipped_folder().glob("*.yaml"))


def load_config(
    name_or_file: str | os.PathLike | None = None, overrides: Sequence[str] = ()
) -> Config:
    """Loads a config by name or from a file, and applies overrides.

    Args:
        name_or_file: A name such as `places2`, a `.yaml` file, or None for the
            quickstart.
        overrides: `key=value`, the key dotted (`train.steps.edge=10`), the value plain
            text or YAML in flow style (`mask.kinds={block: 1}`). A later one wins.

    Returns:
        The config.

    Raises:
        InputError: If there is no such config, it cannot be read, or a key or a value
            is wrong.

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
        raise InputError(one_line(error, str(path), changed)) from None


def save_config(config: Config, path: str | os.PathLike) -> None:
    """Writes every setting as YAML that `load_config` reads back as an equal config.

    Args:
        config: The settings.
        path: Where to; an existing file is replaced in one go.
    """
    path = Path(path)
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


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
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
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
        if isinstance(section, dict) and isinstance(value, dict):
            merged[name] = {**section, **value}
        else:
            merged[name] = value
    return merged


def _apply(settings: dict[str, Any], override: str) -> str:
    """Sets one `key=value` in place and returns the key."""
    key, equals, text = override.partition("=")
    key = key.strip()
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
            per_stage = ".".join(names[:depth]) in PER_STAGE
            inner = dict.fromkeys(STAGES, inner) if per_stage else {}
        node[name] = node = inner
    node[names[-1]] = _value(override, text.strip())
    return key


def _value(override: str, text: str) -> Any:
    loader = _Loader(text)
    try:
        if text[:1] in ("{", "[", '"', "'"):
            return loader.get_single_data()
        # Anything else is one plain value: `sample:`, `*.tfrecord` and `a #1` are text
        # here, which YAML's syntax would take for more.
        tag = loader.resolve(yaml.ScalarNode, text, (True, False))
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(
            f"override {override!r}: not valid YAML: {_reason(error)}"
        ) from None
    finally:
        loader.dispose()
