"""Turns the `config.yml` of the published system into a config of this one.

Enters: a file of the original's upper-case keys. Leaves: a `Config`, and one line for
each key: what it became, or that it has no counterpart and what to do instead. A key
that is missing takes the original's default, as it did there; where that default is not
what the paper says, a warning names both.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.config.files import validation_message
from tf_edgeconnect.errors import InputError

_STAGES: dict[int, Stage] = {1: "edge", 2: "inpaint", 3: "edge-inpaint", 4: "joint"}
_COMMANDS = {1: "train", 2: "inpaint --published", 3: "evaluate"}
_MASK_KINDS = {
    1: {"block": 1.0},
    2: {"half": 1.0},
    3: {"external": 1.0},
    4: {"external": 1.0, "block": 1.0},
    5: {"external": 1.0, "block": 1.0, "half": 1.0},
    6: {"external": 1.0},
}
_EDGE_SOURCES = {1: "canny", 2: "external"}
_ADVERSARIAL = {"nsgan": "nonsaturating", "lsgan": "lsgan", "hinge": "hinge"}
_DEFAULTS = {"MODE": 1, "MODEL": 1, "MASK": 3, "EDGE": 1, "NMS": 1, "GAN_LOSS": "nsgan"}
_DEFAULTS |= {"BETA1": 0.0, "BETA2": 0.9, "INPUT_SIZE": 256}
# Numbers that are taken as they are: the original's default, and our setting.
_NUMBERS: dict[str, tuple[int | float, str]] = {
    "SEED": (10, "seed"),
    "BATCH_SIZE": (8, "train.batch_size"),
    "MAX_ITERS": (2_000_000, "train.steps"),
    "LR": (1e-4, "train.learning_rate"),
    "D2G_LR": (0.1, "train.discriminator_rate"),
    "SIGMA": (2.0, "edge.sigma"),
    "EDGE_THRESHOLD": (0.5, "train.edge_threshold"),
    "L1_LOSS_WEIGHT": (1.0, "losses.l1"),
    "FM_LOSS_WEIGHT": (10.0, "losses.feature_matching"),
    "STYLE_LOSS_WEIGHT": (1.0, "losses.style"),
    "CONTENT_LOSS_WEIGHT": (1.0, "losses.perceptual"),
    "INPAINT_ADV_LOSS_WEIGHT": (0.01, "losses.inpaint_adversarial"),
}
_INTERVALS = {
    "SAVE_INTERVAL": (1000, "train.checkpoint_every"),
    "SAMPLE_INTERVAL": (1000, "train.sample_every"),
    "EVAL_INTERVAL": (0, "train.validate_every"),
    "LOG_INTERVAL": (10, "train.log_every"),
}
_PAPER = {
    "STYLE_LOSS_WEIGHT": 250,
    "CONTENT_LOSS_WEIGHT": 0.1,
    "INPAINT_ADV_LOSS_WEIGHT": 0.1,
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
_LISTS = ("TRAIN_FLIST", "VAL_FLIST", "TRAIN_MASK_FLIST", "TRAIN_EDGE_FLIST")
KEYS = (*_DEFAULTS, *_NUMBERS, *_INTERVALS, *_LISTS, *_NO_COUNTERPART)


class ConvertedConfig(NamedTuple):
    """What became of a config of the original.

    Args:
        config: ours.
        stage: what `MODEL` asked for; a stage is named to `train` and not in a config.
        lines: one for each key, in the order of the file, missing keys behind.
        warnings: what the user should know or do.
    """

    config: Config
    stage: Stage
    lines: list[str]
    warnings: list[str]


def convert_config(path: str | Path) -> ConvertedConfig:
    """Reads a `config.yml` of the original and translates it.

    Raises:
        InputError: no such config, or a value that the original would not take either.
        OSError: the file cannot be read.
    """
    return _Translation(Path(path)).run()


def original_sigma(path: str | Path) -> float:
    """Returns the `SIGMA` that a config of the original asks Canny for, in pixels.

    Raises:
        InputError: as `convert_config`.
    """
    return _Translation(Path(path)).number("SIGMA")


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


class _Translation:
    """One file on its way: what came, what it becomes, what is to be said."""

    def __init__(self, path: Path):
        self.path = path
        self.given = _read(path)
        self.settings: dict[str, Any] = {}
        self.becomes: dict[str, str] = {}
        self.warnings: list[str] = []

    def run(self) -> ConvertedConfig:
        stage = self._mode_and_stage()
        self._data()
        self._masks()
        self._edges()
        self._training(stage)
        for key in self.given:
            if key in _NO_COUNTERPART:
                self.none(key, _NO_COUNTERPART[key])
            elif key not in KEYS:
                self.none(key, "not a key of the original either")
                self.warnings.append(f"{key} is no key of the original: left out")
        try:
            config = Config.model_validate(self.settings)
        except ValidationError as error:
            raise InputError(validation_message(error, str(self.path), [])) from None
        missing = [key for key in self.becomes if key not in self.given]
        lines = [
            f"{key}: {_shown(self.value(key))}"
            + (" (missing, the original's default)" if key in missing else "")
            + f" -> {self.becomes[key]}"
            for key in [*self.given, *missing]
        ]
        return ConvertedConfig(config, stage, lines, self.warnings)

    # --- reading -------------------------------------------------------------------

    def value(self, key: str) -> Any:
        numbers = {
            key: default for key, (default, _) in (_NUMBERS | _INTERVALS).items()
        }
        return self.given.get(key, (_DEFAULTS | numbers).get(key))

    def number(self, key: str, kind: type = float) -> Any:
        # YAML takes 2e6 for text, and so the original had to convert it, too.
        value = self.value(key)
        try:
            found = float("no number" if isinstance(value, bool) else value)
        except (TypeError, ValueError):
            raise self.wrong(key, "a number") from None
        if kind is int and not found.is_integer():
            raise self.wrong(key, "a whole number")
        return kind(found)

    def choice(self, key: str, choices: Mapping[Any, Any]) -> Any:
        value = self.value(key)
        if isinstance(value, bool) or value not in choices:
            raise self.wrong(key, "one of " + ", ".join(map(str, choices)))
        return choices[value]

    def wrong(self, key: str, expected: str) -> InputError:
        shown = repr(self.value(key))[:60]
        return InputError(f"{self.path}: {key}: expected {expected}, got {shown}")

    # --- writing -------------------------------------------------------------------

    def set(self, key: str, name: str, value: Any) -> None:
        *sections, last = name.split(".")
        node = self.settings
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = value
        said = f"{name}: {_shown(value)}"
        self.becomes[key] = ", ".join(filter(None, [self.becomes.get(key), said]))

    def none(self, key: str, instead: str) -> None:
        self.becomes[key] = f"no counterpart: {instead}"

    # --- the parts -----------------------------------------------------------------

    def _mode_and_stage(self) -> Stage:
        command, stage = self.choice("MODE", _COMMANDS), self.choice("MODEL", _STAGES)
        self.becomes["MODE"] = f"the command `{command}`"
        self.becomes["MODEL"] = f"`train --stage {stage}`"
        if stage == "joint":
            # As the original intends; the paper's joint stage has no edge losses.
            self.set("MODEL", "joint.keep_edge_discriminator", True)
        return stage

    def _data(self) -> None:
        for key, name in (("TRAIN_FLIST", "data.train"), ("VAL_FLIST", "data.val")):
            if key in self.given:
                self.set(key, name, str(self.given[key]))
        if "TRAIN_FLIST" not in self.given:
            self.warnings.append(
                "TRAIN_FLIST is missing: name your photos with `train --data`, or they "
                "are the few that ship as `sample:`"
            )
        size = self.number("INPUT_SIZE", int)
        if size == 0:
            self.none("INPUT_SIZE", "photos are trained on at one size; 256 is kept")
            self.warnings.append(
                "INPUT_SIZE 0 (photos as they are) exists for `inpaint` only, which "
                "takes any size; training keeps data.size: 256"
            )
        else:
            self.set("INPUT_SIZE", "data.size", size)

    def _masks(self) -> None:
        kinds = self.choice("MASK", _MASK_KINDS)
        self.set("MASK", "mask.kinds", kinds)
        self._folder("TRAIN_MASK_FLIST", "mask.folder", "masks", "external" in kinds)
        if self.value("MASK") == 6:
            self.warnings.append(
                "MASK 6 pairs masks with photos one by one: `inpaint` and `evaluate` "
                "do so by name; training draws them at random"
            )

    def _edges(self) -> None:
        source = self.choice("EDGE", _EDGE_SOURCES)
        self.set("EDGE", "edge.source", source)
        external = source == "external"
        self._folder("TRAIN_EDGE_FLIST", "edge.folder", "edge maps", external)
        thin = self.choice("NMS", {0: False, 1: True})
        if external:
            self.set("NMS", "edge.non_max_suppression", thin)
        else:
            self.none("NMS", "it thins external edges only")

    def _folder(self, key: str, name: str, what: str, needed: bool) -> None:
        if key not in self.given:
            if needed:
                raise InputError(
                    f"{self.path}: {key} is missing, which names the {what}"
                )
            return
        if not needed:
            self.none(key, f"no {what} are read from files with these settings")
            return
        folder, note = _folder_of(str(self.given[key]), what)
        self.set(key, name, folder)
        if note:
            self.warnings.append(f"{key}: {note}")

    def _training(self, stage: Stage) -> None:
        self.set(
            "GAN_LOSS", "losses.adversarial", self.choice("GAN_LOSS", _ADVERSARIAL)
        )
        for key, (default, name) in _NUMBERS.items():
            self.set(key, name, self.number(key, type(default)))
        for key in ("BETA1", "BETA2"):
            betas = [self.number("BETA1"), self.number("BETA2")]
            self.set(key, "train.betas", betas)
        steps = max(self.number("MAX_ITERS", int), 1)
        for key, (_, name) in _INTERVALS.items():
            # 0 was "never"; the nearest to it is once, at the end.
            self.set(key, name, self.number(key, int) or steps)
        for key, value in _PAPER.items():
            if key not in self.given:
                default, name = _NUMBERS[key]
                self.warnings.append(
                    f"{key} is missing: the original's default {default:g} is taken, "
                    f"but the paper has {value} ({name})"
                )
        if stage == "joint" and self.number("LR") > 1e-6:
            self.warnings.append(
                f"LR {self.number('LR'):g} holds for the joint stage too, where the "
                "paper has 1e-06 (train.learning_rate)"
            )


def _folder_of(value: str, what: str) -> tuple[str, str | None]:
    """Finds the folder behind a file list, and what to tell the user of it."""
    path = Path(value)
    if path.is_dir():
        return value, None
    try:
        names = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return value, f"{value} is no list to be read here: name a folder of {what}"
    parents = {os.path.dirname(name.strip()) for name in names if name.strip()}
    if not parents or "" in parents:
        return value, f"{value} names no folder: put the {what} into one and name it"
    try:
        folder = os.path.commonpath(parents)
    except ValueError:  # some absolute, some not
        return value, f"{value} names files far apart: put the {what} into one folder"
    return folder, f"a list became the folder of its files, {folder}: all {what} there"


def _shown(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return text.removesuffix("\n...").strip()
