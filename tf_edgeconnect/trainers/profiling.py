"""A TensorBoard profile of a few training steps."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import tensorflow as tf

FIRST, LAST = 6, 15  # the steps before are slow because they start


@contextlib.contextmanager
def profiler(folder: Path | None) -> Iterator[Callable[[int, int], None]]:
    """Records steps 6 to 15 of a call; a shorter one has what there is of them.

    Args:
        folder: where the profile goes; None: none is made.

    Yields:
        To be called before each step with its number in this call, from 1, and how many
        there will be.
    """
    running = False

    def before(step: int, steps: int) -> None:
        nonlocal running
        if folder is not None and step == min(FIRST, steps):
            tf.profiler.experimental.start(str(folder))
            running = True
        elif running and step > LAST:
            tf.profiler.experimental.stop()
            running = False

    try:
        yield before
    finally:
        if running:
            tf.profiler.experimental.stop()
