"""What the workers of a run owe each other: agreement, order, an end in time.

A worker is a process with its own `TF_CONFIG`; a run without is one worker. The first,
the chief, writes everything; the others only read the run directory. Whatever reads a
metric or reduces is done by all of them, in the same order.
"""

import contextlib
import hashlib
from collections.abc import Iterator

import tensorflow as tf

from tf_edgeconnect.errors import InputError, WorkerLost

_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


class Workers:
    """The processes that train one run together.

    Args:
        strategy: of all replicas.
        index: which of them this one is; 0 is the chief.
        count: how many there are.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, index: int = 0, count: int = 1
    ):
        self.strategy, self.index, self.count = strategy, index, count
        # Eagerly, TensorFlow 2.21 would trace it anew at each call, and warn.
        self._gathered = tf.function(lambda value: strategy.gather(value, axis=0))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the run leaves."""
        return self.index == 0

    def agree(self, value: int | str, otherwise: str) -> None:
        """Stops all workers if one has another value.

        Args:
            value: of this worker.
            otherwise: the line that says what is wrong and what to do.

        Raises:
            InputError: on every worker, if they differ.
        """
        digest = hashlib.sha256(str(value).encode()).digest()[:8]
        here = int.from_bytes(digest, "big", signed=True)
        if any(there != here for there in self._gather(here)):
            raise InputError(otherwise)

    @contextlib.contextmanager
    def chief_first(self) -> Iterator[None]:
        """Lets the chief through the block before the others enter it."""
        if not self.is_chief:
            self.wait()
        yield
        if self.is_chief:
            self.wait()

    def wait(self) -> None:
        """Returns once all workers are here."""
        self._gather(0)

    def _gather(self, value: int) -> list[int]:
        if self.count == 1:
            return [value]
        return self._gathered(tf.constant([value], tf.int64)).numpy().tolist()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Tells in one line if another worker is lost while the block runs.

        Raises:
            WorkerLost: in place of what TensorFlow raises then.
        """
        try:
            yield
        except _LOST as error:
            if self.count == 1:
                raise
            raise WorkerLost(
                f"worker {self.index} lost another one: one of the {self.count} ended "
                "or cannot be reached, its own output says why; start all of them "
                "again with the same command, and they continue from the newest "
                "checkpoint"
            ) from error
