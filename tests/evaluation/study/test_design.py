"""What a study shows, to whom, in which order."""

from collections import Counter
from dataclasses import replace

import pytest

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.compare import read_comparable
from tf_edgeconnect.evaluation.study.design import (
    Study,
    Trial,
    new_study,
    read_study,
    save_study,
)

STUDY = Study(
    seed=0,
    tasks=("2afc", "jnd"),
    trials=12,
    milliseconds=(250, 1000),
    folders={"one": "/1", "two": "/2", "three": "/3"},
    bins={f"picture {i}": "0-10%" for i in range(40)},
)


def test_a_participants_order_is_always_the_same_and_their_own():
    assert STUDY.trials_of(1) == STUDY.trials_of(1)
    assert STUDY.trials_of(1) != STUDY.trials_of(2)
    assert STUDY.trials_of(1) != replace(STUDY, seed=1).trials_of(1)


def test_no_participant_sees_a_photo_twice():
    names = [trial.name for trial in STUDY.trials_of(1)]
    assert len(names) == len(set(names)) == 24


def test_half_of_the_pictures_are_real_and_systems_share_the_rest():
    shown = Counter(t.system for t in STUDY.trials_of(3) if t.task == "2afc")
    assert shown == {None: 6, "one": 2, "two": 2, "three": 2}


def test_pairs_take_systems_and_times_in_turns():
    pairs = [trial for trial in STUDY.trials_of(3) if trial.task == "jnd"]
    shown = Counter((pair.system, pair.milliseconds) for pair in pairs)
    assert set(shown.values()) == {2} and len(shown) == 6


def test_the_photo_stands_on_either_side():
    trials = [trial for number in range(1, 41) for trial in STUDY.trials_of(number)]
    sides = Counter(trial.real for trial in trials if trial.task == "jnd")
    # 480 throws of a coin: five standard deviations are 55.
    assert abs(sides["a"] - 240) < 55 and sides["a"] + sides["b"] == 480


def test_fewer_pictures_make_fewer_trials():
    few = replace(STUDY, bins={f"{i}": "block" for i in range(7)})
    tasks = Counter(trial.task for trial in few.trials_of(1))
    assert tasks == {"2afc": 3, "jnd": 3}


def test_the_truth_of_a_trial():
    assert Trial("2afc", "x", None).truth == "real"
    assert Trial("2afc", "x", "one").truth == "filled"
    assert Trial("jnd", "x", "one", 250, "b").truth == "b"


def test_a_design_is_read_back(tmp_path):
    save_study(STUDY, tmp_path)
    assert read_study(tmp_path) == STUDY
    save_study(STUDY, tmp_path)
    with pytest.raises(InputError, match="other seed, trials; give another --output"):
        save_study(replace(STUDY, seed=1, trials=3), tmp_path)


def test_a_folder_without_a_study_is_told(tmp_path):
    with pytest.raises(InputError, match="holds no study"):
        read_study(tmp_path)
    (tmp_path / "study.json").write_text('{"seed": 1}')
    with pytest.raises(InputError, match="is damaged"):
        read_study(tmp_path)


def test_too_few_pictures_are_refused(evaluated):
    evaluations = read_comparable(evaluated)
    settings = {"seed": 0, "trials": 9, "milliseconds": (250,)}
    study = new_study(evaluations, tasks=("2afc", "jnd"), **settings)
    assert list(study.folders) == ["plain & <simple>", "lines_first"]
    fewer = [replace(one, images=one.images[:3]) for one in evaluations]
    with pytest.raises(InputError, match="at least 4 pictures"):
        new_study(fewer, tasks=("2afc", "jnd"), **settings)
