"""`tf-edgeconnect masks`."""

import pytest
from PIL import Image

from tf_edgeconnect.cli.main import run


def call(*arguments) -> int:
    return run(["masks", *map(str, arguments)])


def test_masks_writes_the_asked_size_and_an_overview_beside_the_folder(
    tmp_path, capsys
):
    options = ("--count", 2, "--size", "48x32", "--bins", "0.1,0.2,0.3")
    assert call("-o", tmp_path / "set", *options) == 0
    assert "4 masks, 2 in each of 2 bins" in capsys.readouterr().out
    masks = sorted((tmp_path / "set").glob("*.png"))
    assert len(masks) == 4 and Image.open(masks[0]).size == (48, 32)
    # Not in the folder, where it would be taken for a mask.
    assert (tmp_path / "set-overview.png").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--size", "big"), "--size must be WxH or N"),
        (("--bins", "a,b"), "--bins must be numbers"),
        (("--bins", "0.5,0.95", "--border", "clear"), "end --bins earlier"),
        (("--border", "none"), "--border"),
    ],
)
def test_masks_refuses_wrong_input_in_one_line(tmp_path, capsys, options, message):
    assert call("-o", tmp_path / "set", *options) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and message in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_masks_replaces_neither_folder_nor_overview_in_silence(tmp_path, capsys):
    (tmp_path / "set-overview.png").write_bytes(b"mine")
    assert call("-o", tmp_path / "set", "--count", 2, "--size", 32) == 2
    assert "set-overview.png exists" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["set-overview.png"]
