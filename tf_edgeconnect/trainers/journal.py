"""What a run writes down: `metrics.jsonl` and TensorBoard's scalars and pictures."""

import json
import math
import os
from pathlib import Path

import numpy as np
import tensorflow as tf


class Journal:
    """Appends figures to `metrics.jsonl`, one JSON object a line, and to TensorBoard.

    A line holds `stage`, `step` and the figures; one that is not finite is `null`.

    Args:
        run_dir: `metrics.jsonl` and `logs/<stage>/` are made in it.
        stage: the stage's name.
        step: where the run (re)starts. Lines of this stage from later steps, left by a
            run that was killed after its last checkpoint, are taken out: those steps
            are done again.
    """

    def __init__(self, run_dir: Path, stage: str, step: int):
        self._path = run_dir / "metrics.jsonl"
        self._stage = stage
        self._forget_after(step or -1)  # a start from scratch does step 0 again
        self._board = tf.summary.create_file_writer(str(run_dir / "logs" / stage))

    def write(self, step: int, figures: dict[str, float]) -> None:
        """Writes figures of a step, in both places."""
        values = {
            name: float(value) if math.isfinite(value) else None
            for name, value in figures.items()
        }
        line = json.dumps({"stage": self._stage, "step": step, **values})
        with self._path.open("a") as file:
            file.write(line + "\n")
        with self._board.as_default(step=step):
            for name, value in values.items():
                if value is not None:
                    tf.summary.scalar(name, value)
        self._board.flush()

    def picture(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes a picture, `(H, W, 3)` uint8, to TensorBoard."""
        with self._board.as_default(step=step):
            tf.summary.image(name, image[None])
        self._board.flush()

    def figures(self, step: int) -> dict[str, float] | None:
        """Returns what was written of a step of this stage, None if nothing was."""
        lines = (line for line in self._lines() if _is_of(line, self._stage))
        found = [line for line in lines if line["step"] == step]
        return {k: v for line in found for k, v in line.items()} if found else None

    def _lines(self):
        if not self._path.exists():
            return
        for text in self._path.read_text().splitlines():
            # A killed run may have left half a line.
            try:
                yield json.loads(text)
            except json.JSONDecodeError:
                continue

    def _forget_after(self, step: int) -> None:
        lines = list(self._lines())
        kept = [x for x in lines if not (_is_of(x, self._stage) and x["step"] > step)]
        if len(kept) == len(lines):
            return
        new = self._path.with_suffix(".new")
        new.write_text("".join(json.dumps(line) + "\n" for line in kept))
        os.replace(new, self._path)


def _is_of(line: dict, stage: str) -> bool:
    return line.get("stage") == stage
