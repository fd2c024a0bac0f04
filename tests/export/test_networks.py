"""Rebuilt networks against those that were trained."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.export import networks
from tf_edgeconnect.export.signatures import build_signatures
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.keras import KerasBackend
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator

SMALL = {"filters": 4, "residual_blocks": 1, "initializer": "he"}
NETWORKS = {
    "edge": lambda: edge_generator(**SMALL),
    "inpaint": lambda: inpaint_generator(**SMALL),
    "no norm": lambda: inpaint_generator(4, 1, "quick"),
}


SUBSTITUTES = {
    "any device": networks.SAVED_MODEL["any"],
    "processors": networks.SAVED_MODEL["cpu"],
    "tflite": networks.TFLITE,
    "onnx": networks.ONNX,
}


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request):
    """A network as trained."""
    keras.utils.set_random_seed(1)
    network = NETWORKS[request.param]()
    for variable in network.trainable_variables:
        if variable.name == "bias":
            variable.assign(tf.random.stateless_normal(variable.shape, [1, 2]))
    return network


@pytest.mark.parametrize("device", networks.SAVED_MODEL)
def test_the_quick_networks_fill_files_as_they_fill_arrays(device):
    inpainter = Inpainter(
        KerasBackend(edge_generator(4, 1, "quick"), inpaint_generator(4, 1, "quick"))
    )
    photo = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    mask = np.zeros((16, 24, 1), np.uint8)
    mask[4:9, 6:15] = 255
    graph = networks.exported_graph(inpainter, networks.SAVED_MODEL[device], "float32")
    answer = build_signatures(graph, 10_000)["serving_bytes"](
        image_bytes=tf.io.encode_png(photo)[None],
        mask_bytes=tf.io.encode_png(mask)[None],
    )
    filled = tf.io.decode_png(answer["inpainted_bytes"][0]).numpy().astype(int)
    assert np.abs(filled - inpainter(photo, mask).image).max() <= 1


@pytest.mark.parametrize("kind", SUBSTITUTES)
def test_it_gives_what_the_trained_network_gives(trained, kind):
    rebuilt = networks.exported_network(trained, SUBSTITUTES[kind])
    run = tf.function(
        lambda x: rebuilt(x, training=False),
        input_signature=[tf.TensorSpec([None, None, None, trained.input_shape[-1]])],
    )
    rng = np.random.default_rng(0)
    for shape in ((1, 16, 24), (3, 16, 24), (1, 12, 12)):
        x = rng.random((*shape, trained.input_shape[-1])).astype(np.float32)
        np.testing.assert_allclose(run(x), trained(x, training=False), atol=1e-5)


def test_maps_too_large_for_the_fused_norm_take_the_plain_one(monkeypatch):
    x = tf.constant(np.random.default_rng(0).normal(5, 2, (1, 8, 9, 3)), tf.float32)
    layer = networks.FusedInstanceNormalization(relu=True)
    fused = layer(x)
    monkeypatch.setattr(networks, "FUSED_NORM_PIXELS", 8 * 9 - 1)
    monkeypatch.setattr(layer, "_fused", lambda inputs: tf.fill(inputs.shape, np.nan))
    np.testing.assert_allclose(layer(x), fused, atol=2e-6)


@pytest.mark.parametrize(("channels", "block"), [(1, 4), (3, 2)])
def test_few_channels_are_computed_in_blocks(channels, block):
    keras.utils.set_random_seed(2)
    x = np.random.default_rng(0).normal(0, 1, (2, 14, 18, 5)).astype(np.float32)
    plain = keras.layers.Conv2D(channels, 7, bias_initializer="normal")
    blocks = networks.BlockConv2D(channels, (7, 7))
    blocks.build(x.shape)
    expected = plain(x)
    blocks.set_weights(blocks.widened(*plain.get_weights()))
    assert blocks.block == block
    # Converters fold only small kernels, and int8 rounds only those that are stored.
    assert blocks.kernel.shape == (6 + block, 6 + block, 5, channels * block**2)
    again = networks.BlockConv2D.from_config(blocks.get_config())
    assert again.get_config() == blocks.get_config() and again.block == block
    np.testing.assert_allclose(blocks(x), expected, atol=1e-5)


def test_a_network_holds_kernels_and_biases_that_no_norm_subtracts(trained):
    rebuilt = networks.exported_network(trained, networks.SAVED_MODEL["cpu"])
    names = {layer.name for layer in trained.layers}
    kept = [
        v.path
        for v in trained.variables
        if v.name == "kernel"
        or (v.name == "bias" and f"{v.path.split('/')[-2]}_norm" not in names)
    ]
    assert [v.path for v in rebuilt.variables] == kept


def test_relus_behind_norms_are_part_of_them(trained):
    rebuilt = networks.exported_network(trained, networks.SAVED_MODEL["cpu"])
    norms = [
        layer.relu
        for layer in rebuilt.layers
        if isinstance(layer, networks.FusedInstanceNormalization)
    ]
    relus = sum(isinstance(layer, keras.layers.ReLU) for layer in rebuilt.layers)
    whole = sum(isinstance(layer, keras.layers.ReLU) for layer in trained.layers)
    assert sum(norms) + relus == whole
    assert relus == (0 if norms else whole)
