"""Published states in our networks: equal answers, and refusals by name."""

import json
from pathlib import Path

import numpy as np
import pytest

from tf_edgeconnect.conversion.checkpoints import convert
from tf_edgeconnect.conversion.pth import read_checkpoint
from tf_edgeconnect.conversion.weights import NETWORKS, build_network, solve_v
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import load_networks

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
PUBLISHED = FIXTURES / "published"
EXPECTED = np.load(FIXTURES / "published_expected.npz")
BY_NAME = {plan.name: plan for plan in NETWORKS}


def state_of(name: str) -> dict[str, np.ndarray]:
    """The state in the fixture's checkpoint of one of our networks."""
    plan = BY_NAME[name]
    return dict(read_checkpoint(PUBLISHED / plan.file)[plan.section])


def assert_answers_as_pytorch(network, name):
    stem = BY_NAME[name].file.removesuffix(".pth")
    photo = EXPECTED[f"{stem}/input"].transpose(0, 2, 3, 1).astype(np.float32) / 255
    found = network(photo, training=False)
    maps = found[1] if isinstance(found, (tuple, list)) else [found]
    for number, tensor in enumerate(maps, start=1):
        expected = EXPECTED[f"{stem}/output_{number}"].transpose(0, 2, 3, 1)
        np.testing.assert_allclose(tensor, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", list(BY_NAME))
def test_parity_of_a_published_checkpoint_and_the_network_it_becomes(name):
    network, _ = build_network(BY_NAME[name], state_of(name), "file")
    assert_answers_as_pytorch(network, name)


def test_parity_survives_the_weights_folder(tmp_path):
    convert(PUBLISHED, tmp_path / "weights")
    networks, _ = load_networks(tmp_path / "weights")
    assert set(networks) == set(BY_NAME)
    for name, network in networks.items():
        assert_answers_as_pytorch(network, name)


@pytest.mark.parametrize("name", list(BY_NAME))
def test_every_tensor_is_reported_and_every_variable_is_set(name):
    network, mapped = build_network(BY_NAME[name], state_of(name), "file")
    assert sorted(m.source for m in mapped) == sorted(state_of(name))
    targets = {m.target for m in mapped}
    assert len(targets) == len(network.variables)
    for m in mapped:
        assert np.prod(m.shape) == np.prod(m.target_shape)


def test_the_prefix_of_multi_gpu_training_is_dropped():
    state = {
        f"module.{key}": value for key, value in state_of("edge_generator").items()
    }
    network, _ = build_network(BY_NAME["edge_generator"], state, "file")
    assert_answers_as_pytorch(network, "edge_generator")


def as_pytorch_1_0(state, prefix, output_axis):
    """Replaces `weight_v` by the normalized kernel that was stored before it."""
    kernel, u = state[f"{prefix}.weight_orig"], state[f"{prefix}.weight_u"]
    matrix = np.moveaxis(kernel, output_axis, 0).reshape(len(u), -1)
    state[f"{prefix}.weight"] = kernel / (u @ matrix @ state.pop(f"{prefix}.weight_v"))


def test_parity_of_spectral_norm_of_pytorch_1_0_without_weight_v():
    state = state_of("edge_generator")
    spectral = [key.removesuffix(".weight_v") for key in state if "weight_v" in key]
    for prefix in spectral:
        as_pytorch_1_0(state, prefix, 1 if "decoder" in prefix else 0)
    assert not any("weight_v" in key for key in state)
    network, _ = build_network(BY_NAME["edge_generator"], state, "file")
    assert_answers_as_pytorch(network, "edge_generator")


@pytest.mark.parametrize(("name", "output_axis"), [("conv", 0), ("transposed", 1)])
def test_parity_of_the_solved_vector_with_pytorchs_own_upgrade(name, output_axis):
    stored = np.load(FIXTURES / "layers.npz")
    parts = ("weight_orig", "weight_u", "weight", "weight_v")
    kernel, u, normalized, v = (stored[f"solved_v/{name}_{part}"] for part in parts)
    found = solve_v(kernel, u, normalized, output_axis)
    np.testing.assert_allclose(found, v, rtol=0, atol=1e-6)


# --- refusals -----------------------------------------------------------------------


def refusal(name, state):
    with pytest.raises(InputError) as caught:
        build_network(BY_NAME[name], state, "some.pth")
    message = str(caught.value)
    assert message.startswith("some.pth: ") and message.isprintable()
    return message


def test_missing_tensors_are_named():
    state = state_of("edge_generator")
    for number in range(5):
        del state[f"middle.{number}.conv_block.1.weight_u"]
    message = refusal("edge_generator", state)
    assert "edge generator misses middle.0.conv_block.1.weight_u" in message
    assert message.endswith("and 2 more")


def test_a_whole_missing_block_is_named():
    state = state_of("inpaint_generator")
    left = {key: value for key, value in state.items() if "middle.7" not in key}
    assert "misses middle.7.conv_block.1.weight" in refusal("inpaint_generator", left)


def test_weight_v_without_anything_to_solve_it_from_is_missing():
    state = state_of("edge_discriminator")
    del state["conv3.0.weight_v"]
    assert "misses conv3.0.weight_v" in refusal("edge_discriminator", state)


def test_surplus_tensors_are_named():
    state = state_of("inpaint_generator") | {"encoder.2.weight": np.zeros(1, "f4")}
    assert "encoder.2.weight belongs to no" in refusal("inpaint_generator", state)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("encoder.1.weight_orig", (1, 3, 5, 5)),
        ("encoder.1.bias", (2,)),
        ("decoder.0.weight_orig", (2, 4, 4, 4)),
        ("decoder.3.weight_v", (31,)),
    ],
)
def test_a_wrong_shape_is_named_with_what_was_expected(key, shape):
    state = state_of("edge_generator")
    expected = state[key].shape
    state[key] = np.zeros(shape, np.float32)
    message = refusal("edge_generator", state)
    assert f"{key} is {shape}, expected {expected}" in message


def test_the_state_of_another_network_is_refused():
    assert "misses" in refusal("edge_generator", state_of("inpaint_generator"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value):
    state = state_of("edge_discriminator")
    state["conv2.0.weight_orig"] = np.full_like(state["conv2.0.weight_orig"], value)
    assert "conv2.0.weight_orig" in refusal("edge_discriminator", state)


def test_integers_and_plain_values_are_refused():
    state = state_of("edge_discriminator")
    whole = state | {"conv2.0.weight_u": np.zeros(2, np.int64)}
    assert "floating point" in refusal("edge_discriminator", whole)
    plain = state | {"conv2.0.weight_u": 3}
    assert "tensors by name, got conv2.0" in refusal("edge_discriminator", plain)


def test_a_layer_stored_twice_must_agree_with_itself():
    state = state_of("edge_discriminator")
    state["features.0.weight_orig"] = state["features.0.weight_orig"] + 1
    message = refusal("edge_discriminator", state)
    assert "features.0.weight_orig and conv1.0.weight_orig are the same" in message


def test_half_precision_checkpoints_are_taken():
    state = {k: v.astype(np.float16) for k, v in state_of("inpaint_generator").items()}
    network, _ = build_network(BY_NAME["inpaint_generator"], state, "file")
    kernel = network.get_layer("encoder_1").kernel
    expected = state["encoder.1.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(kernel, expected.astype(np.float32))


def test_model_json_says_where_the_weights_come_from(tmp_path):
    convert(PUBLISHED, tmp_path / "weights", sigma=1.5)
    meta = json.loads((tmp_path / "weights" / "model.json").read_text())
    assert meta["sigma"] == 1.5 and meta["step"] == 4321 and meta["stage"] == "joint"
    source = meta["source"]["checkpoints"]["edge_generator"]
    assert source["file"] == "EdgeModel_gen.pth" and source["iteration"] == 4321
    assert len(source["sha256"]) == 64
