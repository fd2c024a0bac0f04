"""A step whose batch comes in parts is the step with the whole batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_run import config
from tf_edgeconnect.config import load_config
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.edge import EdgeLosses, EdgeTrainer
from tf_edgeconnect.trainers.inpaint import JointTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses
from tf_edgeconnect.trainers.steps import split
from tf_edgeconnect.trainers.workers import choose_strategy

EDGE = ("edge_generator", "edge_discriminator")
INPAINT = ("inpaint_generator", "inpaint_discriminator")


@pytest.fixture
def uneven(batch):
    """A batch whose halves differ in their share of hole; draws that differ."""
    mask = batch["mask"].copy()
    mask[2:, :, 2:] = 0
    draw = np.linspace(0.1, 0.9, 4, dtype=np.float32)
    return {**batch, "mask": mask, "draw": draw, "position": np.arange(4)}


def test_parts_make_the_step_of_the_whole_batch(networks, uneven, values, features):
    # The joint stage has the losses of all stages.
    losses = InpaintLosses(
        vgg=features, feature_crop=16, style_weight=1.0, focus="hole"
    )
    edge_losses, found = EdgeLosses(cross_entropy_weight=1.0), []
    for parts in (1, 2):
        trainer = JointTrainer(
            **networks(*EDGE, *INPAINT), losses=losses, edge_losses=edge_losses, ema=0.5
        )
        # With SGD a weight's change is its gradient.
        optimizers = keras.optimizers.SGD(1e-3), keras.optimizers.SGD(1e-3)
        trainer.compile(*optimizers, accumulate=parts)
        start = values(trainer.generator_variables)
        step = tf.function(trainer.train_step)
        for _ in range(2):
            logs = step(uneven)
        everything = [v for net in trainer.networks.values() for v in net.variables]
        end = values([*everything, *trainer.averages.variables])
        found.append((end, {name: float(value) for name, value in logs.items()}))
        moved = max(
            np.abs(new - old).max()
            for new, old in zip(values(trainer.generator_variables), start, strict=True)
        )
    (whole, whole_logs), (cut, cut_logs) = found
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-3 * moved)
    assert whole_logs.keys() == cut_logs.keys()
    for name, value in whole_logs.items():
        np.testing.assert_allclose(cut_logs[name], value, rtol=1e-4, err_msg=name)


def test_parts_keep_the_order_of_examples_and_share_scalars():
    part_of = split({"x": np.arange(6), "share": np.float32(0.5)}, 3)
    np.testing.assert_array_equal(part_of(1)["x"], [2, 3])
    assert part_of(2)["share"] == 0.5


def test_a_batch_that_does_not_divide_is_refused(networks, batch):
    trainer = EdgeTrainer(**networks(*EDGE))
    trainer.compile(accumulate=3)
    with pytest.raises(ValueError, match="batch of 4 cannot be split into 3"):
        trainer.train_step(batch)
    with pytest.raises(ValueError, match="`accumulate` must be 1 or more, got 0"):
        trainer.compile(accumulate=0)


def test_settings_that_do_not_divide_are_refused():
    with pytest.raises(InputError, match="must divide batch_size"):
        load_config("quickstart", ["train.batch_size=6", "train.accumulate=4"])
    assert config("train.accumulate=2").train.accumulate == 2
    with pytest.raises(InputError, match="train.accumulate 3 does not divide 4"):
        choose_strategy("single", 4, accumulate=3)
