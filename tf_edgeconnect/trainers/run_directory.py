"""A run's directory: whether it can be written and belongs to the config at hand."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from tf_edgeconnect.config import Config, load_config, save_config
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import read_meta
from tf_edgeconnect.trainers.run_data import SCANS

PHOTOS = "photos.json"  # how many there were at the last call, and a hash of them


def check_directory(run_dir: Path, config: Config, fresh: bool) -> None:
    """Checks that a run can live in a directory; writes nothing.

    Raises:
        InputError: if `fresh` is asked for and something is there, if the run was made
            with another architecture, or if the directory cannot be written.
    """
    there = next(
        path for path in (run_dir, *run_dir.resolve().parents) if path.exists()
    )
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError(
            f"run directory {run_dir} cannot be written: {there} is not a folder that "
            "may be written; choose another --run-dir"
        )
    if fresh and run_dir.exists() and any(map(_is_of_a_run, run_dir.iterdir())):
        raise InputError(
            f"--fresh asks for an empty run directory, and {run_dir} is not: choose "
            "another --run-dir or remove it"
        )
    saved = run_dir / "config.yaml"
    if saved.exists():
        _check_architecture(load_config(saved), config, run_dir)


def _is_of_a_run(path: Path) -> bool:
    # The scans alone may be left of a run that could not start.
    return path.name != SCANS


def save_settings(
    run_dir: Path,
    config: Config,
    photos: dict[str, Source],
    say: Callable[[str], None],
) -> None:
    """Writes the settings of a run and which photos it has into its directory.

    Says what is not as it was at the last call.

    Args:
        run_dir: made if missing.
        config: of the run.
        photos: its sources by what they are for.
        say: takes a line.

    Raises:
        InputError: if the directory cannot be written.
    """
    saved, listed = run_dir / "config.yaml", run_dir / PHOTOS
    now = {
        name: {"count": len(source), "sha256": source.fingerprint()}
        for name, source in photos.items()
    }
    if saved.exists():
        changes = _changes(load_config(saved).model_dump(), config.model_dump())
        if changes:
            say(f"settings changed since the last call: {'; '.join(changes)}")
    before = json.loads(listed.read_text()) if listed.exists() else now
    for name in now:
        if before.get(name, now[name]) != now[name]:
            say(
                f"warning: the photos for {name} are not those of the last call "
                f"({before[name]['count']} then, {now[name]['count']} now): from here "
                "on examples come in another order"
            )
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        save_config(config, saved)
        listed.write_text(json.dumps(now, indent=2) + "\n")
    except OSError as error:
        raise InputError(
            f"run directory {run_dir} cannot be written: {error.strerror}"
        ) from None


def _changes(before: dict, now: dict, prefix: str = "") -> list[str]:
    """Lists `dotted.key was X, is Y` of nested settings."""
    changes = []
    for key, value in now.items():
        old, name = before.get(key), f"{prefix}{key}"
        if isinstance(old, dict) and isinstance(value, dict):
            changes += _changes(old, value, f"{name}.")
        elif old != value:
            changes.append(f"{name} was {old}, is {value}")
    return changes


def _check_architecture(before: Config, now: Config, run_dir: Path) -> None:
    differing = _changes(before.model.model_dump(), now.model.model_dump(), "model.")
    if differing:
        raise InputError(
            f"run directory {run_dir} was made with another architecture "
            f"({'; '.join(differing)}): use its settings or another --run-dir"
        )


def began_from(
    folder: Path, init_from: str | Path | None, say: Callable[[str], None]
) -> str | Path | None:
    """Returns what a stage that is resumed was once started from.

    Args:
        folder: weights folder of the stage.
        init_from: what is given this time; said if it is something else.
        say: takes a line.
    """
    if not folder.is_dir():
        return init_from
    began = read_meta(folder).get("init_from")
    if init_from is not None and str(init_from) != began:
        say(
            f"warning: --init-from {init_from} is not used: it counts at step 0 alone, "
            "and this stage continues from its checkpoint"
        )
    return began
