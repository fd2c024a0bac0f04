"""What a study found: shares of answers with Wilson intervals.

Enters: the events of `responses.jsonl`. Leaves: `Share`s, and a text of them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

from tf_edgeconnect.evaluation.results import ALL
from tf_edgeconnect.evaluation.study.design import Study

LEVEL = 0.95
TOLERANCE = 50.0  # milliseconds, three frames of a usual screen
REAL = "real photos"
NOTE = (
    "Brackets hold 95 % Wilson intervals. They take all answers as independent; a "
    "person's answers are not quite, so few participants make them too narrow."
)

CHANCE = "Guessing finds the photo in 50 % of the pairs."
TIMING = "Display times are as the participants' browsers measured them."


class Share(NamedTuple):
    """How many of some answers were of a kind.

    Attributes:
        count: of the kind.
        n: answers.
    """

    count: int  # type: ignore[assignment]  # hides the tuple's method
    n: int

    def interval(self) -> tuple[float, float]:
        """Wilson's score interval; 0 to 1 where there is no answer.

        Reference:
            Wilson, "Probable inference, the law of succession, and statistical
            inference", 1927.
        """
        if self.n == 0:
            return 0.0, 1.0
        z = NormalDist().inv_cdf((1 + LEVEL) / 2)
        share = self.count / self.n
        centre = share + z * z / (2 * self.n)
        spread = z * math.sqrt(
            share * (1 - share) / self.n + z * z / (4 * self.n * self.n)
        )
        scale = 1 + z * z / self.n
        return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)

    def json(self) -> dict[str, Any]:
        """As `results.json` holds it."""
        share = self.count / self.n if self.n else None
        return {"count": self.count, "n": self.n, "share": share} | {
            "interval": list(self.interval())
        }

    def __str__(self) -> str:
        if self.n == 0:
            return "–"
        low, high = (100 * bound for bound in self.interval())
        share = 100 * self.count / self.n
        return f"{share:.1f}% [{low:.1f}, {high:.1f}] ({self.count}/{self.n})"


class Results(NamedTuple):
    """The results of a study.

    Attributes:
        participants: how many joined.
        finished: how many answered all trials.
        taken_for_real: system, or `REAL` -> bin -> share of pictures taken for real.
        told_apart: system -> display time in milliseconds -> share of pairs in which
            the real photo was found.
        left_out: answers to pairs that count in neither: shown twice, or for a time off
            by more than `TOLERANCE`.
    """

    participants: int
    finished: int
    taken_for_real: dict[str, dict[str, Share]]
    told_apart: dict[str, dict[int, Share]]
    left_out: int

    def json(self) -> dict[str, Any]:
        """As `results.json` holds it."""
        return self._asdict() | {
            "taken_for_real": _json(self.taken_for_real),
            "told_apart": _json(self.told_apart),
            "noticeable_from_milliseconds": {
                system: noticeable_from(times)
                for system, times in self.told_apart.items()
            },
        }


def find_results(study: Study, events: Sequence[dict[str, Any]]) -> Results:
    """Counts answers.

    Args:
        study: its design.
        events: as `read_events` gives them.

    Returns:
        The results; shares that the tasks of the study do not ask for are left out.
    """
    answers = [event for event in events if event["event"] == "answer"]
    joined = {e["participant"]: e["number"] for e in events if e["event"] == "join"}
    given = dict.fromkeys(joined, 0)
    for answer in answers:
        given[answer["participant"]] += 1
    finished = sum(
        given[code] == len(study.trials_of(number)) for code, number in joined.items()
    )
    pictures = [answer for answer in answers if answer["task"] == "2afc"]
    pairs = [answer for answer in answers if answer["task"] == "jnd"]
    timely = [answer for answer in pairs if _as_asked(answer)]
    present = set(study.bins.values())
    bins = sorted(present, key=_by_hole) if len(present) > 1 else []
    taken_for_real = {
        system or REAL: {
            label: _share(
                (
                    answer
                    for answer in pictures
                    if answer["system"] == system
                    and label in (ALL, study.bins[answer["name"]])
                ),
                lambda answer: answer["answer"] == "real",
            )
            for label in (*bins, ALL)
        }
        for system in ((None, *study.folders) if "2afc" in study.tasks else ())
    }
    told_apart = {
        system: {
            time: _share(
                (
                    answer
                    for answer in timely
                    if (answer["system"], answer["milliseconds"]) == (system, time)
                ),
                lambda answer: answer["correct"],
            )
            for time in sorted(study.milliseconds)
        }
        for system in (study.folders if "jnd" in study.tasks else ())
    }
    return Results(
        len(joined), finished, taken_for_real, told_apart, len(pairs) - len(timely)
    )


def noticeable_from(times: dict[int, Share]) -> int | None:
    """The display time from which on the difference is noticed.

    Args:
        times: milliseconds -> share of pairs told apart, rising.

    Returns:
        The shortest time at which, and above which, the interval lies above chance;
        None where there is none.
    """
    found = None
    for time, share in reversed(times.items()):
        if share.interval()[0] <= 0.5:
            break
        found = time
    return found


def results_text(results: Results) -> str:
    """The results in Markdown."""
    lines = [
        "# User study",
        "",
        f"Participants: {results.participants}, to the end: {results.finished}.",
    ]
    if results.taken_for_real:
        bins = list(next(iter(results.taken_for_real.values())))
        lines += ["", "## Taken for real (two-alternative forced choice)", ""]
        lines += _table("shown", bins, results.taken_for_real)
        lines += ["", "Filled pictures that pass come near the real photos' share."]
    if results.told_apart:
        times = list(next(iter(results.told_apart.values())))
        heads = [f"{time} ms" for time in times]
        lines += ["", "## Told apart (pairs, by display time)", ""]
        lines += _table("photo against", heads, results.told_apart)
        lines += ["", f"{CHANCE} {TIMING}", ""]
        for system, shares in results.told_apart.items():
            time = noticeable_from(shares)
            found = f"noticed from {time} ms on" if time else "not shown to be noticed"
            lines.append(f"- {system}: {found}")
    if results.left_out:
        lines += [
            "",
            f"{results.left_out} answers to pairs are left out: shown more than once, "
            f"or for a time off by more than {TOLERANCE:g} ms.",
        ]
    return "\n".join([*lines, "", NOTE]) + "\n"


def _by_hole(label: str) -> tuple[float, str]:
    try:
        return float(label.partition("-")[0]), label
    except ValueError:  # the block
        return math.inf, label


def _as_asked(answer: dict[str, Any]) -> bool:
    """Whether a pair was seen once, for the time that was asked for."""
    shown = answer["shown"]
    return (
        answer["views"] == 1
        and shown is not None
        and abs(shown - answer["milliseconds"]) <= TOLERANCE
    )


def _share(answers: Iterable[dict], kind: Callable[[dict], bool]) -> Share:
    kinds = [kind(answer) for answer in answers]
    return Share(sum(kinds), len(kinds))


def _json(shares: dict[str, dict[Any, Share]]) -> dict[str, dict[Any, Any]]:
    return {
        system: {key: share.json() for key, share in row.items()}
        for system, row in shares.items()
    }


def _table(
    head: str, columns: Sequence[str], rows: dict[str, dict[Any, Share]]
) -> list[str]:
    lines = [[head, *columns], ["---"] * (1 + len(columns))]
    for system, row in rows.items():
        lines.append([system.replace("|", r"\|"), *map(str, row.values())])
    return ["| " + " | ".join(line) + " |" for line in lines]
