"""Learning rates over a run: constant, lowered at given steps, or on a plateau."""

from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

from tf_edgeconnect.trainers.adversarial import AdversarialTrainer

Schedule = Literal["constant", "steps", "plateau"]


class RateSchedule:
    """Sets the generators' rate and the discriminators', a fixed multiple of it.

    Args:
        rate: learning rate of the generators at the start.
        discriminator_rate: the discriminators' rate over the generators'.
        kind: "constant"; "steps", lowered once each of the steps `at` is done;
            "plateau", lowered when the watched figure has not improved for `patience`
            validations.
        at: steps, for "steps".
        by: factor of each lowering, in (0, 1].
        patience: validations without improvement, for "plateau".
    """

    def __init__(
        self,
        rate: float,
        *,
        discriminator_rate: float = 0.1,
        kind: Schedule = "constant",
        at: Sequence[int] = (),
        by: float = 0.1,
        patience: int = 5,
    ):
        self.initial_rate, self.discriminator_rate = rate, discriminator_rate
        self.kind, self.at, self.by, self.patience = kind, tuple(at), by, patience
        self._applied: float | None = None
        # In a checkpoint, so that a resumed run lowers at the same validation; beside
        # the host, which reads it at each step.
        with tf.device("/CPU:0"):
            self.state = {
                "best": tf.Variable(float("inf"), trainable=False),
                "waited": tf.Variable(0, dtype=tf.int64, trainable=False),
                "lowered": tf.Variable(0, dtype=tf.int64, trainable=False),
            }

    def rate(self, step: int) -> float:
        """Returns the generators' rate for the step after `step` finished ones."""
        lowered = int(self.state["lowered"].numpy())
        if self.kind == "steps":
            lowered = sum(step >= at for at in self.at)
        return self.initial_rate * self.by**lowered

    def apply(self, trainer: AdversarialTrainer, step: int) -> None:
        """Sets both optimizers' rates for the step after `step` finished ones."""
        rate = self.rate(step)
        if rate != self._applied:  # an assignment would wait for the device
            trainer.optimizer.learning_rate = rate
            trainer.discriminator_optimizer.learning_rate = (
                rate * self.discriminator_rate
            )
            self._applied = rate

    def observe(self, figure: float) -> bool:
        """Takes a validation figure, lower is better.

        Returns:
            Whether the rate was lowered because of it.
        """
        if self.kind != "plateau":
            return False
        best, waited = self.state["best"], self.state["waited"]
        if figure < float(best.numpy()):
            best.assign(figure)
            waited.assign(0)
            return False
        waited.assign_add(1)
        if int(waited.numpy()) < self.patience:
            return False
        waited.assign(0)
        self.state["lowered"].assign_add(1)
        return True
