"""What a check leaves: findings, and the pictures that show them."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

# error: the run stops, or its result is wrong; warning: it will hurt; note: to know.
Severity = Literal["error", "warning", "note"]
T = TypeVar("T")

SHOWN = 3  # names in a line; the report has all
A_FEW = 0.01  # a share of photos that does no harm


class Track(Protocol):
    """Shows progress: `rich.progress.track` or what takes the same."""

    def __call__(self, items: Iterable[T], description: str, total: int) -> Iterable[T]:
        """Yields the items."""


def untracked(items: Iterable[T], description: str, total: int) -> Iterable[T]:
    """Yields the items and shows nothing."""
    return items


class Suspect(NamedTuple):
    """A picture to look at.

    Attributes:
        name: what to call it.
        read: returns the bytes of its file.
    """

    name: str
    read: Callable[[], bytes]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        severity: how bad it is.
        check: which check found it, a short fixed name.
        what: what is the matter, without a stop.
        remedy: what to do about it.
        names: the files concerned, all of them; empty where none is.
        suspects: pictures that show it.
    """

    severity: Severity
    check: str
    what: str
    remedy: str
    names: tuple[str, ...] = ()
    suspects: tuple[Suspect, ...] = ()

    @property
    def line(self) -> str:
        """Everything in one line; of many files the first few."""
        names = ", ".join(self.names[:SHOWN])
        more = len(self.names) - SHOWN
        if more > 0:
            names += f" and {more} more"
        shown = f" ({names})" if names else ""
        text = f"{self.severity}: {self.what}{shown}: {self.remedy}"
        return " ".join(text.split())

    def as_json(self) -> dict[str, Any]:
        """The finding as JSON values, with all names."""
        return {
            "severity": self.severity,
            "check": self.check,
            "what": self.what,
            "remedy": self.remedy,
            "names": list(self.names),
        }


@dataclasses.dataclass
class Checkup:
    """What was looked at and what was found.

    Attributes:
        facts: lines on what was looked at.
        findings: worst first.
    """

    facts: list[str] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)

    def add(self, findings: Sequence[Finding]) -> None:
        """Takes further findings."""
        order = ("error", "warning", "note")
        self.findings += findings
        self.findings.sort(key=lambda finding: order.index(finding.severity))

    def join(self, other: "Checkup") -> None:
        """Takes the facts and findings of another one."""
        self.facts += other.facts
        self.add(other.findings)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found that will hurt."""
        return all(finding.severity == "note" for finding in self.findings)


def by_share(count: int, total: int, harmless: float = A_FEW) -> Severity:
    """A note where no larger share than `harmless` is concerned, else a warning."""
    return "note" if count <= harmless * total else "warning"
