"""The command `evaluate`: any system, its report, and what is told of wrong input."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.inference import Inpainter

RNG = np.random.default_rng(3)
REPORT = ("report.html", "report.md", "report.json", "table.tex", "images.csv")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Two photos of 20 x 16 and two masks that hide 4 and 8 of their 16 rows."""
    monkeypatch.chdir(tmp_path)
    for name in ("photos", "masks"):
        Path(name).mkdir()
    for name, rows in (("a", 4), ("b", 8)):
        pixels = RNG.integers(0, 256, (16, 20, 3), np.uint8)
        Image.fromarray(pixels).save(f"photos/{name}.png")
        hole = np.arange(16)[:, None] * np.ones(20) < rows
        Image.fromarray(hole).save(f"masks/{name}.png")
    return tmp_path


@pytest.fixture
def model(tiny_inpainter, monkeypatch):
    """Name of a model; its graphs are traced once for all tests."""
    monkeypatch.setattr(Inpainter, "load", lambda path, **_: tiny_inpainter)
    monkeypatch.setattr(
        "tf_edgeconnect.evaluation.systems.model_files", lambda path: {}
    )
    return "tiny"


@pytest.fixture
def evaluate(capsys):
    """Runs the command on the photos and masks: exit code, stdout, stderr."""

    def command(*arguments, on=("--images", "photos", "--masks", "masks")):
        code = run(["evaluate", *on, *map(str, arguments)])
        return code, *capsys.readouterr()

    return command


def counts(output):
    """Summed true positives, false positives and false negatives."""
    with Path(output, "images.csv").open() as file:
        rows = [list(row.values())[-3:] for row in csv.DictReader(file)]
    return np.sum(np.array(rows, int), axis=0)


def test_a_baseline_gets_a_report(evaluate):
    code, out, err = evaluate("--baseline", "telea", "-o", "out")
    assert (code, out) == (0, "2 of 2 photos measured: out/report.html\n")
    assert "note: no FID: no weights file was given: --fid-weights FILE" in err
    assert all(Path("out", name).is_file() for name in REPORT)
    system = json.loads(Path("out/report.json").read_text())["systems"]["Telea"]
    assert set(system) == {"20-30%", "40-50%", "all"}
    assert system["all"]["n"] == 2 and system["all"]["fid"] is None
    l1 = [system[label]["l1"] for label in ("20-30%", "40-50%", "all")]
    assert l1[2] == pytest.approx((l1[0] + l1[1]) / 2)


def test_true_edges_are_the_ceiling_and_none_the_floor(evaluate, model):
    for edges in ("canny", "none", "predicted"):
        code, _, err = evaluate("--model", model, "--edges", edges, "-o", edges)
        assert code == 0 and "(stage joint, step 7)" in err
    true, false, missed = counts("canny")
    assert true > 0 and (false, missed) == (0, 0)
    assert tuple(counts("none")) == (0, 0, true)
    assert counts("predicted")[[0, 2]].sum() == true
    drawn = np.asarray(Image.open("none/edges/b.png"))
    assert not drawn[:8].any()
    again = ("--model", model, "--edge-threshold", "1", "-o", "predicted")
    assert evaluate(*again)[0] == 0  # nothing is measured again
    assert tuple(counts("predicted")) == (0, 0, true)
    labels = [
        json.loads(Path(edges, "system.json").read_text())["label"]
        for edges in ("predicted", "canny")
    ]
    assert labels == ["tiny", "tiny, edges: canny"]


def test_edge_maps_of_a_folder_lead_the_model(evaluate, model):
    Path("drawn").mkdir()
    line = np.zeros((16, 20), np.uint8)
    line[2] = 255
    Image.fromarray(line).save("drawn/a.png")
    code, out, err = evaluate("--model", model, "--edges", "drawn", "-o", "out")
    assert (code, out) == (1, "1 of 2 photos measured: out/report.html\n")
    assert "left out: b: no edge map of its name" in err
    edges = np.asarray(Image.open("out/edges/a.png"))
    assert (edges[2] == 255).all() and not edges[:2].any()


def test_one_bad_photo_does_not_stop_the_rest(evaluate, folder):
    (folder / "photos/cut.png").write_bytes(b"words")
    (folder / "masks/cut.png").write_bytes((folder / "masks/a.png").read_bytes())
    code, out, err = evaluate("--baseline", "ns", "-o", "out")
    assert (code, out) == (1, "2 of 3 photos measured: out/report.html\n")
    assert "left out: cut: photo photos/cut.png is not an image" in err


def test_masks_assigned_at_random_are_reported(evaluate, folder):
    (folder / "masks/a.png").rename(folder / "masks/c.png")
    code, _, err = evaluate("--baseline", "telea", "--seed", 7, "-o", "out")
    assert code == 0
    assert "not every photo has a mask of its name" in err and "by seed 7" in err


def test_systems_are_joined(evaluate):
    for name in ("telea", "ns"):
        assert evaluate("--baseline", name, "-o", name)[0] == 0
    joined = ("--compare", "telea", "ns", "-o", "both")
    code, out, _ = evaluate(*joined, on=())
    assert (code, out) == (0, "2 evaluations compared: both/report.html\n")
    systems = json.loads(Path("both/report.json").read_text())["systems"]
    assert list(systems) == ["Telea", "Navier-Stokes"]
    assert evaluate(*joined, on=())[0] == 0  # a report may be made anew
    for output, words in (("telea", "is an evaluation"), ("photos", "are no report")):
        code, _, err = evaluate("--compare", "telea", "ns", "-o", output, on=())
        assert code == 2 and words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--baseline", "telea"], "Missing option '--output'"),
        (
            ["-o", "out", "--baseline", "ns", "--model", "m"],
            "exclude each",
        ),
        (["-o", "out", "--baseline", "best"], "'--baseline'"),
        (["-o", "out", "--model", "gone"], "expected a run directory"),
        (["-o", "out", "--predictions", "gone"], "expected a folder of filled"),
        (["-o", "out", "--baseline", "ns", "--edges", "canny"], "for a --model"),
        (["-o", "out", "--baseline", "ns", "--edge-threshold", "0"], "for a --model"),
        (["-o", "out", "--model", "m", "--published", "--edges", "none"], "exclude"),
        (
            ["-o", "out", "--baseline", "ns", "--bins", "0,ten"],
            "--bins must be",
        ),
        (["-o", "out", "--baseline", "ns", "--size", "8"], "needs at least 11"),
        (["-o", "out", "--baseline", "ns", "photos"], "folders are for --compare"),
        (["-o", "out", "--compare", "a", "b"], "only their folders and -o"),
        (["-o", "mask.png", "--baseline", "ns"], "is a file"),
    ],
)
def test_wrong_usage_is_one_line_and_2(evaluate, folder, arguments, words):
    (folder / "mask.png").write_bytes(b"")
    code, out, err = evaluate(*arguments)
    lines = [line for line in err.splitlines() if not line.startswith("baseline: ")]
    assert (code, out) == (2, "") and len(lines) == 1
    assert lines[0].startswith("error: ") and words in lines[0]
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "out", "--baseline", "ns"], "--images and --masks are needed"),
        (["-o", "out", "--compare", "a"], "two or more"),
        (["-o", "out", "--compare", "photos", "masks"], "photos holds no evaluation"),
    ],
)
def test_wrong_usage_without_photos_is_one_line_and_2(evaluate, arguments, words):
    code, _, err = evaluate(*arguments, on=())
    assert code == 2 and words in err and err.count("\n") == 1
