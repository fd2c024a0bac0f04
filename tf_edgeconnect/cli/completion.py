"""What a shell completes beside commands, options and choices: names that exist.

`tf-edgeconnect --install-completion` sets a shell up. Where nothing here fits what is
typed, the shell's own completion of files goes on.
"""

from collections.abc import Iterable
from pathlib import Path

from tf_edgeconnect.config import config_names, setting_names
from tf_edgeconnect.presets import NAMES

RUNS = Path("runs")  # where `train` puts runs by itself
# One of these files makes a folder a run, a weights folder or an export.
_MARKS = ("config.yaml", "model.json", "saved_model.pb", "1/saved_model.pb")


def complete_config(incomplete: str) -> list[str]:
    """Completes the name of a shipped config."""
    return _fitting(config_names(), incomplete)


def complete_setting(incomplete: str) -> list[str]:
    """Completes the key of a setting, for `--set`."""
    names = list(setting_names())
    sections = {name.rpartition(".")[0] for name in names}
    return _fitting((f"{n}=" for n in names if n not in sections), incomplete)


def complete_model(incomplete: str) -> list[str]:
    """Completes what `--model` takes: a preset's name, or a folder with a model."""
    return _fitting(NAMES, incomplete) + complete_run(incomplete)


def complete_run(incomplete: str) -> list[str]:
    """Completes folders with a model: those of `runs/`, and where the path leads."""
    folders = {RUNS, Path(f"{incomplete}*").parent}
    found = {str(path) for folder in folders for path in _models_in(folder)}
    return _fitting(sorted(found), incomplete)


def _models_in(folder: Path) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if any((p / m).is_file() for m in _MARKS)]
    except OSError:  # no such folder, or not ours to read
        return []


def _fitting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
