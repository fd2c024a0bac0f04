"""The loop of one stage, counted in steps: train, log, validate, sheet, checkpoint.

`fit` counts in epochs and cannot continue within one; this loop drives the same
`train_step` and `test_step` and continues at any step, bit for bit.
"""

import dataclasses
import enum
import math
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.adversarial import AdversarialTrainer
from tf_edgeconnect.trainers.checkpoints import Checkpoints
from tf_edgeconnect.trainers.display import Display
from tf_edgeconnect.trainers.health import Health
from tf_edgeconnect.trainers.journal import Journal
from tf_edgeconnect.trainers.profiling import profiler
from tf_edgeconnect.trainers.run_data import BadPhotos
from tf_edgeconnect.trainers.schedule import RateSchedule
from tf_edgeconnect.trainers.signals import stop_signals
from tf_edgeconnect.trainers.workers import Workers


class Outcome(enum.Enum):
    """How a run ended."""

    FINISHED = "finished"
    SAVED = "saved, not finished"


@dataclasses.dataclass(frozen=True)
class Every:
    """Steps between two of each; the last step does all of them."""

    log: int
    validate: int
    sample: int
    checkpoint: int


@dataclasses.dataclass
class StageLoop:
    """Everything that training one stage needs.

    Args:
        trainer: compiled, in the scope of the workers' strategy.
        workers: all run this loop, step for step; only the chief writes.
        batches: training batches, the first one being that of the first step; both
            data sets as the strategy distributes them.
        held_out: finite, batches for validation.
        schedule: of the rates.
        checkpoints: of this stage.
        journal: of this stage; None on a worker that is not the chief.
        display: entered by the caller.
        every: intervals.
        run_dir: a batch that makes a loss NaN or infinite is kept in it.
        publish: called with the step after each checkpoint; writes the weights folder.
        sheet: called with the step, returns a picture `(H, W, 3)` uint8 of samples.
        health: warns of what it sees in the figures.
        bad_photos: told of photos that failed.
        profile_dir: where a TensorBoard profile of a few steps goes; None: none.
    """

    trainer: AdversarialTrainer
    workers: Workers
    batches: Iterable
    held_out: Iterable
    schedule: RateSchedule
    checkpoints: Checkpoints
    journal: Journal | None
    display: Display
    every: Every
    run_dir: Path
    publish: Callable[[int], None]
    sheet: Callable[[int], np.ndarray]
    health: Health
    bad_photos: BadPhotos
    profile_dir: Path | None = None

    def __post_init__(self):
        """Compiles the two step functions."""
        self._step = self.trainer.train_step
        if self.trainer.jit_compile:
            self._step = tf.function(self._step, jit_compile=True)
        self._train = tf.function(self._train_replicas)
        self._test = tf.function(self._test_replicas)

    def run(self, start: int, steps: int) -> Outcome:
        """Trains from step `start`, already done, to `steps`.

        Returns:
            FINISHED, or SAVED if a signal asked to stop; both with a checkpoint.

        Raises:
            InputError: if a loss is not finite, or the disk is full.
        """
        with stop_signals() as stop, profiler(self.profile_dir) as before_step:
            if start == 0:
                self._validate(0)
                self._sheet(0)
            batches = iter(self.batches)
            self._reset(self.trainer.watched.values(), self.trainer.train_metrics)
            for step in range(start + 1, steps + 1):
                before_step(step - start, steps - start)
                self.schedule.apply(self.trainer, step - 1)
                with self.bad_photos.explained():
                    batch = next(batches)
                asked = tf.constant(stop.is_set())
                *watched, stopping, skipped = self._train(batch, asked).numpy()
                self._check(step, np.array(watched), batch)
                if skipped:
                    self._report_skipped(batch)
                self.display.advance(step)
                self._after(step, steps, bool(stopping))
                if stopping and step < steps:
                    return Outcome.SAVED
        return Outcome.FINISHED

    def _after(self, step, steps, stopping):
        last, every = step == steps, self.every
        if last or step % every.log == 0:
            self._log(step)
        validate = last or step % every.validate == 0
        save = last or stopping or step % every.checkpoint == 0
        if not (validate or save or step % every.sample == 0):
            return
        self.display.pause()
        if validate:
            self._validate(step)
        if save and self.workers.is_chief:
            self.checkpoints.save(step)
            self.publish(step)
        if last or step % every.sample == 0:
            self._sheet(step)

    def _train_replicas(self, batch, asked):
        """Takes a step; gives the means over all replicas, equal on all workers.

        Behind what is watched: whether any worker is asked to stop, and whether any
        photo was skipped. So all workers come to the same decisions.
        """

        def step(batch):
            logs = self._step(batch)
            watched = [logs[name] for name in self.trainer.watched]
            signals = [asked, tf.reduce_any(batch["skipped"] > 0)]
            return tf.stack([tf.cast(value, tf.float32) for value in watched + signals])

        strategy = self.workers.strategy
        values = strategy.run(step, args=(batch,))
        return strategy.reduce(tf.distribute.ReduceOp.MEAN, values, axis=None)

    def _test_replicas(self, batch):
        def measure(batch):
            self.trainer.test_step(batch)
            return True

        def step(batch):
            # Where the last photos do not go round, a replica's batch has none.
            some = tf.shape(batch["mask"])[0] > 0
            return tf.cond(some, lambda: measure(batch), lambda: False)

        self.workers.strategy.run(step, args=(batch,))

    def _check(self, step, watched, batch):
        """Stops at the first step whose losses or gradients are not finite."""
        if np.isfinite(watched).all():
            return
        names = np.array(list(self.trainer.watched))[~np.isfinite(watched)]
        path = self.run_dir / "nonfinite" / f"{self.trainer.name}-step-{step}.npz"
        examples = {name: self._gather(batch[name]) for name in batch}
        if self.workers.is_chief:
            path.parent.mkdir(exist_ok=True)
            np.savez(path, **examples)
        good = self.checkpoints.latest_step
        kept = "there is no checkpoint yet"
        if good is not None:
            kept = f"the checkpoint of step {good} is kept"
        raise InputError(
            f"{', '.join(names)} became NaN or infinite at step {step}; its batch is "
            f"in {path}; {kept}: lower train.learning_rate and run the command again"
        )

    def _gather(self, value):
        return self.workers.strategy.gather(value, axis=0).numpy()

    def _report_skipped(self, batch):
        positions, skipped = self._gather(batch["position"]), batch["skipped"]
        self.bad_photos(positions, self._gather(skipped))

    def _log(self, step):
        figures = _floats(self.trainer.train_results())
        self._reset(self.trainer.watched.values(), self.trainer.train_metrics)
        rate = self.display.images_per_second
        extra = {
            "learning_rate": self.schedule.rate(step - 1),
            "images_per_second": rate,
        }
        self.display.log(step, figures)
        self._write(step, {**figures, **extra})
        for warning in self.health.observe(step, figures):
            self.display.say(f"warning: {warning}")

    def _validate(self, step):
        self._reset(self.trainer.test_metrics)
        with self.trainer.averages.in_place():
            for batch in self.held_out:
                self._test(batch)
        results = _floats(self.trainer.test_results())
        figures = {f"val/{name}": value for name, value in results.items()}
        self.display.validation(step, figures)
        self._write(step, figures)
        watched = results.get("hole_l1", -results.get("average_precision", math.nan))
        # A last step off the interval would count again in a run that is extended.
        regular = step and step % self.every.validate == 0
        if regular and self.schedule.observe(watched):
            rate = self.schedule.rate(step)
            self.display.say(f"no gain for a while: the rate falls to {rate:.3g}")

    def _write(self, step, figures):
        if self.journal is not None:
            self.journal.write(step, figures)

    def _sheet(self, step):
        if self.journal is not None:
            self.journal.picture(step, "samples", self.sheet(step))

    @staticmethod
    def _reset(*groups):
        for group in groups:
            for metric in group:
                metric.reset_state()


def _floats(results: dict) -> dict[str, float]:
    return {name: float(value) for name, value in results.items()}
