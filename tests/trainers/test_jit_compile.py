"""XLA computes the steps that the graph computes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.config import disable_op_determinism

from tests.trainers.tiny_run import config, journal
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.inpaint import JointTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses
from tf_edgeconnect.trainers.run import train

EDGE = ("edge_generator", "edge_discriminator")
INPAINT = ("inpaint_generator", "inpaint_discriminator")


@pytest.fixture(autouse=True)
def any_order_of_sums():
    """Takes back what an earlier run of this process asked for; no public way does."""
    disable_op_determinism()


def test_compiled_steps_are_those_of_the_graph(networks, batch, features):
    # The joint stage has the losses of all stages.
    losses, found = InpaintLosses(vgg=features, style_weight=1.0), []
    for jit_compile in (False, True):
        trainer = JointTrainer(**networks(*EDGE, *INPAINT), losses=losses)
        optimizers = keras.optimizers.SGD(1e-3), keras.optimizers.SGD(1e-3)
        trainer.compile(*optimizers, accumulate=2)
        step = tf.function(trainer.train_step, jit_compile=jit_compile)
        for _ in range(2):
            logs = step(batch)
        found.append({name: float(value) for name, value in logs.items()})
    assert len(found[0]) > 3
    for name, value in found[0].items():
        np.testing.assert_allclose(found[1][name], value, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("VGG", ["perceptual=0.1", "vgg_weights=random"]),
        ("LPIPS", ["lpips=1", "lpips_weights=FILE"]),
    ],
)
def test_pooling_cannot_be_compiled_and_deterministic(name, losses, tmp_path):
    settings = config(
        *("train.jit_compile=true", "train.deterministic=true", "data.size=32"),
        *(f"losses.{each}" for each in losses),
    )
    with pytest.raises(InputError, match=f"with {name}: .* turn one of them off"):
        train("inpaint", settings, tmp_path / "run")


def test_a_run_may_be_compiled(tmp_path, monkeypatch):
    compiled, function = [], tf.function
    monkeypatch.setattr(
        tf, "function", lambda *a, **k: compiled.append(k) or function(*a, **k)
    )
    settings = ("train.jit_compile=true", "train.deterministic=false", "train.steps=1")
    train("edge", config(*settings), tmp_path / "run")
    assert np.isfinite(journal(tmp_path / "run")[-1]["val/average_precision"])
    assert any(options.get("jit_compile") for options in compiled)
