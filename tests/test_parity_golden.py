"""The converted networks against what the published ones answer (`../shared/golden`).

The checkpoints there hold random weights in the published format and full size; the
answers were computed with PyTorch in float32. Outputs agree to 1e-4, losses and norms
of gradients to 1e-3 relative.
"""

import json

import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.conversion.checkpoints import convert
from tf_edgeconnect.conversion.weights import NETWORKS, find_places
from tf_edgeconnect.losses.inpaint import reconstruction_loss
from tf_edgeconnect.masking import composite
from tf_edgeconnect.models.generators import edge_inputs, inpaint_inputs
from tf_edgeconnect.models.storage import load_networks
from tf_edgeconnect.trainers.edge import EdgeLosses, EdgeTrainer
from tf_edgeconnect.trainers.inpaint import InpaintTrainer
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses

OUTPUT_TOLERANCE, LOSS_TOLERANCE = 1e-4, 1e-3


@pytest.fixture(scope="module")
def networks(golden_checkpoints, tmp_path_factory):
    """All four networks, converted, written and loaded again."""
    folder = tmp_path_factory.mktemp("weights") / "golden"
    convert(golden_checkpoints, folder)
    return load_networks(folder)[0]


@pytest.fixture(scope="module")
def golden(shared):
    """The golden tensors."""
    return dict(np.load(shared / "golden" / "tensors.npz"))


@pytest.fixture(scope="module")
def losses(shared):
    """The golden losses and gradients."""
    return json.loads((shared / "golden" / "losses.json").read_text())


@pytest.fixture(scope="module")
def batch(golden):
    """The golden photos as a batch."""
    planes = {key: golden[key][..., None] for key in ("gray", "edge", "mask")}
    return {"image": golden["image"].astype(np.float32) / 255, **planes}


@pytest.fixture(scope="module")
def predicted_edge(networks, batch):
    """What the edge generator draws."""
    inputs = edge_inputs(batch["gray"], batch["edge"], batch["mask"])
    return np.asarray(networks["edge_generator"](inputs, training=False))


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=0, atol=OUTPUT_TOLERANCE)


def test_golden_parity_of_the_edge_generator(golden, batch, predicted_edge):
    assert_close(predicted_edge, golden["edge_generator_output"])
    edges = composite(predicted_edge, batch["edge"], batch["mask"])
    assert_close(edges, golden["edge_composite"])


def test_golden_parity_of_the_inpaint_generator(golden, batch, networks):
    image, mask = batch["image"], batch["mask"]
    inputs = inpaint_inputs(image, golden["edge_composite"], mask)
    predicted = np.asarray(networks["inpaint_generator"](inputs, training=False))
    assert_close(predicted, golden["inpaint_generator_output"])
    assert_close(composite(predicted, image, mask), golden["inpainted"])


def test_golden_parity_from_the_photo_to_the_filled_photo(
    golden, batch, networks, predicted_edge
):
    image, mask = batch["image"], batch["mask"]
    edges = composite(predicted_edge, batch["edge"], mask)
    predicted = networks["inpaint_generator"](
        inpaint_inputs(image, edges, mask), training=False
    )
    inpainted = composite(np.asarray(predicted), image, mask)
    assert_close(inpainted, golden["inpainted"])
    np.testing.assert_array_equal(
        inpainted[mask[..., 0] == 0], image[mask[..., 0] == 0]
    )


def test_golden_parity_of_the_edge_discriminator_and_its_features(
    golden, batch, networks
):
    pair = np.concatenate([batch["gray"], batch["edge"]], axis=-1)
    logits, features = networks["edge_discriminator"](pair, training=False)
    assert_close(tf.sigmoid(logits), golden["edge_discriminator_output"])
    assert len(features) == 5
    for number, feature in enumerate(features, start=1):
        expected = golden[f"edge_discriminator_feature_mean_{number}"]
        assert_close(tf.reduce_mean(feature, (1, 2)), expected)


def test_golden_parity_of_the_inpaint_discriminator(golden, batch, networks):
    logits, _ = networks["inpaint_discriminator"](batch["image"], training=False)
    assert_close(tf.sigmoid(logits), golden["inpaint_discriminator_output"])


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("nonsaturating", "edge_nsgan"),
        ("lsgan", "edge_lsgan"),
        ("hinge", "hinge_on_logits_of_the_same_outputs"),
    ],
)
def test_golden_parity_of_adversarial_losses(
    kind, key, losses, batch, networks, predicted_edge
):
    generator, discriminator = EdgeLosses(kind)(
        networks["edge_discriminator"],
        batch,
        {"predicted_edge": predicted_edge},
        training=False,
    )
    found = float(discriminator["edge/d_loss"]), float(generator["edge/g_adv"])
    expected = losses[key]["d_loss"], losses[key]["g_adv"]
    np.testing.assert_allclose(found, expected, rtol=LOSS_TOLERANCE)


def test_golden_parity_of_the_l1_loss_over_the_mask_mean(losses, golden, batch):
    found = reconstruction_loss(
        tf.constant(batch["image"]),
        tf.constant(golden["inpaint_generator_output"]),
        tf.reduce_mean(batch["mask"]),
    )
    expected = losses["inpaint_l1_over_mask_mean"]
    np.testing.assert_allclose(found, expected, rtol=LOSS_TOLERANCE)


def test_golden_parity_of_the_inpaint_trainers_l1_from_the_composite_edges(
    losses, golden, batch, networks
):
    trainer = InpaintTrainer(
        networks["inpaint_generator"],
        networks["inpaint_discriminator"],
        InpaintLosses(perceptual_weight=0, style_weight=0),
    )
    edges = {**batch, "edge": golden["edge_composite"]}
    generator, _, _ = trainer.compute_losses(edges, training=False)
    expected = losses["inpaint_l1_over_mask_mean"]
    found = float(generator["inpaint/l1"])
    np.testing.assert_allclose(found, expected, rtol=LOSS_TOLERANCE)


def in_pytorch_layout(gradients, network, plan):
    """The gradients of a network's kernels and biases under PyTorch's names."""
    found = {}
    for name, place in find_places(plan, network).items():
        gradient = gradients.get(place.variable.path)
        if gradient is not None and not name.startswith(tuple(plan.copies)):
            axes = (3, 2, 0, 1) if gradient.ndim == 4 else (0,)
            found[name] = gradient.transpose(axes)
    return found


@pytest.fixture(scope="module")
def edge_step(batch, networks):
    """Losses and gradients of one edge step, spectral norm with its stored vectors."""
    trainer = EdgeTrainer(networks["edge_generator"], networks["edge_discriminator"])
    with tf.GradientTape(persistent=True) as tape:
        generator, discriminator, _ = trainer.compute_losses(batch, training=False)
        totals = sum(generator.values()), sum(discriminator.values())
    groups = trainer.generator_variables, trainer.discriminator_variables
    gradients = [
        {
            variable.path: np.asarray(gradient)
            for variable, gradient in zip(
                group, tape.gradient(total, [v.value for v in group]), strict=True
            )
        }
        for total, group in zip(totals, groups, strict=True)
    ]
    return {**generator, **discriminator}, gradients


def test_golden_parity_of_the_edge_trainers_losses(losses, edge_step):
    found, _ = edge_step
    expected = {
        "edge/g_adv": losses["edge_nsgan"]["g_adv"],
        "edge/d_loss": losses["edge_nsgan"]["d_loss"],
        "edge/feature_matching": losses["edge_feature_matching_weighted_10"],
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=LOSS_TOLERANCE)


@pytest.mark.parametrize(
    ("index", "key", "name"),
    [
        (0, "edge_generator_gradients_of_adv_plus_fm", "edge_generator"),
        (1, "edge_discriminator_gradients_of_d_loss", "edge_discriminator"),
    ],
)
def test_golden_parity_of_the_edge_trainers_gradients(
    index, key, name, losses, networks, edge_step
):
    (plan,) = [plan for plan in NETWORKS if plan.name == name]
    found = in_pytorch_layout(edge_step[1][index], networks[name], plan)
    assert set(found) == set(losses[key])
    for tensor, expected in losses[key].items():
        gradient = found[tensor]
        norm = np.linalg.norm(gradient)
        if expected["l2"] < 1e-5:  # a bias before an instance norm: truly 0
            assert norm < 1e-5, tensor
            continue
        np.testing.assert_allclose(
            norm, expected["l2"], rtol=LOSS_TOLERANCE, err_msg=tensor
        )
        # Single values carry the rounding of the whole way back, a norm averages it.
        typical = norm / np.sqrt(gradient.size)
        first = gradient.ravel()[:4]
        np.testing.assert_allclose(
            first, expected["first"], rtol=0, atol=1e-2 * typical, err_msg=tensor
        )
