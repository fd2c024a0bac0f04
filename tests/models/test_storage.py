import json
import os
from pathlib import Path

import numpy as np
import pytest

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import (
    load_networks,
    read_meta,
    resolve,
    save_networks,
)


@pytest.fixture
def networks():
    return {
        "edge_generator": edge_generator(4, 1),
        "edge_discriminator": patch_discriminator(2, 4, name="edge_discriminator"),
    }


def test_a_saved_folder_loads_the_same_networks(networks, tmp_path):
    save_networks(tmp_path / "w", networks, {"stage": "edge", "step": 7})
    loaded, meta = load_networks(tmp_path / "w")
    assert meta["stage"] == "edge" and meta["step"] == 7
    assert meta["networks"]["edge_generator"]["filters"] == 4
    for name, network in networks.items():
        pairs = zip(network.variables, loaded[name].variables, strict=True)
        for before, after in pairs:
            assert np.array_equal(before.numpy(), after.numpy()), before.path


def test_options_younger_than_a_folder_have_their_defaults(networks, tmp_path):
    save_networks(tmp_path / "w", networks, {})
    path = tmp_path / "w" / "model.json"
    meta = json.loads(path.read_text())
    del meta["networks"]["edge_generator"]["edge_norm"]
    path.write_text(json.dumps(meta))
    assert read_meta(tmp_path / "w")["networks"]["edge_generator"]["edge_norm"] == (
        "spectral"
    )
    assert "edge_generator" in load_networks(tmp_path / "w")[0]


def test_only_the_networks_asked_for_are_loaded(networks, tmp_path):
    save_networks(tmp_path / "w", networks, {})
    loaded, _ = load_networks(tmp_path / "w", names=("edge_generator",))
    assert list(loaded) == ["edge_generator"]


def test_a_failed_save_keeps_the_folder_that_was_there(networks, tmp_path, monkeypatch):
    save_networks(tmp_path / "w", networks, {"step": 1})

    def fail(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(networks["edge_discriminator"], "save_weights", fail)
    with pytest.raises(OSError):
        save_networks(tmp_path / "w", networks, {"step": 2})
    assert read_meta(tmp_path / "w")["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_a_folder_that_cannot_be_moved_into_place_leaves_the_one_that_was_there(
    networks, tmp_path, monkeypatch
):
    save_networks(tmp_path / "w", networks, {"step": 1})
    failed = []

    def failing_once(rename):
        def to(source, target):
            if Path(target) == tmp_path / "w" and not failed:
                failed.append(source)
                raise OSError(13, "Permission denied")
            rename(source, target)

        return to

    monkeypatch.setattr(os, "replace", failing_once(os.replace))
    monkeypatch.setattr(os, "rename", failing_once(os.rename))
    with pytest.raises(OSError, match="Permission denied"):
        save_networks(tmp_path / "w", networks, {"step": 2})
    assert failed
    assert read_meta(tmp_path / "w")["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


def test_what_a_killed_save_left_behind_is_removed(networks, tmp_path):
    left = tmp_path / ".weights.0123abcd.part"
    left.mkdir()
    (left / "edge_generator.weights.h5").write_text("half")
    save_networks(tmp_path / "weights", networks, {})
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_a_run_gives_its_most_advanced_stage_for_each_network(tmp_path):
    edge, inpaint = edge_generator(4, 0), inpaint_generator(4, 0)
    weights = tmp_path / "run" / "weights"
    save_networks(weights / "edge", {"edge_generator": edge}, {})
    save_networks(weights / "inpaint", {"inpaint_generator": inpaint}, {})
    assert resolve(tmp_path / "run") == {
        "edge_generator": weights / "edge",
        "inpaint_generator": weights / "inpaint",
    }
    both = {"edge_generator": edge, "inpaint_generator": inpaint}
    save_networks(weights / "joint", both, {})
    assert set(resolve(tmp_path / "run").values()) == {weights / "joint"}


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda path: None, "does not exist; expected a run directory"),
        (lambda path: path.mkdir(), "contains no trained weights"),
        (lambda path: path.write_text(""), "x is a file; expected a run directory"),
    ],
)
def test_a_path_that_is_no_model_is_named(make, message, tmp_path):
    make(tmp_path / "x")
    with pytest.raises(InputError, match=message):
        resolve(tmp_path / "x")


@pytest.mark.parametrize("key, value", [("filters", 8), ("residual_blocks", 2)])
def test_weights_of_another_architecture_are_named(key, value, networks, tmp_path):
    save_networks(tmp_path / "w", networks, {})
    path = tmp_path / "w" / "model.json"
    meta = json.loads(path.read_text())
    meta["networks"]["edge_generator"][key] = value
    path.write_text(json.dumps(meta))
    with pytest.raises(InputError, match="does not fit the edge_generator"):
        load_networks(tmp_path / "w")


@pytest.mark.parametrize("content", [b"", b"not HDF5", None])
def test_damaged_or_missing_weights_are_named(content, networks, tmp_path):
    save_networks(tmp_path / "w", networks, {})
    path = tmp_path / "w" / "edge_generator.weights.h5"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(InputError, match="edge_generator.weights.h5"):
        load_networks(tmp_path / "w")


def test_a_network_of_an_unknown_name_is_refused(networks, tmp_path):
    with pytest.raises(ValueError, match="must be named one of"):
        save_networks(tmp_path / "w", {"G": networks["edge_generator"]}, {})


GENERATOR_LAYERS = [
    *("encoder_1", "encoder_2", "encoder_3"),
    *("middle_1_1", "middle_1_2", "middle_2_1", "middle_2_2"),
    *("decoder_1", "decoder_2", "decoder_3"),
]
DISCRIMINATOR_LAYERS = ["conv_1", "conv_2", "conv_3", "conv_4", "conv_5"]


@pytest.mark.parametrize(
    ("builder", "options", "names"),
    [
        (edge_generator, {}, GENERATOR_LAYERS),
        (edge_generator, {"design": "quick"}, GENERATOR_LAYERS),
        (inpaint_generator, {}, GENERATOR_LAYERS),
        (inpaint_generator, {"design": "quick"}, GENERATOR_LAYERS),
        (patch_discriminator, {"channels": 3}, DISCRIMINATOR_LAYERS),
    ],
)
def test_weights_keep_the_order_by_which_files_hold_them(builder, options, names):
    # A file says conv2d, conv2d_1 and so on: layers that change places would take each
    # other's weights without an error.
    if builder is not patch_discriminator:
        options = options | {"residual_blocks": 2}
    network = builder(filters=4, **options)
    assert [layer.name for layer in network.layers if layer.weights] == names
    for layer in network.layers:
        order = [weight.name for weight in layer.weights]
        assert order == [n for n in ("kernel", "bias", "u", "v") if n in order]
