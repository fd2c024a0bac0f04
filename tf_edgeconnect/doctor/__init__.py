"""Checks photos, masks, settings and runs before a long job.

Each check adds facts and `Finding`s to a `Report`. A finding is one line: how severe it
is, what is wrong and what to do.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from tf_edgeconnect.errors import InputError, ServingError

# error: the run stops, or its result is wrong; warning: the result suffers.
Severity = Literal["error", "warning", "note"]
# Shows progress; called as `rich.progress.track(items, description, total=N)`.
Track = Callable[..., Iterable[Any]]

SHOWN = 3  # names in a line; the JSON report has all


def untracked(items: Iterable[Any], *_: Any, **__: Any) -> Iterable[Any]:
    """Shows no progress."""
    return items


@dataclasses.dataclass(frozen=True)
class Finding:
    """One problem.

    Attributes:
        severity: how severe it is.
        check: fixed name of the check that found it.
        what: the problem.
        remedy: what to do about it.
        names: all files concerned.
    """

    severity: Severity
    check: str
    what: str
    remedy: str
    names: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The finding in one line, with the first few names."""
        names = ", ".join(self.names[:SHOWN])
        if (more := len(self.names) - SHOWN) > 0:
            names += f" and {more} more"
        shown = f" ({names})" if names else ""
        text = f"{self.severity}: {self.what}{shown}: {self.remedy}"
        return " ".join(text.split())


@dataclasses.dataclass
class Report:
    """What was checked, as lines, and the findings in the order of the checks."""

    facts: list[str] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)

    def add(
        self,
        severity: Severity,
        check: str,
        what: str,
        remedy: str,
        names: Sequence[str] = (),
    ) -> None:
        """Adds a finding."""
        self.findings.append(Finding(severity, check, what, remedy, tuple(names)))

    @contextlib.contextmanager
    def refusal(self, check: str, remedy: str) -> Iterator[None]:
        """Turns an `InputError` or `ServingError` of the block into a finding."""
        try:
            yield
        except (InputError, ServingError) as error:
            self.add("error", check, str(error), remedy)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found but notes."""
        return all(finding.severity == "note" for finding in self.findings)
