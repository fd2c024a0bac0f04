"""VGG features against a plain NumPy VGG19 that reads the weights by itself."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.lib.stride_tricks import sliding_window_view

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.vgg import ACTIVATION_SCALES, LAYERS, vgg_features

CONVOLUTIONS = [
    f"relu{b}_{c + 1}" for b, n in enumerate((2, 2, 4, 4, 4), 1) for c in range(n)
]


def numpy_vgg(image, kernels):
    """VGG19 in float64: 3x3 convolutions padded with zeros, ReLU, 2x2 max pools.

    Args:
        image: `(H, W, 3)` RGB in [0, 1].
        kernels: pairs of kernel `(3, 3, in, out)` and bias, in the order of the layers.
    """
    x = image[..., ::-1].astype("float64") * 255 - [103.939, 116.779, 123.68]
    maps = {}
    for name, (kernel, bias) in zip(CONVOLUTIONS, kernels, strict=False):
        if name.endswith("_1") and name != "relu1_1":
            height, width = x.shape[0] // 2 * 2, x.shape[1] // 2 * 2
            blocks = x[:height, :width].reshape(height // 2, 2, width // 2, 2, -1)
            x = blocks.max(axis=(1, 3))
        patches = sliding_window_view(
            np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), (0, 1)
        )
        # (H, W, in, 3, 3) x (3, 3, in, out)
        x = np.maximum(np.tensordot(patches, kernel, ((3, 4, 2), (0, 1, 2))) + bias, 0)
        maps[name] = x
    return maps


@pytest.fixture(scope="module")
def vgg_file(shared):
    return shared / "weights" / "vgg19_imagenet_notop.weights.h5"


@pytest.fixture(scope="module")
def pretrained(vgg_file):
    return vgg_features(vgg_file)


def test_every_layer_equals_a_numpy_vgg_divided_by_the_scale_table(
    pretrained, vgg_file
):
    image = np.random.default_rng(0).random((35, 38, 3), dtype="float32")
    with h5py.File(vgg_file) as file:
        names = ["conv2d"] + [f"conv2d_{i}" for i in range(1, 16)]
        pairs = [file[f"layers/{name}/vars"] for name in names]
        kernels = [(pair["0"][:], pair["1"][:]) for pair in pairs]
    expected = numpy_vgg(image, kernels)
    found = pretrained(image[None], training=False)
    assert set(found) == set(LAYERS)
    for name, values in found.items():
        scaled = expected[name] / ACTIVATION_SCALES[name]
        np.testing.assert_allclose(values[0], scaled, atol=2e-5 * scaled.max())


def test_random_weights_give_activations_without_the_scale_table():
    model = vgg_features("random", layers=["relu2_1", "relu1_1"])
    kernels = [
        pair for pair in zip(model.weights[::2], model.weights[1::2], strict=True)
    ]
    assert len(kernels) == 3  # nothing past block 2's first convolution
    kernels = [(kernel.numpy(), bias.numpy()) for kernel, bias in kernels]
    image = np.random.default_rng(1).random((7, 9, 3), dtype="float32")
    expected = numpy_vgg(image, kernels)
    found = model(image[None], training=False)
    for name in ("relu1_1", "relu2_1"):
        np.testing.assert_allclose(found[name][0], expected[name], rtol=1e-4, atol=1e-3)


def test_random_weights_are_the_same_each_time():
    first, second = (vgg_features("random", layers=["relu1_1"]) for _ in range(2))
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    assert first.get_weights()[0].std() > 0


def test_features_are_frozen_but_pass_gradients():
    model = vgg_features("random", layers=["relu1_1"])
    assert model.trainable_variables == []
    image = tf.constant(np.random.default_rng(2).random((1, 8, 8, 3)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(image)
        total = tf.reduce_sum(model(image, training=False)["relu1_1"])
    assert float(tf.reduce_max(tf.abs(tape.gradient(total, image)))) > 0


def test_scale_table_is_the_documented_one():
    assert ACTIVATION_SCALES == {
        "relu1_1": 96,
        "relu2_1": 257,
        "relu2_2": 253,
        "relu3_1": 153,
        "relu3_4": 907,
        "relu4_1": 713,
        "relu4_4": 188,
        "relu5_1": 105,
        "relu5_2": 56,
    }


def test_missing_file_is_named_with_what_to_do(tmp_path):
    file = tmp_path / "none.weights.h5"
    with pytest.raises(InputError) as caught:
        vgg_features(file)
    message = str(caught.value)
    assert f"weights file {file} is missing" in message
    assert "--set losses.vgg_weights=FILE" in message
    assert "--set losses.perceptual=0 --set losses.style=0" in message
    assert "\n" not in message


def other_network(file):
    inputs = keras.Input((4, 4, 3))
    keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs)).save_weights(file)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("other.weights.h5", other_network),
        ("text.weights.h5", lambda file: file.write_text("not weights")),
        ("empty.h5", lambda file: h5py.File(file, "w").close()),
        ("weights.pth", lambda file: file.write_bytes(b"PK")),
    ],
)
def test_file_with_other_content_is_named_with_what_to_do(tmp_path, name, write):
    file = tmp_path / name
    write(file)
    with pytest.raises(InputError) as caught:
        vgg_features(file)
    message = str(caught.value)
    assert f"weights file {file} does not fit the vgg19" in message
    assert "keras.applications.VGG19(include_top=False)" in message
    assert "--set losses.vgg_weights=FILE" in message
    assert "\n" not in message


def test_failed_download_says_what_to_do(monkeypatch):
    def fail(**arguments):
        assert arguments == {"include_top": False, "weights": "imagenet"}
        raise Exception("URL fetch failure on https://example.org: no route\n...")

    monkeypatch.setattr(keras.applications, "VGG19", fail)
    with pytest.raises(InputError) as caught:
        vgg_features()
    message = str(caught.value)
    reason = "URL fetch failure on https://example.org: no route"
    assert f"could not download them ({reason})" in message
    assert "--set losses.vgg_weights=FILE" in message
    assert "\n" not in message


@pytest.mark.parametrize("layers", [["relu1_2"], []])
def test_unknown_layers_are_refused(layers):
    with pytest.raises(ValueError, match="layers: expected some of"):
        vgg_features("random", layers=layers)
