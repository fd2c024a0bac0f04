"""Learning rates over a run: constant, lowered at given steps, or on a plateau."""

from collections.abc import Sequence
from typing import Literal

import tensorflow as tf

from tf_edgeconnect.trainers.adversarial import AdversarialTrainer

Schedule = Literal["constant", "steps", "plateau"]


class RateSchedule:
    """Sets the generators' rate and the discriminators', a fixed share of it.

    Args:
        rate: learning rate of the generators at the start.
        discriminator_share: the discriminators' rate as a share of the generators'.
        kind: "constant"; "steps", lowered once each of the steps `at` is done;
            "plateau", lowered when the watched figure has not improved for `patience`
            validations.
        at: steps, for "steps".
        by: factor of each lowering, in (0, 1].
        patience: validations without improvement, for "plateau".

    Raises:
        ValueError: if `kind` is another word.
    """

    def __init__(
        self,
        rate: float,
        *,
        discriminator_share: float = 0.1,
        kind: Schedule = "constant",
        at: Sequence[int] = (),
        by: float = 0.1,
        patience: int = 5,
    ):
        if kind not in ("constant", "steps", "plateau"):
            raise ValueError(
                f'`kind` must be "constant", "steps" or "plateau", got {kind!r}'
            )
        self.initial_rate = rate
        self.discriminator_share = discriminator_share
        self.kind, self.at, self.by, self.patience = kind, tuple(at), by, patience
        # In a checkpoint, so that a resumed run lowers at the same validation.
        self.state = {
            "best": tf.Variable(float("inf"), trainable=False, name="best"),
            "waited": tf.Variable(0, dtype=tf.int64, trainable=False, name="waited"),
            "lowered": tf.Variable(0, dtype=tf.int64, trainable=False, name="lowered"),
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
        trainer.optimizer.learning_rate = rate
        trainer.discriminator_optimizer.learning_rate = rate * self.discriminator_share

    def observe(self, figure: float) -> bool:
        """Takes a validation figure, lower is better.

        Returns:
            Whether the rate was lowered because of it.
        """
        if self.kind != "plateau":
            return False
        if figure < float(self.state["best"].numpy()):
            self.state["best"].assign(figure)
            self.state["waited"].assign(0)
            return False
        self.state["waited"].assign_add(1)
        if int(self.state["waited"].numpy()) < self.patience:
            return False
        self.state["waited"].assign(0)
        self.state["lowered"].assign_add(1)
        return True
