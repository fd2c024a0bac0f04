"""The study over HTTP."""

import io
import json
import re
from http.client import HTTPConnection

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.compare import read_comparable
from tf_edgeconnect.evaluation.study.design import new_study
from tf_edgeconnect.evaluation.study.responses import Responses, read_events
from tf_edgeconnect.evaluation.study.server import StudyServer


class Browser:
    """Asks a server as the page does."""

    def __init__(self, server: StudyServer, participant: str | None = None):
        self.connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.participant = participant or self.post("/join")["participant"]

    def request(self, method: str, path: str, body=None, kind="application/json"):
        headers = {"Content-Type": kind} if body is not None else {}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.headers, response.read()

    def post(self, path: str, **body) -> dict:
        text = json.dumps(body)
        return json.loads(self.request("POST", path, text)[2])

    def trial(self) -> dict:
        status, _, data = self.request("GET", f"/trial?participant={self.participant}")
        assert status == 200
        return json.loads(data)

    def picture(self, trial: int, side: str = "a") -> tuple[int, bytes]:
        path = f"/picture?participant={self.participant}&trial={trial}&side={side}"
        status, _, data = self.request("GET", path)
        return status, data

    def answer(self, trial: int, answer: str, **fields) -> dict:
        fields |= {"participant": self.participant, "trial": trial, "answer": answer}
        return self.post("/answer", **fields)


@pytest.fixture(scope="module")
def study(evaluated):
    return new_study(
        read_comparable(evaluated),
        seed=0,
        tasks=("2afc", "jnd"),
        trials=2,
        milliseconds=(250,),
    )


@pytest.fixture
def server(study, tmp_path):
    with StudyServer(study, tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def asked_server(study, tmp_path_factory):
    """One for requests that change nothing."""
    with StudyServer(study, tmp_path_factory.mktemp("asked")) as server:
        yield server


def answers(folder) -> list[dict]:
    return [event for event in read_events(folder) if event["event"] == "answer"]


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_participant_answers_all_trials(server, study, tmp_path):
    browser = Browser(server)
    trials = study.trials_of(1)
    state = browser.trial()
    for index, trial in enumerate(trials):
        assert state["trial"] == index and state["task"] == trial.task
        assert state["milliseconds"] == trial.milliseconds
        assert state["first"] is (index in (0, 2))
        if trial.task == "jnd":
            browser.post("/shown", participant=browser.participant, trial=index)
        state = browser.answer(index, trial.truth, shown=250.04, thought=700)
    assert state == {"trial": 4, "of": 4}
    given = answers(tmp_path)
    assert all(line["correct"] for line in given)
    assert [line["name"] for line in given] == [trial.name for trial in trials]
    assert [line["views"] for line in given] == [0, 0, 1, 1]
    assert given[3]["shown"] == 250.0 and given[3]["thought"] == 700.0


def test_pictures_are_the_photo_and_the_filled_one(server, study, evaluated):
    browser = Browser(server)
    folders = dict(zip(study.folders, evaluated, strict=True))
    for index, trial in enumerate(study.trials_of(1)):
        sides = {side: pixels(browser.picture(index, side)[1]) for side in "ab"}
        photo = Image.open(evaluated[0].parent / f"sources/photos/{trial.name}.png")
        if trial.task == "jnd":
            filled = Image.open(folders[trial.system] / f"filled/{trial.name}.png")
            other = {"a": "b", "b": "a"}[trial.real]
            assert (sides[trial.real] == np.asarray(photo)).all()
            assert (sides[other] == np.asarray(filled)).all()
        else:
            is_photo = (sides["a"] == np.asarray(photo)).all()
            assert is_photo == (trial.system is None)
        browser.answer(index, trial.truth)


def test_nothing_that_is_sent_tells_the_truth(server, study):
    browser = Browser(server)
    secrets = [*study.folders, *study.folders.values(), *study.bins, "correct"]
    for index, trial in enumerate(study.trials_of(1)):
        state = browser.trial()
        assert state.keys() == {"trial", "of", "task", "milliseconds", "first"}
        path = f"/picture?participant={browser.participant}&trial={index}&side=a"
        _, headers, data = browser.request("GET", path)
        assert set(Image.open(io.BytesIO(data)).info) == set()
        for secret in secrets:
            assert f'"{secret}"' not in json.dumps(state) + str(headers.items())
        browser.answer(index, trial.truth)


def test_only_pictures_of_the_current_trial_are_given(server):
    browser = Browser(server)
    assert browser.picture(0)[0] == 200
    assert browser.picture(1)[0] == 404
    assert browser.picture(0, "c")[0] == 404
    browser.answer(0, "real")
    assert browser.picture(0)[0] == 404


def test_a_second_answer_to_a_trial_changes_nothing(server, tmp_path):
    browser = Browser(server)
    browser.answer(0, "real")
    assert browser.answer(0, "filled")["trial"] == 1
    assert [line["answer"] for line in answers(tmp_path)] == ["real"]


def test_participants_are_not_mixed(server, study, tmp_path):
    one, two = Browser(server), Browser(server)
    one.answer(0, "real")
    assert (one.trial()["trial"], two.trial()["trial"]) == (1, 0)
    two.answer(0, "filled")
    one.answer(1, "real")
    given = {(line["participant"], line["trial"]): line for line in answers(tmp_path)}
    assert len(given) == 3
    for (participant, trial), line in given.items():
        number = 1 if participant == one.participant else 2
        assert line["name"] == study.trials_of(number)[trial].name


def test_a_study_continues_after_a_stop(study, tmp_path):
    with StudyServer(study, tmp_path) as server:
        browser = Browser(server)
        browser.answer(0, "real")
    with (tmp_path / "responses.jsonl").open("a") as file:
        file.write('{"event": "answer", "partic')  # killed while it wrote
    with StudyServer(study, tmp_path) as server:
        again = Browser(server, browser.participant)
        assert again.trial()["trial"] == 1
        again.answer(1, "filled")
        assert Browser(server).participant != browser.participant
    assert [line["trial"] for line in answers(tmp_path)] == [0, 1]
    joined = [e["number"] for e in read_events(tmp_path) if e["event"] == "join"]
    assert joined == [1, 2]


def test_two_processes_do_not_record_in_one_folder(server, tmp_path):
    with pytest.raises(InputError, match="another process runs the study"):
        Responses(tmp_path)


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status"),
    [
        ("GET", "/study.json", None, "", 404),
        ("GET", "/../design.py", None, "", 404),
        ("GET", "/trial?participant=nobody", None, "", 404),
        ("GET", "/trial", None, "", 404),
        ("POST", "/join", "{}", "text/plain", 400),
        ("POST", "/join", "[", "application/json", 400),
        ("POST", "/join", "[]", "application/json", 400),
        ("POST", "/join", "{}" + " " * 5000, "application/json", 400),
        ("POST", "/answer", "{}", "application/json", 404),
        ("POST", "/shown", '{"participant": ["x"]}', "application/json", 404),
        ("POST", "/other", "{}", "application/json", 404),
    ],
)
def test_wrong_requests_are_refused(asked_server, method, path, body, kind, status):
    browser = Browser(asked_server)
    found, _, data = browser.request(method, path, body, kind)
    assert found == status and json.loads(data)["error"]


@pytest.mark.parametrize(
    "fields",
    [
        {"trial": 0, "answer": "a"},
        {"trial": 0, "answer": None},
        {"trial": 99, "answer": "real"},
        {"trial": "0", "answer": "real"},
        {"trial": True, "answer": "real"},
    ],
)
def test_wrong_answers_are_refused(asked_server, fields):
    browser = Browser(asked_server)
    assert "error" in browser.post("/answer", participant=browser.participant, **fields)
    assert browser.trial()["trial"] == 0


def test_strange_durations_are_none(server, tmp_path):
    browser = Browser(server)
    browser.answer(0, "real", shown=float("nan"), thought=-1)
    line = answers(tmp_path)[0]
    assert line["shown"] is None and line["thought"] is None


def test_the_page_fetches_only_from_its_server(asked_server):
    browser = Browser(asked_server)
    for path, kind in (
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
    ):
        status, headers, data = browser.request("GET", path)
        assert status == 200 and headers["Content-Type"].startswith(kind)
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert not re.search(r"https?:|//[a-z]+\.", data.decode())


def test_a_missing_picture_is_told_at_the_start(study, evaluated, tmp_path):
    path = evaluated[1] / "filled" / "d.png"
    data = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(InputError, match="d.png is missing"):
            StudyServer(study, tmp_path)
    finally:
        path.write_bytes(data)


def test_wrong_times_are_refused(evaluated, tmp_path, capsys):
    arguments = [*map(str, evaluated), "-o", str(tmp_path / "study")]
    assert run(["study", *arguments, "--times", "250,fast"]) == 2
    error = capsys.readouterr().err
    assert "--times 250,fast: expected milliseconds" in error
    assert error.count("\n") == 1 and not (tmp_path / "study").exists()
