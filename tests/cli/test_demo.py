"""The order of what `demo` does; training is tested with the trainers."""

import shutil

import pytest
from PIL import Image

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.trainers import run as wiring


@pytest.fixture
def demo(tmp_path, tiny_run, tiny_inpainter, monkeypatch):
    """Runs `demo` with a tiny model, whose training does what it is given."""
    folder = tmp_path / "run"

    def call(train):
        monkeypatch.setattr(wiring, "train", train)
        monkeypatch.setattr(Inpainter, "load", lambda *_: tiny_inpainter)
        return run(["demo", "--run-dir", str(folder)])

    shutil.copytree(tiny_run, folder)
    return call, folder


def test_the_first_picture_is_there_before_the_stages_and_the_sheet_after(demo, capsys):
    call, folder = demo
    stages = []

    def train(stage, config, run_dir):
        assert (run_dir, Image.open(folder / "first.png").width) == (folder, 1270)
        stages.append(stage)
        return wiring.Outcome.FINISHED

    assert call(train) == 0
    assert stages == ["edge", "inpaint", "joint"]
    assert Image.open(folder / "demo.png").height > 1000
    lines = capsys.readouterr().out.splitlines()
    assert str(folder / "first.png") in lines[0]
    assert "three short stages" in lines[1]
    assert "PSNR inside the hole" in lines[-2]
    assert str(folder / "demo.png") in lines[-1]


def test_a_saved_stage_ends_it_with_75_and_leaves_the_first_picture(demo, capsys):
    call, folder = demo
    assert call(lambda *_: wiring.Outcome.SAVED) == 75
    assert not (folder / "demo.png").exists()
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Saved.") and str(folder / "first.png") in last


def test_ctrl_c_between_the_stages_leaves_the_first_picture(demo, capsys):
    call, folder = demo

    def train(*_):
        raise KeyboardInterrupt

    assert call(train) == 130
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("Stopped.") and str(folder / "first.png") in last
