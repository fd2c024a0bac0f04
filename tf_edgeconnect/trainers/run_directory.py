"""A run's directory: whether it can be written, and what it was last called with."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import yaml

from tf_edgeconnect.atomic import write_json
from tf_edgeconnect.config import Config, save_config
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import read_meta
from tf_edgeconnect.trainers.run_data import SCANS

SETTINGS = "config.yaml"
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
    # The scans alone may be left of a run that could not start.
    left = run_dir.iterdir() if fresh and run_dir.exists() else ()
    if any(path.name != SCANS for path in left):
        raise InputError(
            f"--fresh asks for an empty run directory, and {run_dir} is not: choose "
            "another --run-dir or remove it"
        )
    differing = _changes({"model": _saved(run_dir).get("model", {})}, config)
    if differing:
        raise InputError(
            f"run directory {run_dir} was made with another architecture "
            f"({'; '.join(differing)}): use its settings or another --run-dir"
        )


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
    now = {
        name: {"count": len(source), "sha256": source.fingerprint()}
        for name, source in photos.items()
    }
    if changes := _changes(_saved(run_dir), config):
        say(f"settings changed since the last call: {'; '.join(changes)}")
    listed = run_dir / PHOTOS
    before = json.loads(listed.read_text()) if listed.exists() else now
    for name in now:
        if before.get(name, now[name]) != now[name]:
            say(
                f"warning: the photos for {name} are not those of the last call "
                f"({before[name]['count']} then, {now[name]['count']} now): from here "
                "on examples come in another order"
            )
    try:
        save_config(config, run_dir / SETTINGS)
        write_json(listed, now)
    except OSError as error:
        raise InputError(
            f"run directory {run_dir} cannot be written: {error.strerror}"
        ) from None


def _saved(run_dir: Path) -> dict:
    """Reads the settings of the last call, maybe of an earlier version."""
    path = run_dir / SETTINGS
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def _changes(before: dict, config: Config) -> list[str]:
    """Lists `dotted.key was X, is Y` of settings that were there before."""

    def compare(before, now, name):
        if isinstance(before, dict) and isinstance(now, dict):
            for key in now:
                if key in before:
                    yield from compare(before[key], now[key], f"{name}.{key}")
        elif before != now:
            yield f"{name[1:]} was {before}, is {now}"

    return list(compare(before, config.model_dump(mode="json"), ""))


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
