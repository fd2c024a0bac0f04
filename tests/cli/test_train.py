"""What the options of `train` become; training is tested with the trainers."""

from pathlib import Path

import pytest

from tf_edgeconnect.cli import train as command
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.config import load_config
from tf_edgeconnect.trainers import run as wiring


@pytest.fixture
def received(monkeypatch):
    """Takes what `train` hands on, in the place of the training."""
    calls = []

    def train(stage, config, run_dir, **options):
        calls.append((stage, config, run_dir, options))
        return wiring.Outcome.FINISHED

    monkeypatch.setattr(wiring, "train", train)
    return calls


def test_without_a_config_the_first_line_names_the_quickstart(capsys, received):
    assert run(["train", "--stage", "edge"]) == 0
    assert "quickstart" in capsys.readouterr().out.splitlines()[0]
    stage, config, run_dir, options = received[0]
    assert (stage, config) == ("edge", load_config("quickstart"))
    assert run_dir == Path("runs/quickstart")
    assert options == {
        "init_from": None,
        "strategy": "auto",
        "data_service": None,
        "fresh": False,
        "profile": False,
    }


def test_options_reach_the_run(capsys, received):
    arguments = "train --stage joint --config places2 --run-dir r --init-from w --fresh"
    more = "--strategy single --data-service a:1 --profile"
    settings = "--set seed=3 --set train.steps.joint=5"
    options = f"{arguments} {more} {settings}"
    assert run(options.split()) == 0
    assert capsys.readouterr().out == ""
    stage, config, run_dir, options = received[0]
    assert (stage, run_dir) == ("joint", Path("r"))
    assert config == load_config("places2", ["seed=3", "train.steps.joint=5"])
    assert options == {
        "init_from": Path("w"),
        "strategy": "single",
        "data_service": "a:1",
        "fresh": True,
        "profile": True,
    }


@pytest.mark.parametrize("config", ["places2", "my/own.yaml"])
def test_the_run_directory_is_named_after_the_config(
    received, tmp_path, monkeypatch, config
):
    monkeypatch.chdir(tmp_path)
    Path("my").mkdir()
    Path("my/own.yaml").write_text("seed: 1\n")
    assert run(["train", "--stage", "edge", "--config", config]) == 0
    assert received[0][2] == Path("runs", Path(config).stem)


@pytest.mark.parametrize("source", ["photos", "2024", "tfds:celeb_a", "a 'b' \"c\" é"])
def test_data_takes_any_text_and_leaves_the_other_validation_photos(received, source):
    assert run(["train", "--stage", "edge", "--data", source]) == 0
    data = received[0][1].data
    assert (data.train, data.val) == (source, None)


def test_sample_data_keeps_its_held_out_regions(received):
    assert run(["train", "--stage", "edge", "--data", "sample:"]) == 0
    assert received[0][1].data.val == load_config("quickstart").data.val


def test_a_setting_outweighs_data(received):
    arguments = ["train", "--stage", "edge", "--data", "a", "--set", "data.val=b"]
    assert run(arguments) == 0
    assert received[0][1].data.val == "b"


def test_saved_but_not_finished_is_75(monkeypatch):
    monkeypatch.setattr(wiring, "train", lambda *_, **__: wiring.Outcome.SAVED)
    assert run(["train", "--stage", "edge"]) == 75


def test_a_dry_run_describes_and_trains_nothing(capsys, monkeypatch, received):
    def describe(stage, config, run_dir, say):
        say(f"{stage} {config.seed} {run_dir}")

    monkeypatch.setattr(wiring, "describe", describe)
    arguments = ["train", "--stage", "edge", "--config", "places2", "--dry-run"]
    assert run(arguments) == 0
    assert capsys.readouterr().out == "edge 0 runs/places2\n"
    assert received == []


@pytest.mark.parametrize("grows", [True, False])
def test_the_memory_of_a_gpu_grows_by_a_setting(monkeypatch, received, grows):
    asked = []
    monkeypatch.setattr(command, "import_tensorflow", asked.append)
    more = [f"--set=train.memory_growth={grows}"] if grows else []
    assert run(["train", "--stage", "edge", *more]) == 0
    assert asked == [grows]
