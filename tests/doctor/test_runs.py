"""A run directory: what is complete, readable, fresh and without gaps."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.config import load_config, save_config
from tf_edgeconnect.doctor import Report
from tf_edgeconnect.doctor.runs import check_run
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.generators import edge_generator
from tf_edgeconnect.models.storage import save_networks

STEPS = 40


def write_run(folder, *, step=STEPS, weights_step=STEPS, values=(1.0, 2.0)):
    """Writes what a finished stage `edge` of 40 steps leaves, much smaller."""
    config = load_config(None, [f"train.steps={STEPS}", "train.log_every=10"])
    folder.mkdir()
    save_config(config, folder / "config.yaml")
    checkpoint = tf.train.Checkpoint(kept=tf.Variable(np.array(values, np.float32)))
    stage = folder / "checkpoints" / "edge"
    manager = tf.train.CheckpointManager(checkpoint, stage, 2)
    for number in (step - 10, step):
        manager.save(checkpoint_number=number)
    networks = {"edge_generator": edge_generator(filters=2, residual_blocks=0)}
    meta = {"stage": "edge", "step": weights_step, "sigma": 2.0}
    save_networks(folder / "weights" / "edge", networks, meta)


@pytest.fixture(scope="module")
def sound_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "sound"
    write_run(folder)
    return folder


@pytest.fixture
def run_dir(sound_run, tmp_path):
    """A copy of a sound run, to be spoiled."""
    return shutil.copytree(sound_run, tmp_path / "run")


def check(run_dir) -> Report:
    report = Report()
    check_run(report, run_dir)
    return report


def found(run_dir) -> dict[str, str]:
    return {finding.check: finding.line for finding in check(run_dir).findings}


def test_a_sound_finished_run_has_no_findings(run_dir):
    assert found(run_dir) == {}
    assert check(run_dir).facts == ["edge: newest checkpoint of step 40 of 40"]


def test_a_truncated_checkpoint_is_found(run_dir):
    path = next((run_dir / "checkpoints" / "edge").glob("ckpt-40.data-*"))
    path.write_bytes(path.read_bytes()[:-4])
    assert list(found(run_dir)) == ["checkpoint-damage"]


def test_a_checkpoint_that_lacks_a_file_is_named(run_dir):
    next((run_dir / "checkpoints" / "edge").glob("ckpt-30.data-*")).unlink()
    told = found(run_dir)
    assert list(told) == ["checkpoint-files"]
    assert "ckpt-30" in told["checkpoint-files"]


def test_values_that_are_not_finite_are_found(tmp_path):
    write_run(tmp_path / "run", values=(1.0, np.nan))
    assert list(found(tmp_path / "run")) == ["checkpoint-damage"]


def test_weights_older_than_the_checkpoint_are_found(run_dir):
    model = run_dir / "weights" / "edge" / "model.json"
    model.write_text(model.read_text().replace('"step": 40', '"step": 30'))
    told = found(run_dir)
    assert list(told) == ["stale-weights"] and "of step 30" in told["stale-weights"]


def test_weights_that_cannot_be_read_are_found(run_dir):
    path = run_dir / "weights" / "edge" / "edge_generator.weights.h5"
    path.write_bytes(path.read_bytes()[:1000])
    assert list(found(run_dir)) == ["model"]


def test_a_folder_without_a_config_is_no_run(tmp_path):
    with pytest.raises(InputError, match="no run directory"):
        check(tmp_path)


def test_a_run_without_checkpoints_says_so(run_dir):
    shutil.rmtree(run_dir / "checkpoints")
    assert set(found(run_dir)) == {"no-checkpoint"}
