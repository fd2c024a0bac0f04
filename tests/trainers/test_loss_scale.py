"""float16: an overflow costs one step of one optimizer; checkpoints hold the scale."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_run import config, journal, same, weights
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import edge_generator
from tf_edgeconnect.trainers.edge import EdgeTrainer
from tf_edgeconnect.trainers.run import train
from tf_edgeconnect.trainers.run_directory import Checkpoints
from tf_edgeconnect.trainers.steps import refine_spectral_norms

START = 2.0**6  # low enough for the small networks below


@contextlib.contextmanager
def half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.fixture
def trainer():
    keras.utils.set_random_seed(1)
    with half_precision():
        networks = edge_generator(4, 1, initializer="he"), patch_discriminator(2, 4)
    trainer = EdgeTrainer(*networks)
    trainer.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    for optimizer in (trainer.optimizer, trainer.discriminator_optimizer):
        optimizer.dynamic_scale.assign(START)
    # Random `u` and `v` make gradients huge: refine them, as training would.
    for network in networks:
        for _ in range(20):
            refine_spectral_norms(network)
    return trainer


def scales(trainer):
    optimizers = trainer.optimizer, trainer.discriminator_optimizer
    return tuple(float(optimizer.dynamic_scale.numpy()) for optimizer in optimizers)


def moved(variables, before):
    pairs = zip(variables, before, strict=True)
    return any(not np.array_equal(v.numpy(), old) for v, old in pairs)


def test_a_scaled_step_is_that_of_the_unscaled_loss(trainer, batch, values):
    # Loss scales of both optimizers cancel: SGD moves by the gradient itself.
    trainer.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    found = []
    both = [*trainer.generator_variables, *trainer.discriminator_variables]
    start = [np.array(v) for v in values(trainer.variables)]
    for factor in (1.0, 1 / 64):
        for variable, value in zip(trainer.variables, start, strict=True):
            variable.assign(value)
        before = values(both)
        for optimizer in (trainer.optimizer, trainer.discriminator_optimizer):
            optimizer.dynamic_scale.assign(START * factor)
        logs = trainer.train_step(batch)
        changes = [a - b for a, b in zip(values(both), before, strict=True)]
        found.append((changes, float(logs["edge/g_gradient_norm"])))
    largest = max(np.abs(change).max() for change in found[0][0])
    for one, other in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(one, other, atol=0.02 * largest)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=0.02)


def test_an_overflow_leaves_out_the_step_of_its_optimizer_alone(trainer, batch, values):
    step = tf.function(trainer.train_step)
    generator, discriminator = (
        trainer.generator_variables,
        trainer.discriminator_variables,
    )
    trainer.optimizer.dynamic_scale.assign(2.0**40)  # float16 ends at 2 ** 16
    before = values(generator), values(discriminator)
    logs = step(batch)
    assert not moved(generator, before[0])
    assert moved(discriminator, before[1])
    assert int(trainer.optimizer.iterations.numpy()) == 0
    assert scales(trainer) == (2.0**39, START)
    assert all(np.isfinite(logs[name]) for name in trainer.watched)
    assert float(logs["edge/g_loss_scale"]) == 2.0**39

    trainer.optimizer.dynamic_scale.assign(START)
    trainer.reset_metrics()
    logs = step(batch)
    assert moved(generator, before[0])
    assert scales(trainer) == (START, START)
    assert float(logs["edge/g_gradient_norm"]) > 0


def test_a_gradient_that_no_scale_mends_is_reported(trainer, batch):
    batch["gray"][0, 0, 0] = np.nan
    trainer.optimizer.dynamic_scale.assign(1.0)
    logs = trainer.train_step(batch)
    assert not np.isfinite(logs["edge/g_gradient_norm"])


def test_the_scale_is_in_the_checkpoint(trainer, batch, tmp_path):
    saved = Checkpoints(tmp_path, trainer, schedule={}, keep=1)
    trainer.optimizer.dynamic_scale.assign(2.0**40)
    trainer.train_step(batch)
    saved.save(1)
    trainer.optimizer.dynamic_scale.assign(1.0)
    trainer.discriminator_optimizer.dynamic_scale.assign(1.0)
    assert saved.restore() == 1
    assert scales(trainer) == (2.0**39, START)


def test_a_float16_run_continues_bit_for_bit(tmp_path):
    def run(folder, steps):
        settings = ("train.precision=mixed_float16", f"train.steps={steps}")
        train("edge", config(*settings), tmp_path / folder)

    run("whole", 4)
    run("parts", 2)
    run("parts", 4)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "parts"))
    lines = journal(tmp_path / "whole")
    found = [line["edge/g_loss_scale"] for line in lines if "edge/g_adv" in line]
    assert len(found) == 4 and found[-1] <= 2.0**15


def test_float32_has_no_scale(networks, batch):
    trainer = EdgeTrainer(**networks("edge_generator", "edge_discriminator"))
    trainer.compile()
    assert "edge/g_loss_scale" not in trainer.train_step(batch)
