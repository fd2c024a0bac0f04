"""What the small preset's recipe needs beside the published stages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_run import config, journal
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.losses.inpaint import PERCEPTUAL_LAYERS
from tf_edgeconnect.trainers.edge import EdgeLosses, EdgeTrainer
from tf_edgeconnect.trainers.inpaint import InpaintTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses
from tf_edgeconnect.trainers.pictures import choose_edges
from tf_edgeconnect.trainers.run import train
from tf_edgeconnect.trainers.run_networks import build_networks, build_trainer

L1_ALONE = InpaintLosses(adversarial_weight=0, perceptual_weight=0, style_weight=0)


def test_the_draw_chooses_each_examples_lines_by_their_weights(batch):
    kinds = {"predicted": 2, "none": 1, "canny": 1}  # bounds at 0.25 and 0.5
    batch["draw"] = np.array([0.1, 0.3, 0.6, 0.9], np.float32)
    predicted = tf.fill(batch["edge"].shape, 0.5)
    edges = choose_edges(kinds, batch, {"predicted_edge": predicted}).numpy()
    hole, own = batch["mask"], batch["edge"] * (1 - batch["mask"])
    np.testing.assert_array_equal(edges[0], batch["edge"][0])
    np.testing.assert_array_equal(edges[1], own[1])
    np.testing.assert_array_equal(edges[2:], (own + 0.5 * hole)[2:])


def test_a_single_kind_needs_no_draw(batch):
    edges = choose_edges({"none": 3.0}, batch, {})
    np.testing.assert_array_equal(edges, batch["edge"] * (1 - batch["mask"]))


def test_the_inpaint_stage_passes_predicted_edges_over():
    mix = config("train.hole_edges={canny: 1, none: 0, predicted: 2}")
    trainer = build_trainer("inpaint", mix, build_networks("inpaint", mix))
    assert trainer.hole_edges == {"canny": 1.0}
    nothing = config("train.hole_edges={predicted: 1}")
    with pytest.raises(InputError, match="only predicted"):
        build_trainer("inpaint", nothing, build_networks("inpaint", nothing))


def test_hole_edges_without_a_weight_are_refused():
    with pytest.raises(InputError, match="hole_edges.*at least one weight must"):
        config("train.hole_edges={canny: 0}")


def test_without_an_adversarial_weight_there_is_no_discriminator(networks, batch):
    trainer = InpaintTrainer(**networks("inpaint_generator"), losses=L1_ALONE)
    trainer.compile()
    logs = trainer.train_step(batch)
    assert set(logs) == {"inpaint/l1", "inpaint/g_gradient_norm", "loss"}
    with pytest.raises(ValueError, match="needs an inpaint_discriminator"):
        losses = InpaintLosses(perceptual_weight=0, style_weight=0)
        InpaintTrainer(**networks("inpaint_generator"), losses=losses)


def test_edges_learn_from_cross_entropy_alone(networks, batch):
    losses = EdgeLosses(
        adversarial_weight=0, feature_matching_weight=0, cross_entropy_weight=1
    )
    trainer = EdgeTrainer(**networks("edge_generator"), losses=losses)
    trainer.compile(keras.optimizers.Adam(1e-2))
    first = trainer.train_step(batch)["edge/cross_entropy"]
    for _ in range(5):
        trainer.train_step(batch)
    trainer.watched["edge/cross_entropy"].reset_state()
    assert trainer.train_step(batch)["edge/cross_entropy"] < first
    with pytest.raises(ValueError, match="needs an edge_discriminator"):
        EdgeTrainer(**networks("edge_generator"))


def test_known_pixels_weigh_a_tenth_in_l1_with_the_focus_on_the_hole(networks, batch):
    losses = InpaintLosses(
        adversarial_weight=0, perceptual_weight=0, style_weight=0, focus="hole"
    )
    trainer = InpaintTrainer(**networks("inpaint_generator"), losses=losses)
    generator_losses, _, pictures = trainer.compute_losses(batch, training=False)
    difference = np.abs(batch["image"] - np.array(pictures["predicted_image"]))
    hole = batch["mask"][..., 0] == 1
    # Half of the photo is hole.
    expected = difference[hole].mean() + 0.1 * difference[~hole].mean()
    np.testing.assert_allclose(generator_losses["inpaint/l1"], expected, rtol=1e-5)


def test_holes_of_all_sizes_count_alike_with_the_focus_on_the_hole(batch):
    losses = InpaintLosses(
        adversarial_weight=0, perceptual_weight=0, style_weight=0, focus="hole"
    )
    mask = batch["mask"].copy()
    mask[1, :, 3:] = 0  # a quarter of the others' hole
    batch = {**batch, "mask": mask}
    error = np.array([0.1, 0.4, 0.0, 0.0], np.float32)[:, None, None, None]
    predicted = batch["image"] + error * mask
    pictures = {"predicted_image": predicted, "inpainted": predicted}
    found, _ = losses(None, batch, pictures, training=True)
    np.testing.assert_allclose(found["inpaint/l1"], (0.1 + 0.4) / 4, rtol=1e-5)


@pytest.mark.parametrize("draw", [0.0, 0.3, 0.9999])
def test_vgg_looks_at_the_same_square_of_photo_and_prediction(batch, draw):
    seen = []

    def vgg(picture, training):
        seen.append(picture.numpy())
        return dict.fromkeys(PERCEPTUAL_LAYERS, picture)

    losses = InpaintLosses(
        adversarial_weight=0, style_weight=0, vgg=vgg, feature_crop=16
    )
    image = tf.constant(batch["image"])
    examples = {**batch, "image": image, "draw": tf.fill([4], draw)}
    pictures = {"predicted_image": image + 0.5}
    found, _ = losses(None, examples, pictures, training=True)
    np.testing.assert_allclose(found["inpaint/perceptual"], 0.1 * 5 * 0.5, rtol=1e-5)
    assert seen[0].shape == (4, 16, 16, 3)
    np.testing.assert_allclose(seen[1], seen[0] + 0.5, rtol=1e-5)
    corners = {0.0: (0, 0), 0.3: (2, 6), 0.9999: (8, 8)}  # of 9 places a side
    top, left = corners[draw]
    wanted = batch["image"][:, top : top + 16, left : left + 16]
    np.testing.assert_array_equal(seen[0], wanted)


def test_a_crop_larger_than_the_photo_is_the_whole_photo(batch):
    sizes = []

    def vgg(picture, training):
        sizes.append(picture.shape[1:3])
        return dict.fromkeys(PERCEPTUAL_LAYERS, picture)

    losses = InpaintLosses(
        adversarial_weight=0, style_weight=0, vgg=vgg, feature_crop=64
    )
    image = tf.constant(batch["image"])
    examples = {**batch, "image": image, "draw": tf.fill([4], 0.5)}
    losses(None, examples, {"predicted_image": image}, training=True)
    assert sizes == [image.shape[1:3]] * 2


def test_the_perceptual_loss_compares_the_filled_photo_with_the_focus_on_the_hole(
    batch,
):
    def vgg(picture, training):
        return dict.fromkeys(PERCEPTUAL_LAYERS, picture)

    losses = InpaintLosses(adversarial_weight=0, style_weight=0, vgg=vgg, focus="hole")
    image, mask = batch["image"], batch["mask"]
    pictures = {"predicted_image": image + 0.5, "inpainted": image + 0.2 * mask}
    found, _ = losses(None, batch, pictures, training=True)
    # Half of the photo is hole, by which the mean is divided.
    np.testing.assert_allclose(found["inpaint/perceptual"], 0.1 * 5 * 0.2, rtol=1e-5)


@pytest.mark.parametrize(("focus", "error"), [("photo", 0.5), ("hole", 0.2)])
def test_lpips_is_the_mean_distance_of_what_the_focus_compares(batch, focus, error):
    def lpips(pair, training):
        return tf.reduce_mean(tf.abs(pair[1] - pair[0]), axis=(1, 2, 3))

    losses = InpaintLosses(
        adversarial_weight=0,
        perceptual_weight=0,
        style_weight=0,
        lpips_weight=0.2,
        focus=focus,
        lpips=lpips,
    )
    image, mask = batch["image"], batch["mask"]
    pictures = {"predicted_image": image + 0.5, "inpainted": image + 0.2 * mask}
    found, _ = losses(None, batch, pictures, training=True)
    # With the focus on the hole, the mean is divided by the half that is hole.
    np.testing.assert_allclose(found["inpaint/lpips"], 0.2 * error, rtol=1e-5)
    assert tuple(found) == losses.names == ("inpaint/l1", "inpaint/lpips")


def test_lpips_without_its_network_or_on_too_small_a_crop_is_refused():
    options = dict(perceptual_weight=0, style_weight=0, lpips_weight=1)
    with pytest.raises(ValueError, match="lpips=lpips_model"):
        InpaintLosses(**options)
    with pytest.raises(ValueError, match="feature_crop of 31"):
        InpaintLosses(**options, lpips=tf.identity, feature_crop=30)


def test_the_discriminator_sees_the_filled_photo_with_the_focus_on_the_hole():
    seen = []

    def discriminator(pictures, training):
        seen.append(np.array(pictures))
        logits = tf.reshape(tf.range(2 * 6 * 6, dtype=tf.float32), (2, 6, 6, 1)) / 36
        return logits, []

    rng = np.random.default_rng(0)
    image, predicted = rng.random((2, 1, 64, 64, 3), np.float32)
    mask = np.zeros((1, 64, 64, 1), np.float32)
    mask[:, 4:9, 4:40] = 1
    losses = InpaintLosses(
        perceptual_weight=0,
        style_weight=0,
        focus="hole",
        adversarial="lsgan",
    )
    filled = np.where(mask > 0, predicted, image)
    generator, judged = losses(
        discriminator,
        {"image": image, "mask": mask},
        {"predicted_image": predicted, "inpainted": filled},
        training=True,
    )
    np.testing.assert_array_equal(seen[0], np.concatenate([image, filled]))
    # Logit i sees the 70 pixels from 8 i - 23 on.
    starts = 8 * np.arange(6) - 23
    rows = [sum(s <= y < s + 70 for y in range(4, 9)) for s in starts]
    columns = [sum(s <= x < s + 70 for x in range(4, 40)) for s in starts]
    weights = np.outer(rows, columns)
    weights = weights / weights.mean()
    assert weights[-1].max() == 0  # it sees rows 17 to 63 alone
    p = 1 / (1 + np.exp(-np.arange(72).reshape(2, 6, 6) / 36))
    real, fake = (weights * (p[0] - 1) ** 2).mean(), (weights * p[1] ** 2).mean()
    np.testing.assert_allclose(judged["inpaint/d_loss"], (real + fake) / 2, rtol=1e-5)
    g_adv = 0.1 * (weights * (p[1] - 1) ** 2).mean()
    np.testing.assert_allclose(generator["inpaint/g_adv"], g_adv, rtol=1e-5)


def test_a_batch_without_a_hole_leaves_the_discriminator_unchanged(networks, batch):
    losses = InpaintLosses(perceptual_weight=0, style_weight=0, focus="hole")
    parts = networks("inpaint_generator", "inpaint_discriminator")
    trainer = InpaintTrainer(**parts, losses=losses)
    trainer.compile()
    logs = trainer.train_step({**batch, "mask": 0 * batch["mask"]})
    assert logs["inpaint/d_loss"] == 0 and logs["inpaint/d_gradient_norm"] == 0


def test_the_discriminators_may_learn_faster_than_the_generators():
    settings = config("train.discriminator_rate=3", "losses.focus=hole")
    trainer = build_trainer("inpaint", settings, build_networks("inpaint", settings))
    rates = (
        trainer.optimizer.learning_rate,
        trainer.discriminator_optimizer.learning_rate,
    )
    np.testing.assert_allclose(rates, (1e-3, 3e-3), rtol=1e-6)
    assert trainer.losses_of["inpaint_discriminator"].focus == "hole"


@pytest.mark.parametrize("stage", ["edge", "inpaint"])
def test_bfloat16_keeps_weights_losses_and_outputs_in_float32(stage, batch):
    trainers = []
    for precision in ("float32", "mixed_bfloat16"):
        settings = config(f"train.precision={precision}", "losses.edge_cross_entropy=1")
        keras.utils.set_random_seed(1)
        trainer = build_trainer(stage, settings, build_networks(stage, settings))
        trainers.append(trainer)
    whole, mixed = trainers
    assert keras.config.dtype_policy().name == "float32"
    layer = mixed.networks[f"{stage}_generator"].get_layer("encoder_2")
    assert layer.compute_dtype == "bfloat16"
    variables = [*mixed.variables, *mixed.optimizer.variables]
    kinds = {v.dtype for v in variables if "float" in v.dtype}
    assert kinds == {"float32"}
    expected, got = (t.compute_losses(batch, training=False) for t in (whole, mixed))
    for name, loss in {**got[0], **got[1]}.items():
        assert loss.dtype == tf.float32
        np.testing.assert_allclose(loss, {**expected[0], **expected[1]}[name], rtol=0.1)
    assert all(picture.dtype == tf.float32 for picture in got[2].values())


def test_a_mixed_run_trains_and_validates(tmp_path):
    settings = config(
        "train.hole_edges={canny: 1, none: 1}",
        "model.design=quick",
        "losses.focus=hole",
        "train.precision=mixed_bfloat16",
        "train.betas=[0.9, 0.99]",
        "losses.inpaint_adversarial=0",
    )
    train("inpaint", settings, tmp_path / "run")
    last = journal(tmp_path / "run")[-1]
    assert np.isfinite(last["val/hole_psnr"])
