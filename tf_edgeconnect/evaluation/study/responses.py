"""The record of a study: `responses.jsonl`, to which lines are only ever added.

A line is an event: a participant joins, a timed pair is shown, an answer is given. All
state is read back from it, so a study continues after any break.
"""

import fcntl
import json
import os
import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tf_edgeconnect.errors import InputError

RESPONSES = "responses.jsonl"


class Responses:
    """Records events; safe to use from several threads, for one process at a time.

    Args:
        folder: of the study.

    Raises:
        InputError: another process records there.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / RESPONSES
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise InputError(
                f"another process runs the study in {folder}; stop it, or give "
                "another --output"
            ) from None
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            self._file.write("\n")  # after half a line of a killed process
        self._numbers: dict[str, int] = {}
        self._answered: dict[str, int] = {}
        self._views: dict[tuple[str, int], int] = {}
        for event in read_events(folder):
            self._count(event)

    def join(self) -> str:
        """Takes in a participant and returns the code that stands for them."""
        with self._lock:
            code = secrets.token_urlsafe(6)
            number = len(self._numbers) + 1
            self._record(event="join", participant=code, number=number)
            return code

    def number(self, participant: str) -> int | None:
        """The participant's number, from 1; None for an unknown code."""
        return self._numbers.get(participant)

    def answered(self, participant: str) -> int:
        """How many trials the participant has answered: the index of the next."""
        return self._answered.get(participant, 0)

    def shown(self, participant: str, trial: int) -> None:
        """Records that a timed pair is about to be shown."""
        with self._lock:
            if trial == self.answered(participant):
                self._record(event="shown", participant=participant, trial=trial)

    def answer(self, participant: str, trial: int, **fields: Any) -> None:
        """Records an answer; a second one to the same trial is passed over.

        Args:
            participant: a known code.
            trial: its index.
            **fields: what the line holds beside.
        """
        with self._lock:
            if trial == self.answered(participant):
                views = self._views.get((participant, trial), 0)
                self._record(
                    event="answer",
                    participant=participant,
                    trial=trial,
                    **fields,
                    views=views,
                )

    def close(self) -> None:
        """Ends the recording."""
        self._file.close()

    def _record(self, **event: Any) -> None:
        event["time"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._file.write(json.dumps(event) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._count(event)

    def _count(self, event: dict[str, Any]) -> None:
        participant = event["participant"]
        if event["event"] == "join":
            self._numbers[participant] = event["number"]
        elif event["event"] == "shown":
            key = participant, event["trial"]
            self._views[key] = self._views.get(key, 0) + 1
        else:
            self._answered[participant] = event["trial"] + 1


def read_events(folder: Path) -> list[dict[str, Any]]:
    """Reads the record of a study.

    Args:
        folder: of the study.

    Returns:
        The events in their order; half a line of a killed process is passed over.
    """
    path = folder / RESPONSES
    events = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return events
