"""`tf-edgeconnect records`."""

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.data.sources import open_source


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(4):
        pixels = np.full((20, 24, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def call(*arguments) -> int:
    return run(["records", *map(str, arguments)])


def test_records_writes_a_source_that_can_be_opened(photos, tmp_path, capsys):
    assert call(photos, "-o", tmp_path / "out", "--shards", 2) == 0
    assert "4 photos in 2 files" in capsys.readouterr().out
    assert len(open_source(tmp_path / "out")) == 4


def test_records_names_what_it_left_out_and_says_so_by_its_exit_code(
    photos, tmp_path, capsys
):
    (photos / "bad.jpg").write_bytes(b"text")
    contents = (photos / "3.png").read_bytes()
    (photos / "3.png").write_bytes(contents[:-20])
    options = ("--shards", 1, "--max-bad-fraction", 0.5)
    assert call(photos, "-o", tmp_path / "out", *options) == 1
    shown = capsys.readouterr()
    assert "left out: bad.jpg" in shown.err and "left out: 3.png" in shown.err
    assert "3 photos in 1 files" in shown.out


@pytest.mark.parametrize("source", ["nowhere", "photos"])
def test_records_refuses_wrong_input_in_one_line(photos, tmp_path, capsys, source):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").write_text("")
    assert call(tmp_path / source, "-o", tmp_path / "out", "--shards", 1) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["kept"]
