"""Turns the `config.yml` of the published system into a config of this one.

Enters: a file of the original's upper-case keys. Leaves: a `Config`, and one line for
each key: what it became, or that it has no counterpart and what to do instead. A key
that is missing takes the original's default, as it did there; where that default is not
what the paper says, a warning names both.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from tf_edgeconnect.config import Config, Stage
from tf_edgeconnect.config.messages import one_line
from tf_edgeconnect.conversion.config_keys import (
    ADVERSARIAL,
    DEFAULTS,
    INTERVALS,
    KNOWN,
    MASK_KINDS,
    NO_COUNTERPART,
    PAPER,
    SAME,
    STAGES,
    WHOLE,
)
from tf_edgeconnect.conversion.config_lists import folder_of
from tf_edgeconnect.errors import InputError


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

    Args:
        path: the file.

    Returns:
        Our config and what to say about it.

    Raises:
        InputError: no such config, or a value that the original would not take either.
        OSError: the file cannot be read.
    """
    return _Translation(Path(path), read_original(path)).run()


def read_original(path: str | Path) -> dict[str, Any]:
    """Reads the keys of a `config.yml` of the original; empty ones count as missing.

    Raises:
        InputError: it is no YAML, or holds none of the original's keys.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not valid YAML: {reason}") from None
    if not isinstance(found, dict) or not KNOWN & set(map(str, found)):
        raise InputError(
            f"{path}: not a config of the original EdgeConnect, which has keys such as "
            "MODE, MODEL and MASK"
        )
    return {str(key): value for key, value in found.items() if value is not None}


def original_sigma(path: str | Path) -> float:
    """The `SIGMA` that a config of the original asks Canny for, in pixels.

    Raises:
        InputError: as `convert_config`.
    """
    return _Translation(Path(path), read_original(path)).number("SIGMA")


class _Translation:
    """One file on its way: what came, what it becomes, what is to be said."""

    def __init__(self, path: Path, given: Mapping[str, Any]):
        self.path = path
        self.given = given
        self.settings: dict[str, Any] = {}
        self.becomes: dict[str, str] = {}
        self.warnings: list[str] = []

    def run(self) -> ConvertedConfig:
        stage: Stage = STAGES[self.choice("MODEL", STAGES)]
        self._mode_and_stage(stage)
        self._data()
        self._masks()
        self._edges()
        self._losses()
        self._training(stage)
        self._rest()
        try:
            config = Config.model_validate(self.settings)
        except ValidationError as error:
            raise InputError(one_line(error, str(self.path), [])) from None
        return ConvertedConfig(config, stage, self._lines(), self.warnings)

    # --- reading -------------------------------------------------------------------

    def value(self, key: str) -> Any:
        return self.given.get(key, DEFAULTS.get(key))

    def number(self, key: str) -> float:
        # YAML takes 2e6 for text, and so the original had to convert it, too.
        value = self.value(key)
        try:
            if isinstance(value, bool):
                raise ValueError
            return float(value)
        except (TypeError, ValueError):
            raise self.wrong(key, "a number") from None

    def whole(self, key: str) -> int:
        value = self.number(key)
        if not value.is_integer():
            raise self.wrong(key, "a whole number")
        return int(value)

    def choice(self, key: str, choices: Mapping[Any, Any]) -> Any:
        value = self.value(key)
        if isinstance(value, bool) or value not in choices:
            raise self.wrong(key, "one of " + ", ".join(map(str, choices)))
        return value

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

    def _lines(self) -> list[str]:
        order = [*self.given, *(key for key in self.becomes if key not in self.given)]
        return [
            f"{key}: {_shown(self.value(key))}"
            + ("" if key in self.given else " (missing, the original's default)")
            + f" -> {self.becomes[key]}"
            for key in order
        ]

    # --- the parts -----------------------------------------------------------------

    def _mode_and_stage(self, stage: Stage) -> None:
        mode = self.choice("MODE", {1: "train", 2: "inpaint", 3: "evaluate"})
        command = {1: "train", 2: "inpaint --published", 3: "evaluate"}[mode]
        self.becomes["MODE"] = f"the command `{command}`"
        self.becomes["MODEL"] = f"`train --stage {stage}`"
        if stage == "joint":
            # As the original intends; the paper's joint stage has no edge losses.
            self.set("MODEL", "joint.keep_edge_discriminator", True)

    def _data(self) -> None:
        for key, name in (("TRAIN_FLIST", "data.train"), ("VAL_FLIST", "data.val")):
            if key in self.given:
                self.set(key, name, str(self.given[key]))
        if "TRAIN_FLIST" not in self.given:
            self.warnings.append(
                "TRAIN_FLIST is missing: name your photos with `train --data`, or they "
                "are the few that ship as `sample:`"
            )
        size = self.whole("INPUT_SIZE")
        if size == 0:
            self.none("INPUT_SIZE", "photos are trained on at one size; 256 is kept")
            self.warnings.append(
                "INPUT_SIZE 0 (photos as they are) exists for `inpaint` only, which "
                "takes any size; training keeps data.size: 256"
            )
        else:
            self.set("INPUT_SIZE", "data.size", size)

    def _masks(self) -> None:
        kinds = MASK_KINDS[self.choice("MASK", MASK_KINDS)]
        self.set("MASK", "mask.kinds", kinds)
        self._folder("TRAIN_MASK_FLIST", "mask.folder", "masks", "external" in kinds)
        if self.value("MASK") == 6:
            self.warnings.append(
                "MASK 6 pairs masks with photos one by one: `inpaint` and `evaluate` "
                "do so by name; training draws them at random"
            )

    def _edges(self) -> None:
        source = {1: "canny", 2: "external"}
        external = self.choice("EDGE", source) == 2
        self.set("EDGE", "edge.source", source[self.value("EDGE")])
        self._folder("TRAIN_EDGE_FLIST", "edge.folder", "edge maps", external)
        thin = self.choice("NMS", {0: False, 1: True}) == 1
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
        folder, note = folder_of(str(self.given[key]), what)
        self.set(key, name, folder)
        if note:
            self.warnings.append(f"{key}: {note}")

    def _losses(self) -> None:
        kind = self.choice("GAN_LOSS", ADVERSARIAL)
        self.set("GAN_LOSS", "losses.adversarial", ADVERSARIAL[kind])
        for key, name in SAME.items():
            self.set(key, name, self.number(key))
        for key, value in PAPER.items():
            if key not in self.given:
                self.warnings.append(
                    f"{key} is missing: the original's default {DEFAULTS[key]} is "
                    f"taken, but the paper has {value} ({SAME[key]})"
                )

    def _training(self, stage: Stage) -> None:
        for key, name in WHOLE.items():
            self.set(key, name, self.whole(key))
        self.set("LR", "train.learning_rate", self.number("LR"))
        if stage == "joint" and self.number("LR") > 1e-6:
            self.warnings.append(
                f"LR {self.number('LR'):g} holds for the joint stage too, where the "
                "paper has 1e-06 (train.learning_rate)"
            )
        for key, fixed in (("BETA1", 0.0), ("BETA2", 0.9)):
            self.none(key, f"Adam's is fixed at {fixed:g}")
            if self.number(key) != fixed:
                self.warnings.append(
                    f"{key} {self.number(key):g} is lost: Adam's is fixed at {fixed:g}"
                )
        steps = max(self.whole("MAX_ITERS"), 1)
        for key, name in INTERVALS.items():
            # 0 was "never"; the nearest to it is once, at the end.
            self.set(key, name, self.whole(key) or steps)

    def _rest(self) -> None:
        for key in self.given:
            if key in NO_COUNTERPART:
                self.none(key, NO_COUNTERPART[key])
            elif key not in KNOWN:
                self.none(key, "not a key of the original either")
                self.warnings.append(f"{key} is no key of the original: left out")


def _shown(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).strip()
    return text.removesuffix("\n...").strip()
