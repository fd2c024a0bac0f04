"""Joining evaluations."""

import json

import pytest

from tests.evaluation.small_evaluation import write_evaluation
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.compare import read_comparable


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
            "protocol is standard there and edgeconnect here",
        ),
        ({"size": 256}, "size is None there and 256 here"),
        ({"bins": [0, 50]}, "bins differ from number 2 on, 10 there, 50 here"),
        ({"items": []}, "items are 4 there and 0 here"),
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
    with pytest.raises(InputError, match="mask_sha256 of deep/c in items differs"):
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
