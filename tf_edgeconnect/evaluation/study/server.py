"""`StudyServer`: the study's page over HTTP, on this machine unless told otherwise.

| request | answer |
|---|---|
| `GET /`, `/page.css`, `/page.js` | the page |
| `POST /join` | a new participant's code |
| `GET /trial?participant=` | the next trial, without what is true of it |
| `GET /picture?participant=&trial=&side=` | a PNG of the current trial |
| `POST /shown`, `POST /answer` | what the page reports; answered by the next trial |

Pictures carry no names, are encoded alike and only those of a participant's current
trial are given.
"""

import functools
import io
import json
import math
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.compare import read_comparable
from tf_edgeconnect.evaluation.pictures import picture_of
from tf_edgeconnect.evaluation.results import filled_path
from tf_edgeconnect.evaluation.study.design import Study, Trial
from tf_edgeconnect.evaluation.study.responses import Responses
from tf_edgeconnect.local_http import (
    PAGE_HEADERS,
    Answer,
    Handler,
    LocalServer,
    RefusedError,
    as_json,
    page_file,
)
from tf_edgeconnect.photos.reading import read_photo

PAGE = ("page.html", "page.css", "page.js")
MAX_BODY = 4096


class StudyServer(LocalServer):
    """Runs a study until it is stopped.

    Args:
        study: its design.
        folder: for `responses.jsonl`.
        host: to listen on.
        port: 0 for a free one.

    Attributes:
        port: on which it listens.

    Raises:
        InputError: a picture is missing, the folder is in use, or the port is taken.
    """

    def __init__(
        self,
        study: Study,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._session = _Session(study, folder)

        class WithSession(_Handler):
            session = self._session

        try:
            super().__init__(WithSession, host, port)
        except InputError:
            self._session.responses.close()
            raise

    def stop(self) -> None:
        """Stops it; what was answered is recorded."""
        super().stop()
        self._session.responses.close()


class _Session:
    """The study, its record and its pictures."""

    def __init__(self, study: Study, folder: Path):
        # The labels are those that the study began with.
        evaluations = read_comparable(list(study.folders.values()))
        self.systems = dict(zip(study.folders, evaluations, strict=True))
        self.first = evaluations[0]
        self.items = {item["name"]: item for item in self.first.manifest["items"]}
        for one in evaluations:
            for name in study.bins:
                path = filled_path(one.folder, name)
                if not path.is_file():
                    raise InputError(f"{path} is missing: the evaluation is damaged")
        self.photo(next(iter(study.bins)))  # a moved folder is told before the start
        self.trials_of = functools.cache(study.trials_of)
        self.responses = Responses(folder)

    def photo(self, name: str) -> np.ndarray:
        one = self.first
        return picture_of(self.items[name], one.details, one.size)[0]

    def png(self, name: str, system: str | None) -> bytes:
        if system is None:
            pixels = self.photo(name)
        else:
            pixels = read_photo(filled_path(self.systems[system].folder, name)).rgb()
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        return stream.getvalue()

    def trials(self, participant: object) -> list[Trial]:
        number = None
        if isinstance(participant, str):
            number = self.responses.number(participant)
        if number is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "the participant is unknown")
        return self.trials_of(number)

    def state(self, participant: str) -> dict[str, Any]:
        """The next trial, as far as a participant may know it."""
        trials = self.trials(participant)
        index = self.responses.answered(participant)
        state = {"trial": index, "of": len(trials)}
        if index == len(trials):
            return state
        trial = trials[index]
        return state | {
            "task": trial.task,
            "milliseconds": trial.milliseconds,
            "first": index == 0 or trials[index - 1].task != trial.task,
        }

    def picture(self, participant: str, index: str, side: str) -> bytes:
        trials = self.trials(participant)
        current = self.responses.answered(participant)
        if index != str(current) or current == len(trials) or side not in ("a", "b"):
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such picture now")
        trial = trials[current]
        real = trial.system is None or side == trial.real
        return self.png(trial.name, None if real else trial.system)

    def answer(self, body: dict[str, Any]) -> None:
        participant, index = body.get("participant", ""), body.get("trial", -1)
        trials = self.trials(participant)
        if type(index) is not int or not 0 <= index < len(trials):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the trial is unknown")
        trial, answer = trials[index], body.get("answer")
        if answer not in trial.answers:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, f"the answer must be one of {trial.answers}"
            )
        self.responses.answer(
            participant,
            index,
            task=trial.task,
            name=trial.name,
            system=trial.system,
            milliseconds=trial.milliseconds,
            answer=answer,
            correct=answer == trial.truth,
            shown=_duration(body.get("shown")),
            thought=_duration(body.get("thought")),
        )


def _duration(value: object) -> float | None:
    """Milliseconds that a page reports, or None where they are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return round(float(value), 1) if math.isfinite(value) and value >= 0 else None


class _Handler(Handler):
    session: _Session
    headers_of_all = PAGE_HEADERS

    def refusal(self, error: Exception) -> tuple[HTTPStatus, str] | None:
        if isinstance(error, InputError):  # a picture that has gone
            return HTTPStatus.INTERNAL_SERVER_ERROR, str(error)
        return super().refusal(error)

    def get(self) -> Answer:
        path, query = self.asked()
        if found := page_file(__package__, path, PAGE):
            return found
        participant = query.get("participant", "")
        if path == "/trial":
            return as_json(self.session.state(participant))
        if path == "/picture":
            index, side = query.get("trial", ""), query.get("side", "")
            return "image/png", self.session.picture(participant, index, side)
        raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def post(self) -> Answer:
        body, (path, _) = self._sent(), self.asked()
        if path == "/join":
            return as_json({"participant": self.session.responses.join()})
        participant = body.get("participant", "")
        if path == "/shown":
            self.session.trials(participant)
            self.session.responses.shown(participant, body.get("trial", -1))
        elif path == "/answer":
            self.session.answer(body)
        else:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")
        return as_json(self.session.state(participant))

    def _sent(self) -> dict[str, Any]:
        length = self.announced()
        # A form of another site cannot send this type without being asked.
        kind = self.headers.get("Content-Type", "")
        if length is None or length > MAX_BODY or "json" not in kind:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expected a short JSON body")
        try:
            body = json.loads(self.body())
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "expected a JSON object")
        return body
