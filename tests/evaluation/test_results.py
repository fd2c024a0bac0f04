"""An evaluation's folder, read back."""

import json

import pytest

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.results import Evaluation, ImageResult, journal_line

A = ImageResult("a", "0-10%", 0.05, 1.0, 30.0, 0.9, 0.1, (3.0, 1.0, 2.0))
B = ImageResult("deep/b", "10-20%", 0.15, 2.0, 25.0, 0.8)


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
    lines = journal_line(B) + journal_line(A)
    (tmp_path / "images.jsonl").write_text(lines)
    return tmp_path


def test_results_come_in_the_manifests_order(folder):
    read = Evaluation.read(folder)
    assert read.images == (A, B)
    assert (read.system, read.protocol, read.size) == ("Telea", "standard", None)
    assert read.bins() == ["0-10%", "10-20%"]
    assert read.missing == {"fid": "no weights"} and read.warnings == ("few",)


def test_half_a_line_of_a_killed_run_is_passed_over(folder):
    journal = folder / "images.jsonl"
    journal.write_text(journal_line(B) + journal_line(A)[:20])
    assert Evaluation.read(folder).images == (B,)


def test_versions_do_not_forbid_a_comparison(folder):
    assert "versions" not in Evaluation.read(folder).conditions()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("manifest.json", "holds no evaluation"),
        ("summary.json", "not finished"),
        ("system.json", "is missing"),
    ],
)
def test_what_is_no_finished_evaluation_is_told(folder, name, words):
    (folder / name).unlink()
    with pytest.raises(InputError, match=words):
        Evaluation.read(folder)
