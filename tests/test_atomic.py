"""Files and folders appear complete or not at all."""

import json
import os

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

    assert [p.name for p in folder.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["[a]"]


def test_what_a_killed_program_left_of_a_folder_goes_and_nothing_else(tmp_path):
    (tmp_path / ".[a].01234567.part").mkdir()
    others = [".[a].b.01234567.part", ".[a]c.01234567.part", ".a.01234567.part"]
    for other in others:  # of the folders "[a].b", "[a]c" and "a"
        (tmp_path / other).mkdir()

    with new_folder(tmp_path / "[a]"):
        pass

    assert {p.name for p in tmp_path.iterdir()} == {"[a]", *others}


def test_a_program_killed_between_the_renames_costs_no_folder(tmp_path, monkeypatch):
    folder = tmp_path / "a"
    with new_folder(folder) as new:
        (new / "old").touch()
    rename, calls = os.rename, []

    def dies_at_the_second(source, target):
        calls.append(target)
        if len(calls) > 1:
            os._exit(9)
        rename(source, target)

    if (child := os.fork()) == 0:
        monkeypatch.setattr(os, "rename", dies_at_the_second)
        with new_folder(folder) as new:
            (new / "new").touch()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not folder.exists()

    with pytest.raises(RuntimeError), new_folder(folder):
        raise RuntimeError

    assert [p.name for p in tmp_path.rglob("*")] == ["a", "old"]


def test_an_error_leaves_the_old_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").touch()

    with pytest.raises(RuntimeError), new_folder(tmp_path / "a") as new:
        (new / "half").touch()
        raise RuntimeError

    assert [p.name for p in tmp_path.rglob("*")] == ["a", "old"]
