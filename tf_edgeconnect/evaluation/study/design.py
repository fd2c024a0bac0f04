"""What a study shows, to whom, in which order.

Finished evaluations enter, trials leave. The order of a participant's trials is a pure
function of the study's seed and the participant's number, so that it continues where it
was broken off.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.results import Evaluation, read_json

Task = Literal["2afc", "jnd"]
TASKS: tuple[Task, ...] = ("2afc", "jnd")
Side = Literal["a", "b"]
SIDES: tuple[Side, Side] = ("a", "b")

DESIGN = "study.json"


@dataclass(frozen=True)
class Trial:
    """One question to one participant.

    Attributes:
        task: of `TASKS`.
        name: of the picture.
        system: label of what filled it; None for the photo itself (only `2afc`).
        milliseconds: how long the pair is shown (only `jnd`).
        real: where the photo stands (only `jnd`).
    """

    task: Task
    name: str
    system: str | None
    milliseconds: int | None = None
    real: Side | None = None

    @property
    def truth(self) -> str:
        """The right answer."""
        if self.real is not None:
            return self.real
        return "real" if self.system is None else "filled"

    @property
    def answers(self) -> tuple[str, str]:
        """What may be answered."""
        return SIDES if self.task == "jnd" else ("real", "filled")


@dataclass(frozen=True)
class Study:
    """The design of a study; `study.json` holds it.

    Attributes:
        seed: of all orders.
        tasks: of `TASKS`, in the order in which they come.
        trials: of each task, at most: no participant sees a photo twice.
        milliseconds: display times of `jnd`.
        folders: label of a system -> folder of its evaluation.
        bins: name of a picture -> bin of its hole ratio.
    """

    seed: int
    tasks: tuple[Task, ...]
    trials: int
    milliseconds: tuple[int, ...]
    folders: dict[str, str]
    bins: dict[str, str]

    def trials_of(self, number: int) -> list[Trial]:
        """The trials of a participant.

        Args:
            number: of the participant, from 1.

        Returns:
            Task by task, no picture twice. Half of the `2afc` pictures are photos; the
            rest, and the pairs of `jnd`, take systems and display times in turns.
        """
        draw = random.Random(f"{self.seed} {number}")
        names = list(self.bins)
        draw.shuffle(names)
        count = min(self.trials, len(names) // len(self.tasks))
        trials = []
        for index, task in enumerate(self.tasks):
            shown = names[index * count : (index + 1) * count]
            make = self._real_or_filled if task == "2afc" else self._pairs
            trials += make(shown, draw)
        return trials

    def _real_or_filled(self, names: list[str], draw: random.Random) -> list[Trial]:
        systems = _in_turns(list(self.folders), len(names) // 2, draw)
        conditions = [*systems, *[None] * (len(names) - len(systems))]
        draw.shuffle(conditions)
        return [
            Trial("2afc", name, system)
            for name, system in zip(names, conditions, strict=True)
        ]

    def _pairs(self, names: list[str], draw: random.Random) -> list[Trial]:
        conditions = [(s, time) for s in self.folders for time in self.milliseconds]
        return [
            Trial("jnd", name, system, time, draw.choice(SIDES))
            for name, (system, time) in zip(
                names, _in_turns(conditions, len(names), draw), strict=True
            )
        ]


def new_study(
    evaluations: Sequence[Evaluation],
    *,
    seed: int,
    tasks: tuple[Task, ...],
    trials: int,
    milliseconds: tuple[int, ...],
) -> Study:
    """Designs a study of evaluated systems.

    Args:
        evaluations: of the same pictures, as `read_comparable` joins them.
        seed: of all orders.
        tasks: of `TASKS`.
        trials: of each task, at most.
        milliseconds: display times of `jnd`.

    Raises:
        InputError: there are too few pictures for a trial of each task.
    """
    bins = {image.name: image.bin for image in evaluations[0].images}
    # Two a task: one real, one filled.
    if len(bins) < 2 * len(tasks):
        raise InputError(
            f"a study needs at least {2 * len(tasks)} pictures, these evaluations "
            f"share {len(bins)}"
        )
    folders = {one.system: str(one.folder.resolve()) for one in evaluations}
    return Study(seed, tasks, trials, milliseconds, folders, bins)


def save_study(study: Study, folder: Path) -> None:
    """Writes `study.json`, or checks that the one there is the same.

    Raises:
        InputError: the folder holds a study of another design.
    """
    path = folder / DESIGN
    if path.exists():
        before = read_study(folder)
        differing = [k for k, v in asdict(study).items() if getattr(before, k) != v]
        if differing:
            raise InputError(
                f"{folder} holds a study of other {', '.join(differing)}; give another "
                "--output, or no evaluations to continue that study"
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(study), indent=1) + "\n", encoding="utf-8")


def read_study(folder: Path) -> Study:
    """Reads `study.json`.

    Raises:
        InputError: there is none, or it is damaged.
    """
    path = folder / DESIGN
    if not path.is_file():
        raise InputError(
            f"{folder} holds no study ({DESIGN} is missing); give the folders of "
            "evaluations to begin one"
        )
    values = read_json(path)
    try:
        lists = {key: tuple(values[key]) for key in ("tasks", "milliseconds")}
        return Study(**{**values, **lists})
    except (TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged: {error}") from None


def _in_turns(values: list, count: int, draw: random.Random) -> list:
    """`count` values, each as often as the others give or take one, in random order."""
    drawn: list = []
    while len(drawn) < count:
        drawn += draw.sample(values, len(values))
    drawn = drawn[:count]
    draw.shuffle(drawn)
    return drawn
