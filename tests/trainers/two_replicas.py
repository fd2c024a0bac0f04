"""Checks that two logical CPUs train as one with the same global batch.

A process of its own, because logical devices are made once. Prints a word for each
thing that held. With SGD a weight's change is its gradient: Adam's first steps would
hide a gradient of the wrong size and blow up rounding.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.trainers.tiny_run import config, journal, tiny_vgg
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.trainers.edge import EdgeTrainer
from tf_edgeconnect.trainers.inpaint import JointTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses
from tf_edgeconnect.trainers.run import train
from tf_edgeconnect.trainers.workers import choose_strategy

STEPS = 2


def make_trainer(stage: str, parts: int = 1):
    keras.utils.set_random_seed(5)
    edge = dict(
        edge_generator=edge_generator(4, 0, initializer="he"),
        edge_discriminator=patch_discriminator(2, 4),
    )
    inpaint = dict(
        inpaint_generator=inpaint_generator(4, 0, initializer="he"),
        inpaint_discriminator=patch_discriminator(3, 4),
    )
    if stage == "edge":
        trainer = EdgeTrainer(**edge, ema=0.5)
    else:
        # Perceptual and style at weights that let random features count.
        losses = InpaintLosses(
            perceptual_weight=1.0,
            style_weight=1.0,
            vgg=tiny_vgg(),
            focus="hole",
        )
        trainer = JointTrainer(**edge, **inpaint, losses=losses, ema=0.5)
    optimizers = keras.optimizers.SGD(1e-3), keras.optimizers.SGD(1e-3)
    trainer.compile(*optimizers, accumulate=parts)
    return trainer


def batches() -> tf.data.Dataset:
    rng = np.random.default_rng(0)
    shape = (4 * STEPS, 24, 24)
    # Holes of very different sizes in the two halves of a batch: L1 over the mean of
    # the *global* mask is not the mean of both halves' own.
    ratio = np.where(np.arange(shape[0]) % 4 < 2, 0.05, 0.8)
    examples = {
        "image": rng.random((*shape, 3)),
        "gray": rng.random((*shape, 1)),
        "edge": rng.random((*shape, 1)) < 0.1,
        "mask": rng.random((*shape, 1)) < ratio[:, None, None, None],
    }
    examples = {name: value.astype(np.float32) for name, value in examples.items()}
    return tf.data.Dataset.from_tensor_slices(examples).batch(4)


def trained(strategy: tf.distribute.Strategy, parts: int = 1):
    to_numpy = keras.ops.convert_to_numpy
    with strategy.scope():
        trainer = make_trainer("joint", parts)  # has the losses of all stages
    start = [to_numpy(v).copy() for v in trainer.generator_variables]
    step = tf.function(lambda batch: strategy.run(trainer.train_step, args=(batch,)))
    for batch in strategy.experimental_distribute_dataset(batches()):
        step(batch)
    names = sorted(trainer.networks)
    variables = [v for name in names for v in trainer.networks[name].variables]
    end = [to_numpy(v) for v in [*variables, *trainer.averages.variables]]
    logs = {k: float(v) for k, v in trainer.train_results().items()}
    moved = [
        np.abs(to_numpy(v) - old).max()
        for v, old in zip(trainer.generator_variables, start, strict=True)
    ]
    return end, logs, max(moved)


def edge_trainer_in_float16(mirrored: tf.distribute.Strategy) -> EdgeTrainer:
    keras.config.set_dtype_policy("mixed_float16")
    with mirrored.scope():
        trainer = make_trainer("edge")
    keras.config.set_dtype_policy("float32")
    return trainer


def skips_a_step_on_all_replicas(
    mirrored: tf.distribute.Strategy, trainer: EdgeTrainer
) -> bool:
    """Whether an overflow on the second replica alone costs both the step."""
    copies = [
        copy
        for variable in trainer.generator_variables
        for copy in mirrored.experimental_local_results(variable.value)
    ]
    start = [copy.numpy() for copy in copies]
    batch = next(iter(batches()))
    sick = tf.concat([batch["gray"][:2], batch["gray"][2:] * np.inf], axis=0)
    step = tf.function(lambda batch: mirrored.run(trainer.train_step, args=(batch,)))
    data = tf.data.Dataset.from_tensors({**batch, "gray": sick}).unbatch().batch(4)
    for example in mirrored.experimental_distribute_dataset(data):
        step(example)
    kept = [
        np.array_equal(c.numpy(), old) for c, old in zip(copies, start, strict=True)
    ]
    scale = keras.ops.convert_to_numpy(trainer.optimizer.dynamic_scale)
    return all(kept) and float(scale) == 2.0**14


def main(folder: Path) -> None:
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    device = tf.config.list_physical_devices("CPU")[0]
    halves = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(device, halves)
    mirrored = choose_strategy("mirrored", 4).strategy
    assert mirrored.num_replicas_in_sync == 2
    one, one_logs, moved = trained(tf.distribute.get_strategy())
    two, two_logs, _ = trained(mirrored, parts=2)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-3 * moved)
    for name, value in one_logs.items():
        if "gradient_norm" not in name:  # of a replica's own share
            np.testing.assert_allclose(two_logs[name], value, rtol=1e-4)
    print("joint")
    trainer = edge_trainer_in_float16(mirrored)
    if skips_a_step_on_all_replicas(mirrored, trainer):
        print("skipped")
    try:
        with mirrored.scope():
            trainer.compile(jit_compile=True)
    except ValueError as error:
        assert "need a single replica, but this strategy has 2" in str(error)
        print("refused")
    figures = []
    for strategy in ("single", "mirrored"):
        # Three photos for validation do not go round evenly.
        settings = config("train.steps=1", "train.val_examples=3")
        train("edge", settings, folder / strategy, strategy=strategy)
        values = [(k, v) for x in journal(folder / strategy) for k, v in x.items()]
        skipped = ("stage", "images_per_second")
        figures.append(
            [v for k, v in values if k not in skipped and "norm" not in k and v]
        )
    np.testing.assert_allclose(*figures, rtol=1e-4)
    print("run")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
