"""`tf-edgeconnect doctor`."""

import json

import pytest

from tests.doctor.pictures import mask, save
from tf_edgeconnect.cli.main import run


@pytest.fixture
def masks(tmp_path):
    """A folder of six sound masks."""
    for number in range(6):
        save(tmp_path / "masks" / f"{number}.png", mask(number))
    return tmp_path / "masks"


def call(*arguments) -> int:
    return run(["doctor", *map(str, arguments)])


def test_doctor_exits_0_where_nothing_is_wrong(masks, capsys):
    assert call("--masks", masks) == 0
    shown = capsys.readouterr().out
    assert "6 masks from" in shown and "found: nothing that is wrong" in shown


def test_doctor_exits_1_tells_a_line_a_finding_and_writes_sheet_and_report(
    masks, tmp_path, capsys
):
    save(masks / "bad.png", 255 - mask(9))
    output = tmp_path / "out"
    assert call("--masks", masks, "-o", output) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("warning: ")] == lines[1:2]
    assert "(bad.png)" in lines[1] and lines[2] == "found: 1 warning"
    report = json.loads((output / "findings.json").read_text())
    assert report["clean"] is False
    assert [f["names"] for f in report["findings"]] == [["bad.png"]]
    assert (output / "suspects.png").is_file()
    assert call("--masks", masks, "-o", output) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_doctor_writes_cleaned_copies_inverted_when_asked(masks, tmp_path, capsys):
    save(masks / "bad.png", 255 - mask(9))
    fix = ("--masks", masks, "--fix-masks", tmp_path / "fixed", "--invert")
    assert call(*fix) == 1
    assert "7 masks written" in capsys.readouterr().out
    assert call("--masks", tmp_path / "fixed") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to check"),
        (("--masks", "/no/such/folder"), "does not exist"),
        (("--images", "/no/such/folder"), "does not exist"),
        (("--run-dir", "/no/such/folder"), "is no run directory"),
        (("--config", "no-such-config"), "no-such-config"),
        (("--data", "x", "--set", "data.sise=1"), "did you mean data.size"),
        (("--data", "x", "--fix-masks", "y"), "give them with --masks"),
        (("--data", "x", "--invert"), "--invert goes with --fix-masks"),
        (("--data", "x", "--sheet", "a.jpg"), "must end in .png"),
    ],
)
def test_doctor_refuses_wrong_use_in_one_line(capsys, arguments, message):
    assert call(*arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0]
