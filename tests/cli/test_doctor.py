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
    assert "read 6 of 6 masks from" in shown and "found: no problems" in shown


def test_doctor_exits_1_prints_a_line_a_finding_and_writes_them_as_json(
    masks, tmp_path, capsys
):
    save(masks / "bad.png", 255 - mask(9))
    report = tmp_path / "findings.json"
    assert call("--masks", masks, "--json", report) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("warning: ")] == lines[1:2]
    assert "(bad.png)" in lines[1] and lines[2] == "found: 1 warning"
    written = json.loads(report.read_text())
    assert written["clean"] is False
    assert [f["names"] for f in written["findings"]] == [["bad.png"]]
    assert call("--masks", masks, "--json", report) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "nothing to check"),
        (("--masks", "/no/such/folder"), "does not exist"),
        (("--images", "/no/such/folder"), "does not exist"),
        (("--run-dir", "/no/such/folder"), "is no run directory"),
        (("--config", "no-such-config"), "no-such-config"),
        (("--data", "x", "--set", "data.sise=1"), "did you mean data.size"),
    ],
)
def test_doctor_refuses_wrong_use_in_one_line(capsys, arguments, message):
    assert call(*arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0]
