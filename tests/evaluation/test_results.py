"""An evaluation's folder, read back, and several joined."""

import json

import pytest

from tests.evaluation.small_evaluation import HISTOGRAM, write_evaluation
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.results import (
    Evaluation,
    ImageResult,
    read_comparable,
)

A = ImageResult("a", "0-10%", 0.05, 1.0, 30.0, 0.9, 0.1, HISTOGRAM)
B = ImageResult("deep/b", "10-20%", 0.15, 2.0, 25.0, 0.8)


def journal_line(result):
    fields = vars(result)
    return json.dumps({k: fields[k] for k in fields if k not in ("bin", "hole_ratio")})


@pytest.fixture
def folder(tmp_path):
    """A finished evaluation of two pictures, the second one measured first."""
    contents = {
        "manifest.json": {
            "protocol": "standard",
            "size": None,
            "items": [
                {"name": x.name, "bin": x.bin, "hole_ratio": x.hole_ratio}
                for x in (A, B)
            ],
            "versions": {"keras": "3"},
        },
        "system.json": {"kind": "baseline", "label": "Telea", "edges": None},
        "summary.json": {
            "fid": {"0-10%": None, "10-20%": None, "all": None},
            "missing": {"fid": "no weights"},
            "warnings": ["few"],
            "failed": {},
        },
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content))
    lines = f"{journal_line(B)}\n{journal_line(A)}\n"
    (tmp_path / "images.jsonl").write_text(lines)
    return tmp_path


def test_results_come_in_the_manifests_order(folder):
    read = Evaluation.read(folder)
    assert read.images == (A, B)
    assert (read.system, read.edge_threshold) == ("Telea", 0.5)
    assert read.bins() == ["0-10%", "10-20%", "all"]
    assert read.missing == {"fid": "no weights"} and read.warnings == ["few"]


def test_half_a_line_of_a_killed_run_is_passed_over(folder):
    journal = folder / "images.jsonl"
    journal.write_text(f"{journal_line(B)}\n{journal_line(A)[:20]}")
    assert Evaluation.read(folder).images == (B,)


def test_a_journal_of_another_version_is_refused(folder):
    line = {**json.loads(journal_line(B)), "edge_counts": None}
    (folder / "images.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(InputError, match=r"images.jsonl is of another version"):
        Evaluation.read(folder)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("manifest.json", "holds no evaluation"),
        ("summary.json", "not finished"),
        ("system.json", "is missing"),
    ],
)
def test_an_unfinished_or_damaged_evaluation_is_refused(folder, name, words):
    (folder / name).unlink()
    with pytest.raises(InputError, match=words):
        Evaluation.read(folder)


def test_systems_of_the_same_pictures_are_joined(evaluated):
    joined = read_comparable(evaluated)
    assert [one.system for one in joined] == ["plain & <simple>", "lines_first"]
    assert [len(one.images) for one in joined] == [4, 4]


def test_a_label_of_several_gets_its_folder(evaluated, tmp_path):
    again = write_evaluation(tmp_path / "three", "lines_first", 0.2)
    joined = read_comparable([*evaluated, again])
    assert joined[0].system == "plain & <simple>"
    assert joined[1].system == f"lines_first ({evaluated[1]})"
    assert joined[2].system == f"lines_first ({again})"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"protocol": "edgeconnect"},
            'protocol is "standard" there and "edgeconnect" here',
        ),
        ({"size": 256}, "size is null there and 256 here"),
        (
            {"bins": [0, 50]},
            "bins is [0, 10, 20, 30, 40, 50, 60] there and [0, 50] here",
        ),
        ({"items": []}, "items differ, the first of them a"),
    ],
)
def test_what_was_measured_otherwise_is_refused(evaluated, tmp_path, changes, words):
    other = write_evaluation(tmp_path / "other", "other", 0.2, **changes)
    with pytest.raises(InputError, match="cannot be compared") as caught:
        read_comparable([evaluated[0], other])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_file_of_the_same_name_is_refused(evaluated, tmp_path):
    other = write_evaluation(tmp_path / "other", "other", 0.2)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["items"][2]["mask_sha256"] = "2"
    (other / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="items differ, the first of them deep/c"):
        read_comparable([evaluated[0], other])


def test_versions_may_differ(evaluated, tmp_path):
    other = write_evaluation(tmp_path / "other", "x", 0.2, versions={"keras": "4"})
    assert len(read_comparable([evaluated[0], other])) == 2


def test_the_same_folder_twice_is_refused(evaluated):
    with pytest.raises(InputError, match="given twice"):
        read_comparable([evaluated[0], evaluated[0] / ".." / "one"])


def test_pictures_that_one_system_lacks_are_left_out_of_all(evaluated, tmp_path):
    other = write_evaluation(tmp_path / "other", "other", 0.2)
    journal = other / "images.jsonl"
    journal.write_text("".join(journal.read_text().splitlines(True)[:3]))
    joined = read_comparable([evaluated[0], other])
    for one in joined:
        assert [image.name for image in one.images] == ["a", "b", "deep/c"]
        assert one.fid["all"] is None
        assert "1 pictures that not every system has" in one.warnings[-1]
