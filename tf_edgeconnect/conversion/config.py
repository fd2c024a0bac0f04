"""Converts the `config.yml` of the published system.

A missing key takes the default of the original; where that contradicts the paper, a
warning names both.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.config.files import validation_message
from tf_edgeconnect.errors import InputError


class _Key(NamedTuple):
    """A key of the original: our setting, if any, its default and its choices.

    A number has no choices.
    """

    setting: str
    default: int | float | str
    choices: Mapping[Any, Any] | None = None


_MASK_KINDS = {
    1: {"block": 1.0},
    2: {"half": 1.0},
    3: {"external": 1.0},
    4: {"external": 1.0, "block": 1.0},
    5: {"external": 1.0, "block": 1.0, "half": 1.0},
    6: {"external": 1.0},
}
_ADVERSARIAL = {"nsgan": "nonsaturating", "lsgan": "lsgan", "hinge": "hinge"}
_VALUES = {
    "MODE": _Key("", 1, {1: "train", 2: "inpaint --published", 3: "evaluate"}),
    "MODEL": _Key("", 1, {1: "edge", 2: "inpaint", 3: "edge-inpaint", 4: "joint"}),
    "INPUT_SIZE": _Key("data.size", 256),
    "MASK": _Key("mask.kinds", 3, _MASK_KINDS),
    "EDGE": _Key("edge.source", 1, {1: "canny", 2: "external"}),
    "NMS": _Key("edge.non_max_suppression", 1, {0: False, 1: True}),
    "GAN_LOSS": _Key("losses.adversarial", "nsgan", _ADVERSARIAL),
    "SEED": _Key("seed", 10),
    "BATCH_SIZE": _Key("train.batch_size", 8),
    "MAX_ITERS": _Key("train.steps", 2_000_000),
    "LR": _Key("train.learning_rate", 1e-4),
    "D2G_LR": _Key("train.discriminator_rate", 0.1),
    "SIGMA": _Key("edge.sigma", 2.0),
    "EDGE_THRESHOLD": _Key("train.edge_threshold", 0.5),
    "L1_LOSS_WEIGHT": _Key("losses.l1", 1.0),
    "FM_LOSS_WEIGHT": _Key("losses.feature_matching", 10.0),
    "STYLE_LOSS_WEIGHT": _Key("losses.style", 1.0),
    "CONTENT_LOSS_WEIGHT": _Key("losses.perceptual", 1.0),
    "INPAINT_ADV_LOSS_WEIGHT": _Key("losses.inpaint_adversarial", 0.01),
    "BETA1": _Key("train.betas", 0.0),
    "BETA2": _Key("train.betas", 0.9),
    "SAVE_INTERVAL": _Key("train.checkpoint_every", 1000),
    "SAMPLE_INTERVAL": _Key("train.sample_every", 1000),
    "EVAL_INTERVAL": _Key("train.validate_every", 0),
    "LOG_INTERVAL": _Key("train.log_every", 10),
}
_PAPER = {
    "STYLE_LOSS_WEIGHT": 250,
    "CONTENT_LOSS_WEIGHT": 0.1,
    "INPAINT_ADV_LOSS_WEIGHT": 0.1,
}
_LISTS = {
    "TRAIN_FLIST": "data.train",
    "VAL_FLIST": "data.val",
    "TRAIN_MASK_FLIST": "mask.folder",
    "TRAIN_EDGE_FLIST": "edge.folder",
}
_NO_COUNTERPART = {
    "GPU": "choose devices with CUDA_VISIBLE_DEVICES, several with --strategy mirrored",
    "DEBUG": "the test script's extra pictures: `inpaint --save-edges`",
    "VERBOSE": "every loss is always logged",
    "TEST_FLIST": "name the photos to `inpaint` or `evaluate`",
    "TEST_EDGE_FLIST": "name the edges to `inpaint --edges`",
    "TEST_MASK_FLIST": "name the masks to `inpaint` or `evaluate --masks`",
    "VAL_EDGE_FLIST": "validation photos take their edges from edge.folder too",
    "VAL_MASK_FLIST": "validation holes are drawn as in training, fixed by position",
    "GAN_POOL_SIZE": "the original never used it either",
    "SAMPLE_SIZE": "sample sheets have a size of their own",
    "RESULTS": "name the results with `inpaint -o`",
}
KEYS = (*_VALUES, *_LISTS, *_NO_COUNTERPART)
_NONE = "no counterpart: "

# The name and value of a setting of ours, or a sentence on a key that becomes none.
_Counterpart = tuple[str, Any] | str


class ConvertedConfig(NamedTuple):
    """A converted config.

    Attributes:
        config: our settings.
        stage: that of `MODEL`, an option of `train` here.
        lines: what each key became.
        warnings: one line each.
    """

    config: Config
    stage: Stage
    lines: list[str]
    warnings: list[str]


def convert_config(path: str | Path) -> ConvertedConfig:
    """Converts a `config.yml` of the original.

    Raises:
        InputError: no such config, or a value that the original would not take either.
        OSError: the file cannot be read.
    """
    path = Path(path)
    given = _read(path)
    values = {key: _value(path, given, key) for key in _VALUES}
    folders, notes = _folders(path, given, values)
    counterparts = _counterparts(given, values) | folders
    # As the original intends; the paper's joint stage has no edge losses.
    settings: dict = {"joint": {"keep_edge_discriminator": values["MODEL"] == "joint"}}
    lines = []
    for key in [*given, *(key for key in _VALUES if key not in given)]:
        becomes = counterparts[key]
        if isinstance(becomes, tuple):
            name, value = becomes
            section, _, field = name.rpartition(".")
            (settings.setdefault(section, {}) if section else settings)[field] = value
            becomes = f"{name}: {_as_yaml(value)}"
        came = _as_yaml(given[key] if key in given else _VALUES[key].default)
        missing = "" if key in given else " (missing, the original's default)"
        lines.append(f"{key}: {came}{missing} -> {becomes}")
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        raise InputError(validation_message(error, str(path), [])) from None
    warnings = [*_warnings(given, values), *notes]
    return ConvertedConfig(config, values["MODEL"], lines, warnings)


def original_sigma(path: str | Path) -> float:
    """Returns the `SIGMA` of a config of the original, in pixels.

    Raises:
        InputError: as `convert_config`.
    """
    path = Path(path)
    return _value(path, _read(path), "SIGMA")


def _read(path: Path) -> dict[str, Any]:
    """Reads the keys of a `config.yml`; empty ones count as missing."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not valid YAML: {reason}") from None
    if not isinstance(found, dict) or not set(KEYS) & set(map(str, found)):
        raise InputError(
            f"{path}: not a config of the original EdgeConnect, which has keys such as "
            "MODE, MODEL and MASK"
        )
    return {str(key): value for key, value in found.items() if value is not None}


def _value(path: Path, given: dict[str, Any], key: str) -> Any:
    """Reads a number, or what a choice becomes."""
    _, default, choices = _VALUES[key]
    value = given.get(key, default)
    if choices is None:
        expected = "a number"
        with contextlib.suppress(TypeError, ValueError):
            # YAML takes 2e6 for text, and so the original had to convert it, too.
            number = float("" if isinstance(value, bool) else value)
            if isinstance(default, float) or number.is_integer():
                return type(default)(number)
            expected = "a whole number"
    else:
        expected = f"one of {', '.join(map(str, choices))}"
        for choice, becomes in choices.items():
            if value == choice and not isinstance(value, bool):
                return becomes
    raise InputError(f"{path}: {key}: expected {expected}, got {value!r:.60}")


def _counterparts(
    given: dict[str, Any], values: dict[str, Any]
) -> dict[str, _Counterpart]:
    """Finds what each key becomes, except for the folders of masks and edges."""
    found: dict[str, _Counterpart] = {
        key: (_VALUES[key].setting, value) for key, value in values.items()
    }
    found["MODE"] = f"the command `{values['MODE']}`"
    joint = values["MODEL"] == "joint"
    found["MODEL"] = f"`train --stage {values['MODEL']}`" + (
        ", joint.keep_edge_discriminator: true" if joint else ""
    )
    betas = ("train.betas", [values["BETA1"], values["BETA2"]])
    found |= {"BETA1": betas, "BETA2": betas}
    for key in values:
        if key.endswith("_INTERVAL") and values[key] == 0:
            # 0 was "never"; the nearest to it is once, at the end.
            found[key] = (_VALUES[key].setting, max(values["MAX_ITERS"], 1))
    if values["INPUT_SIZE"] == 0:
        found["INPUT_SIZE"] = _NONE + "photos are trained on at one size; 256 is kept"
    if values["EDGE"] != "external":
        found["NMS"] = _NONE + "it thins external edges only"
    for key in given:
        if key in _LISTS:
            found[key] = (_LISTS[key], str(given[key]))
        elif key not in _VALUES:
            why = _NO_COUNTERPART.get(key, "not a key of the original either")
            found[key] = _NONE + why
    return found


def _folders(
    path: Path, given: dict[str, Any], values: dict[str, Any]
) -> tuple[dict[str, _Counterpart], list[str]]:
    """Finds the folders of the listed masks and edges; returns warnings, too."""
    found: dict[str, _Counterpart] = {}
    notes = []
    for key, what, needed in (
        ("TRAIN_MASK_FLIST", "masks", "external" in values["MASK"]),
        ("TRAIN_EDGE_FLIST", "edge maps", values["EDGE"] == "external"),
    ):
        if needed and key not in given:
            raise InputError(f"{path}: {key} is missing, which names the {what}")
        if not needed:
            found[key] = f"{_NONE}no {what} are read from files with these settings"
            continue
        listed = str(given[key])
        if Path(listed).is_dir():
            continue
        folder = _common_folder(listed)
        found[key] = (_LISTS[key], folder or listed)
        notes.append(
            f"{key}: a list became the folder of its files, {folder}: all {what} there"
            if folder
            else f"{key}: {listed} is no list of files in one folder: put the {what} "
            "into one and name it"
        )
    return found, notes


def _common_folder(file: str) -> str:
    """Returns the folder above all files of a list, or ""."""
    try:
        lines = Path(file).read_text(encoding="utf-8").split("\n")
        names = [line.strip() for line in lines if line.strip()]
        return os.path.commonpath([os.path.dirname(name) for name in names])
    except (OSError, ValueError):  # no text, no file, or some absolute and some not
        return ""


def _warnings(given: dict[str, Any], values: dict[str, Any]) -> Iterator[str]:
    if "TRAIN_FLIST" not in given:
        yield (
            "TRAIN_FLIST is missing: name your photos with `train --data`, or they are "
            "the few that ship as `sample:`"
        )
    if values["INPUT_SIZE"] == 0:
        yield (
            "INPUT_SIZE 0 (photos as they are) exists for `inpaint` only, which takes "
            "any size; training keeps data.size: 256"
        )
    if given.get("MASK") == 6:
        yield (
            "MASK 6 pairs masks with photos one by one: `inpaint` and `evaluate` do so "
            "by name; training draws them at random"
        )
    for key, published in _PAPER.items():
        if key not in given:
            setting, default, _ = _VALUES[key]
            yield (
                f"{key} is missing: the original's default {default:g} is taken, but "
                f"the paper has {published} ({setting})"
            )
    if values["MODEL"] == "joint" and values["LR"] > 1e-6:
        yield (
            f"LR {values['LR']:g} holds for the joint stage too, where the paper has "
            "1e-06 (train.learning_rate)"
        )
    for key in given:
        if key not in KEYS:
            yield f"{key} is no key of the original: left out"


def _as_yaml(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return text.removesuffix("\n...").strip()
