"""Files and folders appear complete or not at all."""

import json

import pytest

from tf_edgeconnect.atomic import new_file, new_folder, write_json, write_text


def test_a_file_is_written_with_its_missing_folders(tmp_path):
    path = tmp_path / "a" / "b.json"

    write_json(path, {"one": [1]})
    write_text(tmp_path / ("n" * 251 + ".txt"), "a name of 255 bytes")

    assert json.loads(path.read_text()) == {"one": [1]}
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(RuntimeError), new_file(path) as partial:
        partial.write_text("half")
        raise RuntimeError

    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_a_folder_replaces_the_old_one_as_a_whole(tmp_path):
    folder = tmp_path / "[a]"  # brackets are a pattern to glob
    for name in ("old", "new"):
        with new_folder(folder) as new:
            (new / name).touch()
            left = new.with_name(new.name.replace(".part", "0.part"))
            left.mkdir()  # as of a killed program, cleared by the next

    assert [p.name for p in folder.iterdir()] == ["new"]
    assert {p.name for p in tmp_path.iterdir()} == {"[a]", left.name}


def test_an_error_leaves_the_old_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").touch()

    with pytest.raises(RuntimeError), new_folder(tmp_path / "a") as new:
        (new / "half").touch()
        raise RuntimeError

    assert [p.name for p in tmp_path.rglob("*")] == ["a", "old"]
