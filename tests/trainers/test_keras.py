"""What Keras' own callbacks, arguments and files do with the trainers."""

import contextlib
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.alexnet import random_weights
from tests.trainers.tiny_run import PROJECT
from tf_edgeconnect.metrics.lpips import lpips_model
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.trainers.edge import EdgeLosses, EdgeTrainer
from tf_edgeconnect.trainers.inpaint import InpaintTrainer, JointTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses

EDGE = ("edge_generator", "edge_discriminator")
INPAINT = ("inpaint_generator", "inpaint_discriminator")
NO_VGG = InpaintLosses(perceptual_weight=0, style_weight=0)


@pytest.fixture
def trainer(networks):
    trainer = EdgeTrainer(**networks(*EDGE), ema=0.9)
    trainer.compile(run_eagerly=True)  # faster than a graph for a few steps
    return trainer


def fit(trainer, batch, *callbacks, epochs=2, steps=1):
    data = tf.data.Dataset.from_tensors(batch)
    return trainer.fit(
        data.repeat(),
        steps_per_epoch=steps,
        epochs=epochs,
        validation_data=data,
        verbose=0,
        callbacks=list(callbacks),
    ).history


def rates(trainer):
    optimizers = trainer.optimizer, trainer.discriminator_optimizer
    return [float(np.array(each.learning_rate)) for each in optimizers]


def state(trainer):
    """Copies all that a continued training needs."""
    networks = [v for net in trainer.networks.values() for v in net.variables]
    kept = [*networks, *trainer.averages.variables, *trainer.optimizer.variables]
    return [np.array(keras.ops.convert_to_numpy(v)) for v in kept]


CONTINUE = """
import sys
import numpy as np
import tf_edgeconnect
import keras

trainer = keras.models.load_model(sys.argv[1])
batch = dict(np.load(sys.argv[2]))
for _ in range(2):
    trainer.train_step(batch)
networks = [v for net in trainer.networks.values() for v in net.variables]
values = [*networks, *trainer.averages.variables, *trainer.optimizer.variables]
np.savez(sys.argv[3], *[keras.ops.convert_to_numpy(v) for v in values])
"""


def test_a_keras_file_continues_in_another_process(trainer, batch, values, tmp_path):
    fit(trainer, batch, keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"))
    np.savez(tmp_path / "batch.npz", **batch)
    paths = (tmp_path / "2.keras", tmp_path / "batch.npz", tmp_path / "after.npz")
    subprocess.run(
        [sys.executable, "-c", CONTINUE, *map(str, paths)],
        check=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    for _ in range(2):
        trainer.train_step(batch)
    networks = [v for net in trainer.networks.values() for v in net.variables]
    averages = trainer.averages.variables
    expected = values([*networks, *averages, *trainer.optimizer.variables])
    found = list(np.load(paths[2]).values())
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-7)


def test_every_stage_is_saved_with_its_losses(networks, batch, tmp_path):
    np.savez(tmp_path / "lpips.npz", **random_weights())
    painted = InpaintLosses(
        vgg=vgg_features("random"),
        feature_crop=32,
        lpips=lpips_model(tmp_path / "lpips.npz"),
        lpips_weight=1.0,
        focus="hole",
    )
    batch = {name: tf.tile(each, (1, 2, 2, 1)) for name, each in batch.items()}
    mixed = {"canny": 1.0, "predicted": 2.0}
    batch["draw"] = np.linspace(0, 0.9, 4, dtype=np.float32)
    edges = EdgeLosses(cross_entropy_weight=1.0)
    for trainer in (
        InpaintTrainer(
            **networks("edge_generator", *INPAINT), losses=painted, hole_edges=mixed
        ),
        JointTrainer(**networks(*EDGE, *INPAINT), losses=NO_VGG, edge_losses=edges),
    ):
        trainer.compile(keras.optimizers.Adam(1e-3), accumulate=2)
        trainer.save(tmp_path / "x.keras")
        loaded = keras.models.load_model(tmp_path / "x.keras")
        assert loaded.accumulate == 2 and rates(loaded) == rates(trainer)
        network = loaded.networks["inpaint_generator"]
        assert network.architecture["filters"] == 4
        expected, found = (
            each.compute_losses(batch, training=False) for each in (trainer, loaded)
        )
        for before, after in zip(expected[:2], found[:2], strict=True):
            assert before.keys() == after.keys()
            for name, value in before.items():
                np.testing.assert_allclose(after[name], value, rtol=1e-5)


def test_loss_is_the_sum_of_the_generators_losses(trainer, batch):
    logs = trainer.test_step(batch)
    losses, _, _ = trainer.compute_losses(batch, training=False)
    np.testing.assert_allclose(logs["loss"], sum(losses.values()), rtol=1e-6)
    logs = trainer.train_step(batch)
    expected = logs["edge/g_adv"] + logs["edge/feature_matching"]
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-6)


@pytest.mark.parametrize("monitor", ["val_loss", "val_average_precision"])
def test_early_stopping_and_the_best_file(trainer, batch, tmp_path, monitor):
    watch = dict(monitor=monitor, mode="min")
    stop = keras.callbacks.EarlyStopping(**watch, min_delta=1e9, patience=1)
    best = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", save_best_only=True, **watch
    )
    history = fit(trainer, batch, stop, best, epochs=4)
    assert len(history[monitor]) == 2  # the second brought no gain of 1e9
    assert (tmp_path / "best.keras").exists()


def test_both_rates_follow_a_scheduler(trainer, batch):
    halved = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    fit(trainer, batch, halved)
    np.testing.assert_allclose(rates(trainer), (1e-4 / 4, 1e-5 / 4), rtol=1e-5)


def test_both_rates_fall_on_a_plateau(trainer, batch):
    plateau = keras.callbacks.ReduceLROnPlateau(min_delta=1e9, patience=1, factor=0.5)
    fit(trainer, batch, plateau, epochs=3)
    # Lowered after the second epoch; after the last, for an epoch that does not come.
    np.testing.assert_allclose(rates(trainer)[1], 1e-5 / 2, rtol=1e-5)


def test_backup_and_restore_continues_with_the_epoch(networks, batch, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def fitted(*callbacks):
        trainer = EdgeTrainer(**networks(*EDGE), ema=0.9)
        trainer.compile(run_eagerly=True)
        with contextlib.suppress(KeyboardInterrupt):
            fit(trainer, batch, *callbacks)
        return state(trainer)

    backup = keras.callbacks.BackupAndRestore
    fitted(backup(tmp_path), Stop())
    for one, other in zip(fitted(), fitted(backup(tmp_path)), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-7)


def test_logs_reach_tensorboard_and_a_table(trainer, batch, tmp_path):
    table = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    fit(trainer, batch, table, keras.callbacks.TensorBoard(tmp_path / "logs"))
    head, *lines = (tmp_path / "log.csv").read_text().splitlines()
    assert {"edge/d_loss", "loss", "val_loss"} <= set(head.split(","))
    assert len(lines) == 2
    assert len(list((tmp_path / "logs").rglob("events.*"))) == 2


def test_a_loss_that_is_nan_terminates(trainer, batch):
    batch["gray"][0, 0, 0] = np.nan
    history = fit(trainer, batch, keras.callbacks.TerminateOnNaN(), epochs=3)
    assert len(history["loss"]) == 1


def test_keras_averages_are_refused_in_a_sentence(trainer, batch):
    with pytest.raises(ValueError, match="must be used when `use_ema=True`"):
        fit(trainer, batch, keras.callbacks.SwapEMAWeights())


@pytest.mark.parametrize(
    "option", [{"steps_per_execution": 2}, {"jit_compile": True}, {"run_eagerly": True}]
)
def test_options_of_compile_change_no_figure(networks, batch, option):
    found = []
    for options in ({}, option):
        trainer = EdgeTrainer(**networks(*EDGE))
        trainer.compile(**options)
        found.append(fit(trainer, batch, epochs=1, steps=2)["edge/d_loss"])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)
