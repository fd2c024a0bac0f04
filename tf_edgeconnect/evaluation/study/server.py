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
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

from tf_edgeconnect.data.photos import read_photo
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.compare import read_comparable
from tf_edgeconnect.evaluation.pictures import picture_of
from tf_edgeconnect.evaluation.results import filled_path
from tf_edgeconnect.evaluation.study.design import Study, Trial
from tf_edgeconnect.evaluation.study.responses import Responses

PAGE = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
MAX_BODY = 4096
READ_SECONDS = 60
POLL_SECONDS = 0.1  # how soon a stop is noticed


class StudyServer:
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

        class Handler(_Handler):
            session = self._session

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            self._session.responses.close()
            raise InputError(
                f"cannot listen on {host}:{port} ({error.strerror or error}): give "
                "another --port or --host"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True
        )
        self._thread.start()
        self.port = self._server.server_address[1]

    def wait(self) -> None:
        """Returns when the server has been stopped."""
        self._thread.join()

    def stop(self) -> None:
        """Stops it; what was answered is recorded."""
        self._server.shutdown()
        self._server.server_close()
        self._session.responses.close()

    def __enter__(self) -> "StudyServer":
        return self

    def __exit__(self, *exception) -> None:
        self.stop()


class _RefusedError(Exception):
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


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
        known = isinstance(participant, str)
        number = self.responses.number(participant) if known else None
        if number is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "the participant is unknown")
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
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such picture now")
        trial = trials[current]
        real = trial.system is None or side == trial.real
        return self.png(trial.name, None if real else trial.system)

    def answer(self, body: dict[str, Any]) -> None:
        participant, index = body.get("participant"), body.get("trial")
        trials = self.trials(participant)
        if type(index) is not int or not 0 <= index < len(trials):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the trial is unknown")
        trial, answer = trials[index], body.get("answer")
        if answer not in trial.answers:
            raise _RefusedError(
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
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        return None
    return round(float(value), 1)


class _Handler(BaseHTTPRequestHandler):
    session: _Session
    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS

    def do_GET(self) -> None:  # noqa: N802, the name http.server asks for
        self._answer(self._get)

    def do_POST(self) -> None:  # noqa: N802, the name http.server asks for
        self._answer(self._post)

    def log_message(self, *arguments) -> None:
        """Requests are not logged: they would tell who answered when."""

    def _answer(self, method) -> None:
        status = HTTPStatus.OK
        try:
            kind, data = method()
        except _RefusedError as error:
            status = error.status
            kind, data = _json({"error": str(error)})
        except InputError as error:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            kind, data = _json({"error": str(error)})
        self.send_response(status)
        headers = HEADERS | {"Content-Type": kind, "Content-Length": str(len(data))}
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _get(self) -> tuple[str, bytes]:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path in PAGE:
            name, kind = PAGE[url.path]
            return kind, resources.files(__package__).joinpath(name).read_bytes()
        participant = query.get("participant", "")
        if url.path == "/trial":
            return _json(self.session.state(participant))
        if url.path == "/picture":
            index, side = query.get("trial", ""), query.get("side", "")
            return "image/png", self.session.picture(participant, index, side)
        raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")

    def _post(self) -> tuple[str, bytes]:
        body, path = self._body(), urlsplit(self.path).path
        if path == "/join":
            return _json({"participant": self.session.responses.join()})
        if path == "/shown":
            participant = body.get("participant")
            self.session.trials(participant)
            self.session.responses.shown(participant, body.get("trial"))
        elif path == "/answer":
            self.session.answer(body)
        else:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is no such page")
        return _json(self.session.state(body["participant"]))

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        # A form of another site cannot send this type without being asked.
        kind = self.headers.get("Content-Type", "")
        if not length.isdigit() or int(length) > MAX_BODY or "json" not in kind:
            self.close_connection = True
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "expected a short JSON body")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "expected a JSON object")
        return body


def _json(value: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(value).encode()
