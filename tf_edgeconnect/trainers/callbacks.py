"""Keras callbacks for training stages, in `fit` and in the project's own loop."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from tf_edgeconnect.figures import Row, save, sheet
from tf_edgeconnect.trainers.health import Health


class SampleSheets(keras.callbacks.Callback):
    """Writes sheets of photo, hole, edges and filled photo during training.

    Under `fit` it writes one before the first epoch and after each.

    Args:
        batch: a few examples: `image`, `gray`, `edge`, `mask` (see
            `data/pipeline.py`); the same ones each time.
        folder: `<stage>-<step>.png` are written in it.
        stage: first part of the files' names; "sample" by default.

    Example:
        `trainer.fit(batches, callbacks=[SampleSheets(batch, "samples")])`
    """

    def __init__(
        self, batch: dict[str, np.ndarray], folder: str | Path, stage: str = "sample"
    ):
        super().__init__()
        self.batch = {name: np.asarray(value) for name, value in batch.items()}
        self.folder, self.stage = Path(folder), stage

    def write(self, step: int) -> np.ndarray:
        """Writes the sheet of a step.

        Returns:
            The picture, `(H, W, 3)` uint8.
        """
        with self.model.averages.in_place():
            pictures = self.model.sample(self.batch)
        edges = keras.ops.convert_to_numpy(pictures["composite_edge"])
        filled = [None] * len(edges)
        if "inpainted" in pictures:
            filled = keras.ops.convert_to_numpy(pictures["inpainted"])
        rows = [
            Row(*example)
            for example in zip(
                self.batch["image"], self.batch["mask"], edges, filled, strict=True
            )
        ]
        picture = sheet(rows, tile=160, title=f"{self.stage}, step {step}")
        save(self.folder / f"{self.stage}-{step:07}.png", picture)
        return np.asarray(picture)

    def on_train_begin(self, logs=None):
        """Writes the first sheet."""
        self.write(_step(self.model))

    def on_epoch_end(self, epoch, logs=None):
        """Writes the sheet of an epoch."""
        self.write(_step(self.model))


class HealthWarnings(keras.callbacks.Callback):
    """Warns, once per condition, when training goes wrong; see `trainers.health`.

    Args:
        say: receives a line for each warning.

    Example:
        `trainer.fit(batches, callbacks=[HealthWarnings()])`
    """

    def __init__(self, say: Callable[[str], None] = print):
        super().__init__()
        self.say = say

    def on_train_begin(self, logs=None):
        """Starts monitoring."""
        self._health = Health(self.model.adversarial, _step(self.model))

    def on_epoch_end(self, epoch, logs=None):
        """Checks the means of an epoch."""
        for warning in self._health.observe(_step(self.model), logs or {}):
            self.say(f"warning: {warning}")


class KeepRateRatio(keras.callbacks.Callback):
    """Keeps the ratio of the discriminators' learning rate to the generators'.

    `fit` adds it after all others, since Keras' `LearningRateScheduler` and
    `ReduceLROnPlateau` change only `model.optimizer`.
    """

    def on_train_begin(self, logs=None):
        """Computes the ratio, unless a rate is a schedule."""
        optimizers = self.model.optimizer, self.model.discriminator_optimizer
        inner = [getattr(it, "inner_optimizer", it) for it in optimizers]
        rates = [it.get_config()["learning_rate"] for it in inner]
        plain = all(isinstance(rate, float) and rate > 0 for rate in rates)
        self._ratio = rates[1] / rates[0] if plain else None

    def on_epoch_begin(self, epoch, logs=None):
        """Sets the discriminators' rate."""
        if self._ratio is not None:
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            self.model.discriminator_optimizer.learning_rate = self._ratio * rate


def _step(trainer: keras.Model) -> int:
    return int(keras.ops.convert_to_numpy(trainer.optimizer.iterations))
