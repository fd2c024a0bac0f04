"""Checks on a run directory: settings, checkpoints, weights and journal."""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.config import STAGES, Config, Stage, load_config
from tf_edgeconnect.doctor.findings import Checkup, Finding, Track, untracked
from tf_edgeconnect.doctor.weights import check_model
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import read_meta

AGAIN = "run the same train command again"


def check_run(run_dir: Path, track: Track = untracked) -> Checkup:
    """Checks the directory of a run.

    Args:
        run_dir: as `train --run-dir` takes it.
        track: shows progress.

    Raises:
        InputError: it is no run directory.
    """
    saved = run_dir / "config.yaml"
    if not saved.is_file():
        raise InputError(f"{run_dir} is no run directory: it has no config.yaml")
    checkup = Checkup()
    try:
        config = load_config(saved)
    except InputError as error:
        remedy = "mend the line, or take the file from the run's first config"
        checkup.add([Finding("error", "run-config", str(error), remedy)])
        config = None
    stages = [name for name in STAGES if (run_dir / "checkpoints" / name).is_dir()]
    if not stages:
        what = f"{run_dir} holds no checkpoint"
        checkup.add([Finding("error", "no-checkpoint", what, f"{AGAIN}")])
    for stage in track(stages, "reading checkpoints", total=len(stages)):
        newest = _newest_step(run_dir, stage)
        checkup.facts.append(f"{stage}: newest checkpoint of step {newest}")
        checkup.add(_check_checkpoints(run_dir, stage))
        checkup.add(_check_weights(run_dir, stage, newest))
        if config is not None:
            checkup.add(_check_finished(config, stage, newest))
    checkup.add(_check_journal(run_dir, config))
    checkup.add(_check_nonfinite(run_dir))
    return checkup


def _newest_step(run_dir: Path, stage: str) -> int | None:
    newest = tf.train.latest_checkpoint(run_dir / "checkpoints" / stage)
    return None if newest is None else int(newest.rsplit("-", 1)[1])


def _check_checkpoints(run_dir: Path, stage: str) -> list[Finding]:
    folder = run_dir / "checkpoints" / stage
    state = tf.train.get_checkpoint_state(str(folder))
    if state is None:
        what = f"{folder} names no checkpoint"
        return [Finding("error", "checkpoint", what, "remove the folder and train")]
    listed = [Path(path) for path in state.all_model_checkpoint_paths]
    lacking = [path.name for path in listed if not _is_complete(path)]
    found = []
    if lacking:
        found.append(
            Finding(
                "error",
                "checkpoint-files",
                f"checkpoints in {folder} that lack files",
                "copy the folder again, or remove them and their lines in its file "
                "`checkpoint`",
                tuple(lacking),
            )
        )
    newest = Path(state.model_checkpoint_path)
    if newest.name not in lacking and (reason := _damage(newest)):
        found.append(
            Finding(
                "error",
                "checkpoint-damage",
                f"checkpoint {newest} {reason}",
                f"name the one before in {folder}/checkpoint, then {AGAIN}",
            )
        )
    return found


def _is_complete(path: Path) -> bool:
    data = list(path.parent.glob(f"{path.name}.data-*-of-*"))
    return Path(f"{path}.index").is_file() and len(data) == _shards(data)


def _shards(data: list[Path]) -> int:
    return int(data[0].name.rsplit("-", 1)[1]) if data else 1


def _damage(path: Path) -> str:
    """Reads every value of a checkpoint, which checks their checksums."""
    try:
        reader = tf.train.load_checkpoint(str(path))
        for name in reader.get_variable_to_shape_map():
            values = reader.get_tensor(name)
            if isinstance(values, np.ndarray) and values.dtype.kind == "f":
                if not np.isfinite(values).all():
                    return f"holds NaN or infinite values ({name})"
    except (tf.errors.OpError, IndexError, ValueError, RuntimeError) as error:
        return f"cannot be read ({str(error).splitlines()[0]})"
    return ""


def _check_weights(run_dir: Path, stage: str, newest: int | None) -> list[Finding]:
    folder = run_dir / "weights" / stage
    if not folder.is_dir():
        what = f"stage {stage} has checkpoints and no weights in {folder}"
        return [Finding("warning", "no-weights", what, f"{AGAIN}: it writes them")]
    if found := check_model(folder):
        return found
    step = read_meta(folder).get("step")
    if step != newest:
        what = (
            f"weights of stage {stage} are of step {step}, its checkpoint of {newest}"
        )
        remedy = f"inpaint and export take the weights; {AGAIN} to refresh them"
        return [Finding("warning", "stale-weights", what, remedy)]
    return []


def _check_finished(config: Config, stage: Stage, newest: int | None) -> list[Finding]:
    steps = config.train.for_stage(stage).steps
    if newest is None or newest >= steps:
        return []
    what = f"stage {stage} stands at step {newest} of {steps}"
    return [Finding("note", "unfinished", what, f"{AGAIN} to continue")]


def _check_journal(run_dir: Path, config: Config | None) -> list[Finding]:
    path = run_dir / "metrics.jsonl"
    if not path.is_file():
        remedy = f"there are no figures of this run; {AGAIN} to write further ones"
        return [Finding("warning", "no-journal", f"{path} is missing", remedy)]
    lines, broken = _read_journal(path)
    found = []
    if broken:
        what = f"lines of {path} that are no JSON: {len(broken)}"
        names = tuple(f"line {number}" for number in broken)
        remedy = "a run that was killed leaves one; remove them"
        found.append(Finding("note", "journal-lines", what, remedy, names))
    every = config.train.log_every if config else 0
    gaps = [gap for stage in STAGES for gap in _gaps(lines, stage, every)]
    if gaps:
        what = f"{path} lacks steps"
        remedy = "plots of it have holes; was the file cut or another run's?"
        found.append(Finding("warning", "journal-gaps", what, remedy, tuple(gaps)))
    return found


def _read_journal(path: Path) -> tuple[list[dict], list[int]]:
    """The lines, and the numbers of those that are none."""
    lines, broken = [], []
    for number, text in enumerate(path.read_text(errors="replace").splitlines(), 1):
        try:
            line = json.loads(text)
            lines.append({"stage": line["stage"], "step": int(line["step"]), **line})
        except (ValueError, KeyError, TypeError):
            broken.append(number)
    return lines, broken


def _gaps(lines: list[dict], stage: str, every: int) -> list[str]:
    """Stretches of a stage without a line, such as `edge 300 to 900`."""
    steps = sorted({line["step"] for line in lines if line["stage"] == stage} | {0})
    lengths = Counter(after - before for before, after in pairwise(steps))
    if not lengths:
        return []
    usual = max(every, lengths.most_common(1)[0][0])
    return [
        f"{stage} {before} to {after}"
        for before, after in pairwise(steps)
        if after - before > usual
    ]


def _check_nonfinite(run_dir: Path) -> list[Finding]:
    kept = sorted((run_dir / "nonfinite").glob("*.npz"))
    if not kept:
        return []
    return [
        Finding(
            "warning",
            "nonfinite",
            "a loss became NaN or infinite; the batches that did it are kept",
            f"lower train.learning_rate if it comes again, {AGAIN}, then remove them",
            tuple(path.name for path in kept),
        )
    ]
