"""The loop of one stage, counted in steps: train, log, validate, sheet, checkpoint.

`fit` counts in epochs and cannot continue within one; this loop drives the same
`train_step` and `test_step` and continues at any step, bit for bit.

Metrics stay on the device until a *look*, so that a GPU need not wait for the host:
every `log_every` steps, before anything is written, and about every two seconds, since
a stop signal is noticed only then.
"""

import contextlib
import dataclasses
import enum
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.config import StageConfig
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.callbacks import SampleSheets
from tf_edgeconnect.trainers.health import Health
from tf_edgeconnect.trainers.pictures import measure
from tf_edgeconnect.trainers.run_data import RunData
from tf_edgeconnect.trainers.run_directory import Checkpoints, what_is_kept, writing
from tf_edgeconnect.trainers.run_networks import RateSchedule
from tf_edgeconnect.trainers.workers import Workers
from tf_edgeconnect.trainers.writer import RunWriter

LOOK_SECONDS = 2.0  # between two looks, or one step if that takes longer
PROFILED = 6, 15  # first and last step of a profile; those before are slow


class Outcome(enum.Enum):
    """How a run ended."""

    FINISHED = "finished"
    SAVED = "saved, not finished"


@dataclasses.dataclass
class StageLoop:
    """Trains one stage, step by step.

    Args:
        trainer: compiled, in the scope of the workers' strategy.
        workers: all run this loop, step for step; only the chief writes.
        settings: of the stage; the last step also logs, validates and saves.
        schedule: of the rates.
        checkpoints: of this stage.
        writer: entered by the caller.
        data: makes the batches.
        sheets: draws samples.
        publish: called with the step after each checkpoint; writes the weights folder.
        start: steps that are done already.
        run_dir: a batch that makes a loss NaN or infinite is kept in it.
        data_service: `host:port` of a tf.data service that makes the training batches.
        profile_dir: where a TensorBoard profile of a few steps goes; None: none.
    """

    trainer: AdversarialTrainer
    workers: Workers
    settings: StageConfig
    schedule: RateSchedule
    checkpoints: Checkpoints
    writer: RunWriter
    data: RunData
    sheets: SampleSheets
    publish: Callable[[int], None]
    start: int
    run_dir: Path
    data_service: str | None = None
    profile_dir: Path | None = None

    def __post_init__(self):
        """Compiles the two step functions and opens the batches."""
        self._step = self.trainer.train_step
        if self.trainer.jit_compile:
            self._step = tf.function(self._step, jit_compile=True, autograph=False)
        self._train = tf.function(self._train_replicas, autograph=False)
        self._test = tf.function(self._test_replicas, autograph=False)
        distribute = self.workers.strategy.distribute_datasets_from_function
        self._batches_after = lambda step: distribute(
            lambda place: self.data.training_batches(
                step * self.settings.batch_size, place, self.data_service
            )
        )
        self._batches = self._batches_after(self.start)
        self._held_out = distribute(self.data.validation_batches)
        kind = self.trainer.adversarial
        self._health = Health(kind, self.start, self.settings.steps)
        self._pending: list[tuple[tf.Tensor, dict]] = []  # since the last look
        self._pace = math.inf  # seconds a step, between the last two looks
        self._spent, self._counted = 0.0, 0  # seconds and steps since the last log

    def run(self) -> Outcome:
        """Trains up to the last step.

        Returns:
            FINISHED, or SAVED if a signal asked to stop; both with a checkpoint.

        Raises:
            InputError: if a loss is not finite, or the disk is full.
        """
        start, steps = self.start, self.settings.steps
        first, last = PROFILED
        with stop_signals() as stop, contextlib.ExitStack() as profile:
            if start == 0:
                self._validate(0)
                self._sheet(0)
            batches = iter(self._batches)
            self._reset(self.trainer.watched.values(), self.trainer.train_metrics)
            next_look, self._since = start + 1, time.monotonic()
            for step in range(start + 1, steps + 1):
                if self.profile_dir and step - start == min(first, steps - start):
                    folder = str(self.profile_dir)
                    profile.enter_context(tf.profiler.experimental.Profile(folder))
                if step - start == last + 1:
                    profile.close()
                self.schedule.apply(self.trainer, step - 1)
                with self.data.explained():
                    batch = next(batches)
                host = tf.constant([stop.is_set(), self._pace], tf.float32)
                kept = {name: batch[name] for name in ("position", "skipped")}
                self._pending.append((self._train(batch, host), kept))
                self.writer.advance(step)
                due = self._due(step, steps)
                if due or step >= next_look:
                    stopping, pace = self._look(step)
                    next_look = step + max(1, int(LOOK_SECONDS / pace))
                    self._after(step, due, stopping)
                    if stopping and step < steps:
                        return Outcome.SAVED
        return Outcome.FINISHED

    def _due(self, step, steps):
        """What is to be done after a step."""
        names = ("log", "validate", "sample", "checkpoint")
        every = {name: getattr(self.settings, f"{name}_every") for name in names}
        return {name for name in names if step == steps or step % every[name] == 0}

    def _look(self, step):
        """Fetches what the steps since the last look gave.

        Returns:
            Whether to stop, and the seconds that a step takes: the same on all workers.

        Raises:
            InputError: at the first step whose losses or gradients are not finite.
        """
        pending, self._pending = self._pending, []
        rows = tf.stack([values for values, _ in pending]).numpy()  # waits
        for index, (row, (_, kept)) in enumerate(zip(rows, pending, strict=True)):
            if not np.isfinite(row[:-3]).all():
                self._stop_at(step - len(rows) + 1 + index, row[:-3])
            if row[-1]:
                self.data.name_undecodable(*map(self._gather, kept.values()))
        spent = time.monotonic() - self._since
        if not math.isinf(self._pace):  # the first look waits for the graph, too
            self._spent, self._counted = self._spent + spent, self._counted + len(rows)
        self._pace = spent / len(rows)
        self._since = time.monotonic()
        return bool(rows[:, -3].any()), float(rows[-1, -2])

    def _after(self, step, due, stopping):
        if "log" in due:
            self._log(step)
        if "validate" in due:
            self._validate(step)
        if ("checkpoint" in due or stopping) and self.workers.is_chief:
            self.checkpoints.save(step)
            self.publish(step)
        if "sample" in due:
            self._sheet(step)
        self._since = time.monotonic()

    def _train_replicas(self, batch, host):
        """Takes a step; gives the means over all replicas, equal on all workers.

        Behind what is watched: whether any worker is asked to stop, the mean pace, and
        whether any photo was skipped. So all workers come to the same decisions.
        """

        def step(batch):
            logs = self._step(batch)
            skipped = tf.cast(tf.reduce_any(batch["skipped"] > 0), tf.float32)
            watched = [logs[name] for name in self.trainer.watched]
            return tf.stack([*watched, *tf.unstack(host), skipped])

        strategy = self.workers.strategy
        values = strategy.run(step, args=(batch,))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, values, axis=None)

    def _test_replicas(self, batch):
        def measure_one(batch):
            trainer = self.trainer  # `test_step` would compute the losses, too
            measure(trainer.test_metrics, batch, trainer(batch, training=False))
            return True

        def step(batch):
            # With fewer photos than replicas left, a replica's batch has none.
            some = tf.shape(batch["mask"])[0] > 0
            return tf.cond(some, lambda: measure_one(batch), lambda: False)

        self.workers.strategy.run(step, args=(batch,))

    def _stop_at(self, step, watched):
        """Keeps the batch of a step whose losses or gradients are not finite."""
        names = np.array(list(self.trainer.watched))[~np.isfinite(watched)]
        path = self.run_dir / "nonfinite" / f"{self.trainer.name}-step-{step}.npz"
        batch = next(iter(self._batches_after(step - 1)))
        examples = {name: self._gather(batch[name]) for name in batch}
        if self.workers.is_chief:
            path.parent.mkdir(exist_ok=True)
            np.savez(path, **examples)
        kept = what_is_kept(self.checkpoints.latest_step)
        raise InputError(
            f"{', '.join(names)} became NaN or infinite at step {step}; its batch is "
            f"in {path}; {kept}: lower train.learning_rate and run the command again"
        )

    def _gather(self, value):
        return self.workers.strategy.gather(value, axis=0).numpy()

    def _log(self, step):
        figures = _floats(self.trainer.train_results())
        self._reset(self.trainer.watched.values(), self.trainer.train_metrics)
        pace = self._spent / self._counted if self._counted else math.nan
        self._spent, self._counted = 0.0, 0
        with self._writing():
            self.writer.training(step, figures, self.schedule.rate(step - 1), pace)
        for warning in self._health.observe(step, figures):
            self.writer.say(f"warning: {warning}")

    def _validate(self, step):
        self._reset(self.trainer.test_metrics)
        with self.trainer.averages.in_place():
            for batch in self._held_out:
                self._test(batch)
        results = _floats(self.trainer.test_results())
        with self._writing():
            self.writer.validation(step, {f"val/{k}": v for k, v in results.items()})
        watched = results.get("hole_l1", -results.get("average_precision", math.nan))
        # A last step off the interval would count again in a run that is extended.
        regular = step and step % self.settings.validate_every == 0
        if regular and self.schedule.observe(watched):
            rate = self.schedule.rate(step)
            self.writer.say(f"no improvement: the learning rate falls to {rate:.3g}")

    def _sheet(self, step):
        if self.workers.is_chief:
            with self._writing():
                self.writer.sheet(step, self.sheets.write(step))

    def _writing(self):
        return writing(self.run_dir, self.checkpoints.latest_step)

    @staticmethod
    def _reset(*groups):
        for group in groups:
            for metric in group:
                metric.reset_state()


def _floats(results: dict) -> dict[str, float]:
    return {name: float(value) for name, value in results.items()}


@contextlib.contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """Collects SIGTERM and the first Ctrl-C into an event while the block runs.

    A second Ctrl-C stops at once. Outside the main thread signals are left alone.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def ask(number, frame):
        event.set()
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
