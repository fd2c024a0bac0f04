"""What a study found."""

import json

import pytest
from scipy.stats import binomtest

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.evaluation.study.design import Study, save_study
from tf_edgeconnect.evaluation.study.responses import Responses, read_events
from tf_edgeconnect.evaluation.study.results import (
    REAL,
    Share,
    find_results,
    noticeable_from,
    results_text,
)

STUDY = Study(
    seed=0,
    tasks=("2afc", "jnd"),
    trials=2,
    milliseconds=(250, 1000),
    folders={"one": "/1"},
    bins={"p": "0-10%", "q": "20-30%", "r": "0-10%", "s": "0-10%"},
)


def picture(name: str, system: str | None, answer: str) -> dict:
    return {"task": "2afc", "name": name, "system": system, "answer": answer}


def pair(milliseconds: int, correct: bool, shown: float | None) -> dict:
    return {"task": "jnd", "name": "s", "system": "one", "answer": "a"} | {
        "milliseconds": milliseconds,
        "correct": correct,
        "shown": shown,
    }


@pytest.fixture
def folder(tmp_path):
    """A study of which one participant has answered all and another one a part."""
    save_study(STUDY, tmp_path)
    responses = Responses(tmp_path)
    first, second = responses.join(), responses.join()
    events = [
        (first, picture("p", None, "real"), 0),
        (first, picture("q", "one", "real"), 0),
        (first, pair(250, False, 256.1), 1),
        (first, pair(1000, True, 1000.0), 1),
        (second, picture("p", "one", "filled"), 0),
        (second, pair(1000, True, 1060.0), 1),  # too long
        (second, pair(1000, True, 1000.0), 2),  # seen twice
        (second, pair(1000, True, None), 1),
    ]
    for participant, fields, views in events:
        trial = responses.answered(participant)
        for _ in range(views):
            responses.shown(participant, trial)
        responses.answer(participant, trial, **fields)
    responses.close()
    return tmp_path


@pytest.mark.parametrize(("count", "n"), [(0, 7), (3, 7), (7, 7), (112, 200)])
def test_intervals_are_wilsons(count, n):
    expected = binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert Share(count, n).interval() == pytest.approx(tuple(expected), abs=1e-9)


def test_no_answers_tell_nothing():
    assert Share(0, 0).interval() == (0, 1)
    assert str(Share(0, 0)) == "–" and Share(0, 0).json()["share"] is None


def test_answers_are_counted_by_system_bin_and_time(folder):
    found = find_results(STUDY, read_events(folder))
    assert found.participants == 2
    assert found.taken_for_real == {
        REAL: {"0-10%": Share(1, 1), "20-30%": Share(0, 0), "all": Share(1, 1)},
        "one": {"0-10%": Share(0, 1), "20-30%": Share(1, 1), "all": Share(1, 2)},
    }
    assert found.told_apart == {"one": {250: Share(0, 1), 1000: Share(1, 1)}}
    assert found.left_out == 3


def test_who_answered_all_has_finished(folder):
    # Four pictures allow two trials a task.
    assert len(STUDY.trials_of(1)) == 4
    assert find_results(STUDY, read_events(folder)).finished == 2
    assert find_results(STUDY, read_events(folder)[:-2]).finished == 1


def test_a_difference_is_noticed_where_all_longer_times_are_above_chance():
    sure, unsure = Share(90, 100), Share(55, 100)
    assert noticeable_from({250: unsure, 500: sure, 1000: sure}) == 500
    assert noticeable_from({250: sure, 500: unsure, 1000: sure}) == 1000
    assert noticeable_from({250: sure, 500: unsure}) is None


def test_the_text_tells_figures_and_what_was_left_out(folder):
    text = results_text(find_results(STUDY, read_events(folder)))
    assert "| one | 0.0% [0.0, 79.3] (0/1) |" in text
    assert "3 answers to pairs are left out" in text
    assert "95 % Wilson intervals" in text


def test_results_are_printed_and_written(folder, capsys):
    assert run(["study", "--results", "-o", str(folder)]) == 0
    assert capsys.readouterr().out == (folder / "results.md").read_text()
    found = json.loads((folder / "results.json").read_text())
    assert found["told_apart"]["one"]["1000"]["share"] == 1
    assert found["noticeable_from_milliseconds"] == {"one": None}


def test_results_of_no_study_are_refused(tmp_path, capsys):
    assert run(["study", "--results", "-o", str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert "holds no study" in error and error.count("\n") == 1
