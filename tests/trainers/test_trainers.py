"""What each trainer's step computes; the formulas of losses are tested elsewhere."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.trainers.callbacks import SampleSheets
from tf_edgeconnect.trainers.edge import EdgeLosses, EdgeTrainer
from tf_edgeconnect.trainers.inpaint import InpaintTrainer, JointTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses

EDGE = ("edge_generator", "edge_discriminator")
INPAINT = ("inpaint_generator", "inpaint_discriminator")
NO_VGG = InpaintLosses(perceptual_weight=0, style_weight=0)
RATE = 0.01


def compiled(trainer):
    trainer.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE))
    # Random `u` and `v` make kernels huge: refine them first, as training would.
    for network in trainer.networks.values():
        for layer in network.layers:
            for _ in range(20 * hasattr(layer, "normalized_kernel")):
                layer.normalized_kernel(training=True)
    return trainer


def edge_trainer(networks, **kwargs):
    return compiled(EdgeTrainer(**networks(*EDGE), **kwargs))


def gradients(trainer, batch):
    """Both gradients at the present weights, from two separate tapes."""
    with tf.GradientTape() as tape:
        loss = sum(trainer.compute_losses(batch, training=False)[0].values())
    generator = tape.gradient(loss, trainer.generator_variables)
    with tf.GradientTape() as tape:
        loss = sum(trainer.compute_losses(batch, training=False)[1].values())
    discriminator = tape.gradient(loss, trainer.discriminator_variables)
    return [np.array(g) for g in generator], [np.array(g) for g in discriminator]


def freeze_power_iterations(trainer):
    """Lets training calls use the stored `u`, `v` as they are."""
    for network in trainer.networks.values():
        for layer in network.layers:
            if hasattr(layer, "normalized_kernel"):
                original = layer.normalized_kernel
                layer.normalized_kernel = lambda training, call=original: call(False)


def test_a_step_applies_both_gradients_taken_before_it(networks, batch, values):
    trainer = edge_trainer(networks)
    freeze_power_iterations(trainer)
    both = (trainer.generator_variables, trainer.discriminator_variables)
    before = [values(variables) for variables in both]
    expected = gradients(trainer, batch)
    trainer.train_step(batch)
    for variables, old, gradient in zip(both, before, expected, strict=True):
        for new, value, slope in zip(values(variables), old, gradient, strict=True):
            np.testing.assert_allclose(new, value - RATE * slope, atol=1e-6)


def test_logs_are_the_losses_that_were_summed(networks, batch):
    trainer = edge_trainer(networks)
    generator, discriminator, _ = trainer.compute_losses(batch, training=False)
    freeze_power_iterations(trainer)
    logs = trainer.train_step(batch)
    for name, value in {**generator, **discriminator}.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-5)
    assert {"edge/precision", "edge/f1", "edge/g_gradient_norm"} <= set(logs)


def seen_by(network, monkeypatch):
    """Records what a network is called with."""
    seen, original = [], type(network).__call__

    def call(self, inputs, *args, **kwargs):
        if self is network:
            seen.append(np.array(inputs))
        return original(self, inputs, *args, **kwargs)

    monkeypatch.setattr(type(network), "__call__", call)
    return seen


def test_the_edge_discriminator_sees_unmasked_grey_and_raw_edges(
    networks, batch, monkeypatch
):
    trainer = edge_trainer(networks)
    seen = seen_by(trainer.networks["edge_discriminator"], monkeypatch)
    _, _, pictures = trainer.compute_losses(batch, training=False)
    assert len(seen) == 1  # one pass over real and fake together
    real, fake = np.split(seen[0], 2)
    np.testing.assert_array_equal(real[..., :1], batch["gray"])
    np.testing.assert_array_equal(real[..., 1:], batch["edge"])
    np.testing.assert_array_equal(fake[..., :1], batch["gray"])
    np.testing.assert_array_equal(fake[..., 1:], pictures["predicted_edge"])
    assert not np.array_equal(fake[..., 1:], pictures["composite_edge"])


def test_real_features_give_the_generator_no_gradient_of_their_own(networks, batch):
    # Feature matching alone: the discriminator's weights are no part of the loss.
    losses = EdgeLosses(adversarial_weight=0.0)
    trainer = edge_trainer(networks, losses=losses)
    discriminator = trainer.networks["edge_discriminator"]
    fake = tf.Variable(batch["edge"] * 0.5)
    with tf.GradientTape() as tape:
        pictures = {"predicted_edge": fake}
        generator_losses, _ = losses(
            discriminator, {**batch, "gray": fake}, pictures, training=False
        )
        total = sum(generator_losses.values())
    # `gray` enters both halves; through the real half nothing may flow.
    got = tape.gradient(total, fake)
    grey = tf.Variable(batch["edge"] * 0.5)
    with tf.GradientTape() as tape:
        logits, target = discriminator(tf.concat([fake, batch["edge"]], -1))
        logits, predicted = discriminator(tf.concat([grey, grey], -1))
        total = 10 * sum(
            tf.reduce_mean(abs(tf.constant(t.numpy()) - p))
            for t, p in zip(target, predicted, strict=True)
        )
    np.testing.assert_allclose(got, tape.gradient(total, grey), atol=1e-6)


def test_inpaint_losses_see_the_raw_prediction_and_only_style_is_masked(
    networks, batch, monkeypatch, features
):
    losses = InpaintLosses(vgg=features)
    trainer = compiled(InpaintTrainer(**networks(*INPAINT), losses=losses))
    judged = seen_by(trainer.networks["inpaint_discriminator"], monkeypatch)
    looked_at = seen_by(features, monkeypatch)
    generator_losses, _, pictures = trainer.compute_losses(batch, training=False)
    raw, mask = np.array(pictures["predicted_image"]), batch["mask"]
    assert not np.array_equal(raw, pictures["inpainted"])
    # All targets in one pass, which takes no gradient, all predictions in another.
    expected = [(picture, picture * mask) for picture in (batch["image"], raw)]
    for got, pictures in zip(looked_at, expected, strict=True):
        np.testing.assert_array_equal(got, np.concatenate(pictures))
    np.testing.assert_array_equal(judged[0], np.concatenate([batch["image"], raw]))
    l1 = np.abs(batch["image"] - raw).mean() / mask.mean()
    np.testing.assert_allclose(generator_losses["inpaint/l1"], l1, rtol=1e-5)


def test_vgg_losses_without_vgg_are_refused():
    with pytest.raises(ValueError, match="need `vgg=vgg_features"):
        InpaintLosses()


def test_edge_inpaint_leaves_the_edge_generator_as_it_is(networks, batch, values):
    parts = networks("edge_generator", *INPAINT)
    trainer = compiled(InpaintTrainer(**parts, losses=NO_VGG))
    frozen = parts["edge_generator"].variables  # u and v of its spectral norms too
    before = values(frozen)
    trainer.train_step(batch)
    for old, new in zip(before, values(frozen), strict=True):
        np.testing.assert_array_equal(old, new)
    painted = trainer(batch)
    assert not np.array_equal(painted["composite_edge"], batch["edge"])


def test_a_sample_shows_the_edges_that_the_generator_draws(networks, batch):
    parts = networks("edge_generator", *INPAINT)
    mixed = {"canny": 1.0, "none": 1.0, "predicted": 1.0}
    trainer = compiled(InpaintTrainer(**parts, losses=NO_VGG, hole_edges=mixed))
    batch["draw"] = np.linspace(0, 0.9, 4, dtype=np.float32)
    sample = trainer.sample(batch)
    mask = batch["mask"]
    drawn = sample["predicted_edge"] * mask + batch["edge"] * (1 - mask)
    np.testing.assert_array_equal(sample["composite_edge"], drawn)
    alone = InpaintTrainer(**parts, losses=NO_VGG)(batch)
    np.testing.assert_array_equal(sample["inpainted"], alone["inpainted"])


def test_inpaint_paints_along_the_photos_own_edges(networks, batch):
    trainer = compiled(InpaintTrainer(**networks(*INPAINT), losses=NO_VGG))
    pictures = trainer(batch)
    np.testing.assert_array_equal(pictures["composite_edge"], batch["edge"])
    known = np.broadcast_to(batch["mask"] == 0, batch["image"].shape)
    filled = np.array(pictures["inpainted"])
    np.testing.assert_array_equal(filled[known], batch["image"][known])


def test_joint_losses_reach_the_edge_generator(networks, batch):
    parts = networks("edge_generator", *INPAINT)
    trainer = compiled(JointTrainer(**parts, losses=NO_VGG))
    generator, _ = gradients(trainer, batch)
    count = len(parts["edge_generator"].trainable_variables)
    assert sum(np.abs(g).sum() for g in generator[:count]) > 0
    assert trainer.loss_names == ("inpaint/l1", "inpaint/g_adv", "inpaint/d_loss")


def test_joint_with_the_edge_discriminator_adds_the_edge_gradients(networks, batch):
    parts = networks(*EDGE, *INPAINT)
    whole = compiled(JointTrainer(**parts, losses=NO_VGG))
    edges = compiled(EdgeTrainer(**{name: parts[name] for name in EDGE}))
    without = {k: v for k, v in parts.items() if k != "edge_discriminator"}
    painting = compiled(JointTrainer(**without, losses=NO_VGG))
    generator, discriminator = gradients(whole, batch)
    edge_generator, edge_discriminator = gradients(edges, batch)
    joint_generator, joint_discriminator = gradients(painting, batch)
    for index, got in enumerate(generator):
        expected = joint_generator[index]
        if index < len(edge_generator):
            expected = expected + edge_generator[index]
        np.testing.assert_allclose(got, expected, atol=1e-5)
    expected = [*joint_discriminator, *edge_discriminator]
    for got, want in zip(discriminator, expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)


def test_two_kinds_of_adversarial_loss_in_a_trainer_are_refused(networks):
    parts, hinge = networks(*EDGE, *INPAINT), EdgeLosses("hinge")
    with pytest.raises(ValueError, match=r"same in all losses, got \['hinge', 'nonsat"):
        JointTrainer(**parts, losses=NO_VGG, edge_losses=hinge)
    painting = InpaintLosses(adversarial_weight=0, perceptual_weight=0, style_weight=0)
    trainer = JointTrainer(**parts, losses=painting, edge_losses=hinge)
    assert trainer.adversarial == "hinge"


def test_averages_follow_the_weights_and_can_be_swapped_in(networks, batch, values):
    trainer = edge_trainer(networks, ema=0.5)
    variables = trainer.generator_variables
    start = values(variables)
    trainer.train_step(batch)
    first = values(variables)
    trainer.train_step(batch)
    second = values(variables)
    # decay after step t is min(0.5, (1 + t) / (10 + t)): 2/11, then 3/12.
    expected = [
        3 / 12 * (2 / 11 * a + 9 / 11 * b) + 9 / 12 * c
        for a, b, c in zip(start, first, second, strict=True)
    ]
    with trainer.averages.in_place():
        averaged = values(variables)
    for got, want in zip(averaged, expected, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)
    for got, want in zip(values(variables), second, strict=True):
        np.testing.assert_array_equal(got, want)


def test_without_averages_nothing_is_swapped(networks, values):
    trainer = edge_trainer(networks)
    before = values(trainer.generator_variables)
    with trainer.averages.in_place():
        for got, want in zip(values(trainer.generator_variables), before, strict=True):
            np.testing.assert_array_equal(got, want)


def test_plain_fit_and_evaluate_work(networks, batch):
    trainer = EdgeTrainer(**networks(*EDGE))
    trainer.compile()
    data = tf.data.Dataset.from_tensor_slices(batch).batch(2).repeat()
    history = trainer.fit(
        data, steps_per_epoch=2, epochs=2, validation_data=data.take(2), verbose=0
    ).history
    assert np.isfinite(history["edge/d_loss"]).all()
    assert len(history["val_average_precision"]) == 2
    # Half of the pixels are hole, a tenth of them edges.
    hole = batch["mask"] == 1
    np.testing.assert_allclose(
        history["val_base_rate"][-1], batch["edge"][hole].mean(), rtol=1e-6
    )


def test_default_optimizers_are_the_published_ones(networks):
    trainer = EdgeTrainer(**networks(*EDGE))
    trainer.compile()
    for optimizer, rate in (
        (trainer.optimizer, 1e-4),
        (trainer.discriminator_optimizer, 1e-5),
    ):
        settings = optimizer.get_config()
        assert settings["learning_rate"] == pytest.approx(rate)
        assert (settings["beta_1"], settings["beta_2"]) == (0.0, 0.9)
        assert settings["epsilon"] == 1e-8


def test_an_impossible_decay_is_refused(networks):
    with pytest.raises(ValueError, match="`ema` must be .* got 1.0"):
        EdgeTrainer(**networks(*EDGE), ema=1.0)


def test_fit_under_several_workers_is_refused(networks, monkeypatch):
    strategy = object.__new__(tf.distribute.MultiWorkerMirroredStrategy)
    trainer = compiled(EdgeTrainer(**networks(*EDGE)))
    monkeypatch.setattr(EdgeTrainer, "distribute_strategy", strategy)
    with pytest.raises(ValueError, match="`fit` fails under MultiWorkerMirrored"):
        trainer.fit()


def test_sample_sheets_under_fit_tell_the_step(networks, batch, tmp_path):
    batches = tf.data.Dataset.from_tensors(batch).repeat()
    edge_trainer(networks).fit(
        batches,
        steps_per_epoch=3,
        epochs=2,
        verbose=0,
        callbacks=[SampleSheets(batch, tmp_path, stage="edge")],
    )
    names = [f"edge-{step:07}.png" for step in (0, 3, 6)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
