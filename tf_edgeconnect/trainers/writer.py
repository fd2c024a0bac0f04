"""What a run prints and writes.

Metrics and a progress bar on standard error; `metrics.jsonl`, one JSON object per line
with `stage`, `step` and metrics; the same metrics and the sample sheets for
TensorBoard.
"""

import json
import math
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from tf_edgeconnect.atomic import write_text

# Figures that are not printed; `metrics.jsonl` has them all.
_HIDDEN = ("gradient_norm", "edge/average_precision", "edge/base_rate", "edge/recall")


class RunWriter:
    """Prints and writes the progress of one stage.

    Args:
        stage: name of the stage.
        step: steps done so far.
        steps: length of the stage.
        batch_size: photos per step, over all replicas.
        console: where lines go; standard error by default.
        quiet: prints nothing, on a worker that is not the chief.
    """

    def __init__(
        self,
        stage: str,
        step: int,
        steps: int,
        batch_size: int,
        console: Console | None = None,
        *,
        quiet: bool = False,
    ):
        self._console = console or Console(
            stderr=True, soft_wrap=True, highlight=False, quiet=quiet
        )
        self._stage, self._start, self._steps = stage, step, steps
        self._batch_size = batch_size
        self._figures: Path | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]} images/s"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(stage, total=steps, completed=step, rate="...")

    def open(self, run_dir: Path) -> None:
        """Starts writing to a run directory.

        Lines of this stage from later steps, left by a run that was killed after its
        last checkpoint, are removed, since these steps are repeated; so is a line that
        the kill cut short.
        """
        self._figures = run_dir / "metrics.jsonl"
        last = self._start or -1  # a start from scratch does step 0 again
        if self._figures.exists():
            text = "".join(
                json.dumps(line) + "\n"
                for line in self._lines()
                if line.get("stage") != self._stage or line["step"] <= last
            )
            write_text(self._figures, text)
        self._board = tf.summary.create_file_writer(str(run_dir / "logs" / self._stage))

    def __enter__(self):
        """Shows the bar."""
        self._bar.start()
        return self

    def __exit__(self, *error):
        """Leaves the bar as it stands."""
        self._bar.stop()

    def say(self, text: str) -> None:
        """Prints one line, above the bar."""
        self._console.print(text, markup=False)

    def advance(self, step: int) -> None:
        """Moves the bar."""
        self._bar.update(self._task, completed=step)

    def training(
        self, step: int, figures: dict[str, float], learning_rate: float, pace: float
    ) -> None:
        """Prints and writes the figures of training.

        Args:
            step: of the last one.
            figures: means over the steps since the last call.
            learning_rate: of the generators.
            pace: seconds per step, NaN if unknown.
        """
        rate = self._batch_size / pace
        self._bar.update(self._task, rate=f"{rate:.1f}")
        kept = {
            name: value
            for name, value in figures.items()
            if not any(part in name for part in _HIDDEN) and math.isfinite(value)
        }
        # `g_adv` alone would be two things where both generators have one.
        short = {name: name.rsplit("/", 1)[1] for name in kept}
        lasts = list(short.values())
        words = [
            f"{name if lasts.count(short[name]) > 1 else short[name]} {value:.4f}"
            for name, value in kept.items()
        ]
        if math.isfinite(pace):
            left = timedelta(seconds=round((self._steps - step) * pace))
            words.append(f"{rate:.1f} images/s, {left} left")
        self.say(f"{self._stage} {step}/{self._steps}  {'  '.join(words)}")
        more = {"learning_rate": learning_rate, "images_per_second": rate}
        self._write(step, {**figures, **more})

    def validation(self, step: int, figures: dict[str, float]) -> None:
        """Prints and writes the figures of held-out photos."""
        words = describe_validation(figures)
        self.say(f"{self._stage} {step}/{self._steps}  held-out photos: {words}")
        self._write(step, figures)

    def sheet(self, step: int, picture: np.ndarray) -> None:
        """Hands a sample sheet, `(H, W, 3)` uint8, to TensorBoard."""
        with self._board.as_default(step=step):
            tf.summary.image("samples", picture[None])
        self._board.flush()

    def figures_of(self, step: int) -> dict[str, float]:
        """Returns what was written of a step of this stage."""
        found = (x for x in self._lines() if x.get("stage") == self._stage)
        return {k: v for x in found if x["step"] == step for k, v in x.items()}

    def _lines(self):
        if self._figures is None or not self._figures.exists():
            return
        for text in self._figures.read_text().splitlines():
            # A killed run may have left half a line.
            try:
                yield json.loads(text)
            except json.JSONDecodeError:
                continue

    def _write(self, step, figures):
        if self._figures is None:
            return
        values = {
            name: float(value) if math.isfinite(value) else None
            for name, value in figures.items()
        }
        line = json.dumps({"stage": self._stage, "step": step, **values})
        with self._figures.open("a") as file:
            file.write(line + "\n")
        with self._board.as_default(step=step):
            for name, value in values.items():
                if value is not None:
                    tf.summary.scalar(name, value)
        self._board.flush()


def describe_validation(figures: Mapping[str, float | None]) -> str:
    """Describes the metrics of a validation; names with or without `val/`.

    What is undefined (None or NaN: no hole, no edge) shows as a dash.
    """
    values = {name.removeprefix("val/"): value for name, value in figures.items()}
    words = []
    if "hole_l1" in values:
        words.append(f"hole L1 {_shown(values['hole_l1'], 4)}")
        words.append(f"hole PSNR {_shown(values['hole_psnr'], 2)} dB")
        words.append(f"PSNR {_shown(values['psnr'], 2)} dB")
    if "average_precision" in values:
        precision, base = values["average_precision"], values["base_rate"]
        times = precision / base if precision and base else None
        words.append(
            f"edges' average precision {_shown(precision, 3)}, "
            f"{_shown(times, 2)} times the base rate {_shown(base, 3)}, "
            f"F1 {_shown(values['f1'], 3)}"
        )
    return "; ".join(words)


def _shown(value: float | None, digits: int) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{digits}f}"
