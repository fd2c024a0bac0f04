"""The contents of a run directory: the settings of the last call, and checkpoints.

A checkpoint holds everything that a bit-exact resume needs: the networks, both
optimizers, the moving averages, the step and the state of the rate schedule; the data's
position follows from the step. Variables are matched by name. It is complete or absent:
TensorFlow writes it under another name, renames it, and records the newest in a
separate file.
"""

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
import yaml

from tf_edgeconnect.atomic import write_json
from tf_edgeconnect.config import Config, save_config
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.run_data import SCANS

SETTINGS = "config.yaml"
PHOTOS = "photos.json"  # how many there were at the last call, and a hash of them

# What the operating system says, picked out of TensorFlow's longer messages.
_REASONS = (
    "No space left on device",
    "File too large",
    "Permission denied",
    "Read-only file system",
    "Not a directory",
)


def check_directory(run_dir: Path, config: Config, fresh: bool) -> None:
    """Checks that a run can use a directory; writes nothing.

    Raises:
        InputError: if `fresh` is requested and the directory is not empty, if the run
            was made with another architecture, or if the directory cannot be written.
    """
    there = next(
        path for path in (run_dir, *run_dir.resolve().parents) if path.exists()
    )
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError(
            f"run directory {run_dir} cannot be written: {there} is not a writable "
            "folder; choose another --run-dir"
        )
    # The scans alone may be left of a run that could not start.
    left = run_dir.iterdir() if fresh and run_dir.exists() else ()
    if any(path.name != SCANS for path in left):
        raise InputError(
            f"--fresh needs an empty run directory, and {run_dir} is not empty: choose "
            "another --run-dir or remove it"
        )
    differing = [it for it in _changes(run_dir, config) if it.startswith("model.")]
    if differing:
        raise InputError(
            f"run directory {run_dir} was made with a different architecture "
            f"({'; '.join(differing)}): use its settings or another --run-dir"
        )


def save_settings(
    run_dir: Path,
    config: Config,
    photos: dict[str, Source],
    say: Callable[[str], None],
    last_good: int | None = None,
) -> None:
    """Writes the settings and the photos of a run into its directory.

    Reports what has changed since the last call.

    Args:
        run_dir: made if missing.
        config: of the run.
        photos: its sources by purpose.
        say: takes a line.
        last_good: step of the last checkpoint, None if there is none.

    Raises:
        InputError: if the directory cannot be written.
    """
    now = {
        name: {"count": len(source), "sha256": source.fingerprint()}
        for name, source in photos.items()
    }
    if changes := _changes(run_dir, config):
        say(f"settings changed since the last call: {'; '.join(changes)}")
    listed = run_dir / PHOTOS
    before = json.loads(listed.read_text()) if listed.exists() else now
    for name in now:
        if before.get(name, now[name]) != now[name]:
            say(
                f"warning: the photos for {name} have changed since the last call "
                f"({before[name]['count']} then, {now[name]['count']} now): from here "
                "on, examples come in a different order"
            )
    with writing(run_dir, last_good):
        save_config(config, run_dir / SETTINGS)
        write_json(listed, now)


def _changes(run_dir: Path, config: Config) -> list[str]:
    """Lists `dotted.key was X, is Y` of settings that the last call had too."""
    path = run_dir / SETTINGS
    if not path.exists():
        return []
    before = yaml.safe_load(path.read_text(encoding="utf-8"))
    return list(_compare(before, config.model_dump(mode="json")))


def _compare(before: Any, now: Any, key: str = "") -> Iterator[str]:
    both = isinstance(before, dict) and isinstance(now, dict)
    # A dict below the sections is one setting unless its keys are fixed (the stages).
    if both and (key.count(".") < 2 or before.keys() == now.keys()):
        for name in now:
            if name in before:
                yield from _compare(before[name], now[name], f"{key}.{name}")
    elif before != now:
        yield f"{key[1:]} was {before}, is {now}"


class Checkpoints:
    """Saves and restores one stage of a run.

    Args:
        folder: the stage's own; made on the first save.
        trainer: compiled.
        schedule: variables of the rate schedule, saved too.
        keep: number of checkpoints to keep.
    """

    def __init__(
        self,
        folder: Path,
        trainer: AdversarialTrainer,
        schedule: dict[str, tf.Variable],
        keep: int,
    ):
        self.folder = folder
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._checkpoint = tf.train.Checkpoint(
            step=self._step, named=_by_name(trainer), schedule=schedule
        )
        self._manager = tf.train.CheckpointManager(self._checkpoint, folder, keep)

    @property
    def latest_step(self) -> int | None:
        """The step of the newest checkpoint on disk, None where there is none."""
        latest = tf.train.latest_checkpoint(self.folder)
        return None if latest is None else int(latest.rsplit("-", 1)[1])

    def restore(self) -> int:
        """Loads the newest checkpoint.

        Returns:
            Its step, 0 where there is none.

        Raises:
            InputError: if it belongs to other networks, is of an earlier version, or is
                damaged.
        """
        latest = self._manager.latest_checkpoint
        if latest is None:
            return 0
        status: Any = None
        try:
            status = self._checkpoint.restore(latest)
            status.assert_consumed()
            return int(self._step.numpy())
        except AssertionError:
            status.expect_partial()  # or TensorFlow warns of each variable
            there = tf.train.list_variables(latest)
            if not any(name.startswith("named/") for name, _ in there):
                raise InputError(
                    f"checkpoint {latest} is from an earlier version and cannot be "
                    "continued: start from its weights, with another --run-dir and "
                    f"--init-from {self.folder.parents[1]}"
                ) from None
            reason = (
                "it holds other variables: has train.ema, the last loss with a "
                "discriminator or joint.keep_edge_discriminator changed?"
            )
        except (ValueError, tf.errors.OpError) as error:
            reason = one_line(error)
        raise InputError(
            f"checkpoint {latest} does not fit this config ({reason}); resume with "
            "the config it was made with, or choose another --run-dir"
        )

    def save(self, step: int) -> None:
        """Writes a checkpoint.

        Raises:
            InputError: if the disk does not take it; the one before is kept.
        """
        self._step.assign(step)
        with writing(self.folder, self.latest_step):
            self._manager.save(checkpoint_number=step)


def _by_name(trainer: AdversarialTrainer) -> dict[str, tf.Variable]:
    """Names all variables of a trainer, the same in each process."""
    named = [
        (f"{name}/{variable.path}", variable)
        for name, network in trainer.networks.items()
        for variable in network.variables
    ]
    for name, optimizer in (
        ("generator_optimizer", trainer.optimizer),
        ("discriminator_optimizer", trainer.discriminator_optimizer),
    ):
        for variable in optimizer.variables:
            # Keras numbers optimizers: `adam_3/iteration`.
            path = re.sub(r"^(\w+?)_\d+/", r"\1/", variable.path)
            named.append((f"{name}/{path}", variable))
    for variable, average in trainer.averages.pairs():
        named.append((f"averages/{variable.path}", average))
    found = {name: variable.value for name, variable in named}
    if len(found) < len(named):
        raise ValueError(
            "two variables have the same name: build each network within "
            "`keras.name_scope` of its name"
        )
    return found


def what_is_kept(last_good: int | None) -> str:
    """Says which checkpoint a failure leaves."""
    if last_good is None:
        return "no checkpoint was written before"
    return f"the checkpoint of step {last_good} is kept"


@contextlib.contextmanager
def writing(folder: Path, last_good: int | None = None) -> Iterator[None]:
    """Turns file system errors into one line that says which checkpoint is kept.

    Args:
        folder: what is being written, for the message.
        last_good: step of the checkpoint that is safe, None if there is none.

    Raises:
        InputError: in place of any error of the file system.
    """
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        for partial in folder.glob("*.tempstate*"):
            partial.unlink(missing_ok=True)
        reason = next((it for it in _REASONS if it in str(error)), one_line(error))
        raise InputError(
            f"{folder} cannot be written ({reason}); {what_is_kept(last_good)}: free "
            "some space or choose another --run-dir, then run the same command"
        ) from None
