"""What a person sees of a run: a progress bar, and lines of figures above it."""

import math
import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

# Figures that go into a line; the journal has them all.
_HIDDEN = ("gradient_norm", "edge/average_precision", "edge/base_rate", "edge/recall")


class Display:
    """A bar with images per second and time left; plain lines where it is no terminal.

    Args:
        stage: name of the stage.
        step: steps done so far.
        steps: length of the stage.
        batch_size: photos a step, over all replicas.
        console: where to; standard error by default.
        quiet: shows nothing, on a worker that is not the chief.
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
        self.console = console or Console(
            stderr=True, soft_wrap=True, highlight=False, quiet=quiet
        )
        self._stage, self._steps, self._batch_size = stage, steps, batch_size
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._progress.add_task(
            stage, total=steps, completed=step, rate="... images/s"
        )
        self._busy, self._counted = 0.0, 0
        self._since: float | None = None

    def __enter__(self):
        """Starts the bar."""
        self._progress.start()
        return self

    def __exit__(self, *error):
        """Leaves the bar as it stands."""
        self._progress.stop()

    @property
    def images_per_second(self) -> float:
        """Photos trained on a second since the last line; pauses do not count."""
        if not self._busy:
            return math.nan
        return self._counted * self._batch_size / self._busy

    def advance(self, step: int) -> None:
        """Says that a step is done."""
        now = time.monotonic()
        if self._since is not None:
            self._busy += now - self._since
            self._counted += 1
        self._since = now
        rate = f"{self.images_per_second:.1f} images/s"
        self._progress.update(self._task, completed=step, rate=rate)

    def pause(self) -> None:
        """Says that what comes until the next step is not training."""
        self._since = None

    def say(self, text: str) -> None:
        """Prints one line above the bar."""
        self.console.print(text, markup=False)

    def log(self, step: int, figures: dict[str, float]) -> None:
        """Prints the figures of training and starts the next count of images/s."""
        kept = {
            name: value
            for name, value in figures.items()
            if not any(part in name for part in _HIDDEN) and math.isfinite(value)
        }
        # `g_adv` alone would be two things where both generators have one.
        lasts = [_last_part(name) for name in kept]
        shown = [
            f"{name if lasts.count(_last_part(name)) > 1 else _last_part(name)} "
            f"{value:.4f}"
            for name, value in kept.items()
        ]
        rate = self.images_per_second
        if rate > 0:
            left = (self._steps - step) * self._batch_size / rate
            shown.append(f"{rate:.1f} images/s, {_duration(left)} left")
        self.say(f"{self._stage} {step}/{self._steps}  {'  '.join(shown)}")
        self._busy, self._counted = 0.0, 0

    def validation(self, step: int, figures: dict[str, float]) -> None:
        """Prints the figures of held-out photos."""
        words = describe_validation(figures)
        self.say(f"{self._stage} {step}/{self._steps}  held-out photos: {words}")


def describe_validation(figures: Mapping[str, float | None]) -> str:
    """Puts the figures of a validation into words; names with or without `val/`.

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


def _last_part(name: str) -> str:
    return name.rsplit("/", 1)[1]


def _shown(value: float | None, digits: int) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.{digits}f}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
