"""Layers, losses and the optimizer against PyTorch's own (`tests/fixtures`).

The fixtures are in PyTorch's layout; nothing but transposition stands between them and
what is compared here.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.layers import (
    InstanceNormalization,
    ReflectionPadding2D,
    SpectralConv2D,
    SpectralConv2DTranspose,
)
from tf_edgeconnect.losses.adversarial import ADVERSARIAL_LOSSES

LAYERS = np.load(Path(__file__).resolve().parent.parent / "fixtures" / "layers.npz")
TOLERANCE = 5e-6  # of the largest value compared: float32 against PyTorch's float64


def case(name: str) -> dict[str, np.ndarray]:
    """The arrays of a case, photos turned to NHWC."""
    arrays = {
        key.removeprefix(f"{name}/"): LAYERS[key]
        for key in LAYERS
        if key.startswith(f"{name}/")
    }
    photos = ("x", "upstream", "output", "by_", "training_", "inference_")
    return {
        key: nhwc(value)
        if value.ndim == 4 and (key.startswith(photos) or "weight" not in key)
        else value
        for key, value in arrays.items()
    }


def nhwc(array: np.ndarray) -> np.ndarray:
    """PyTorch's (B, C, H, W) to (B, H, W, C)."""
    return array.transpose(0, 2, 3, 1)


def kernel_of(weight: np.ndarray) -> np.ndarray:
    """PyTorch's OIHW (transposed: IOHW) to Keras' HWIO (transposed: HWOI)."""
    return weight.transpose(2, 3, 1, 0)


def vector_of(v: np.ndarray, weight: np.ndarray, output_axis: int) -> np.ndarray:
    """PyTorch's order (in, h, w) of `v` to that of our kernel, (h, w, in)."""
    inputs = weight.shape[1 - output_axis]
    return v.reshape(inputs, *weight.shape[2:]).transpose(1, 2, 0).ravel()


def assert_close(found, expected, what: str = "") -> None:
    """Equal within TOLERANCE of the largest expected value."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape, what
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=TOLERANCE * np.abs(expected).max(), err_msg=what
    )


@pytest.fixture(params=["conv", "transposed"])
def spectral(request):
    """A spectral layer with PyTorch's weights, the arrays, PyTorch's output axis."""
    arrays = case(f"spectral_{request.param}")
    if request.param == "conv":
        layer = keras.Sequential(
            [
                keras.layers.ZeroPadding2D(1),
                SpectralConv2D(4, 4, strides=2, name="spectral"),
            ]
        )
        output_axis = 0
    else:
        layer = keras.Sequential(
            [SpectralConv2DTranspose(3, 4, strides=2, padding="same", name="spectral")]
        )
        output_axis = 1
    layer.build(arrays["x"].shape)
    inner = layer.get_layer("spectral")
    inner.kernel.assign(kernel_of(arrays["weight"]))
    inner.bias.assign(arrays["bias"])
    inner.u.assign(arrays["u_0"])
    inner.v.assign(vector_of(arrays["v_0"], arrays["weight"], output_axis))
    return layer, inner, arrays, output_axis


def test_parity_of_spectral_norm_at_inference(spectral):
    layer, inner, arrays, _ = spectral
    assert_close(layer(arrays["x"], training=False), arrays["inference_0"])
    assert_close(inner.u, arrays["u_0"])


def test_parity_of_spectral_norm_over_training_calls(spectral):
    layer, inner, arrays, output_axis = spectral
    for call in range(1, 6):
        outputs = layer(arrays["x"], training=True)
        if call not in (1, 3, 5):
            continue
        v = vector_of(arrays[f"v_{call}"], arrays["weight"], output_axis)
        assert_close(outputs, arrays[f"training_{call}"], "output")
        assert_close(inner.u, arrays[f"u_{call}"], "u")
        assert_close(inner.v, v, "v")
        after = layer(arrays["x"], training=False)
        assert_close(after, arrays[f"inference_{call}"], "inference")
        assert_close(inner.kernel, kernel_of(arrays["weight"]), "kernel untouched")


def test_parity_of_the_gradient_through_spectral_norm(spectral):
    layer, inner, arrays, _ = spectral
    for call in range(1, 6):
        x = tf.Variable(arrays["x"])
        with tf.GradientTape() as tape:
            outputs = layer(x, training=True)
            loss = tf.reduce_sum(outputs * arrays["upstream"])
        wanted = [inner.kernel.value, inner.bias.value, x]
        kernel, bias, inputs = tape.gradient(loss, wanted)
        if call in (1, 3, 5):
            assert_close(kernel, kernel_of(arrays[f"weight_gradient_{call}"]), "kernel")
            assert_close(bias, arrays[f"bias_gradient_{call}"], "bias")
            assert_close(inputs, arrays[f"x_gradient_{call}"], "inputs")


def padded(layer):
    """A valid convolution behind a zero padding of 1."""
    return keras.Sequential([keras.layers.ZeroPadding2D(1), layer])


@pytest.mark.parametrize(
    ("name", "build"),
    [
        (
            "conv_k4_s2_p1",
            lambda: keras.layers.Conv2D(3, 4, strides=2, padding="same"),
        ),
        ("conv_k4_s2_p1", lambda: padded(keras.layers.Conv2D(3, 4, strides=2))),
        ("conv_k4_s1_p1", lambda: padded(keras.layers.Conv2D(3, 4))),
        ("conv_k3_d2", lambda: keras.layers.Conv2D(3, 3, dilation_rate=2)),
        ("conv_k7", lambda: keras.layers.Conv2D(3, 7)),
        (
            "transposed_k4_s2_p1",
            lambda: keras.layers.Conv2DTranspose(3, 4, strides=2, padding="same"),
        ),
    ],
    ids=["k4_s2_same", "k4_s2_padded", "k4_s1", "k3_d2", "k7", "transposed"],
)
def test_parity_of_convolutions_and_their_gradients(name, build):
    arrays, layer = case(name), build()
    layer.build(arrays["x"].shape)
    layer.set_weights([kernel_of(arrays["weight"]), arrays["bias"]])
    x = tf.Variable(arrays["x"])
    with tf.GradientTape() as tape:
        outputs = layer(x)
        loss = tf.reduce_sum(outputs * arrays["upstream"])
    kernel, inputs = tape.gradient(loss, [layer.trainable_weights[0].value, x])
    assert_close(outputs, arrays["output"])
    assert_close(kernel, kernel_of(arrays["weight_gradient"]))
    assert_close(inputs, arrays["x_gradient"])


@pytest.mark.parametrize("scale", ["plain", "small"])
def test_parity_of_instance_norm_and_its_gradient(scale):
    arrays = case("instance_norm")
    layer = InstanceNormalization()
    x = tf.Variable(arrays[f"{scale}_x"])
    with tf.GradientTape() as tape:
        outputs = layer(x)
        loss = tf.reduce_sum(outputs * arrays[f"{scale}_upstream"])
    assert_close(outputs, arrays[f"{scale}_output"])
    assert_close(tape.gradient(loss, x), arrays[f"{scale}_gradient"])


@pytest.mark.parametrize("padding", [1, 2, 3])
def test_parity_of_reflection_padding(padding):
    arrays = case("reflection_pad")
    found = ReflectionPadding2D(padding)(arrays["x"])
    np.testing.assert_array_equal(found, arrays[f"by_{padding}"])


def test_parity_of_adam_over_five_steps():
    arrays = case("adam")
    weight = keras.Variable(arrays["start"])
    optimizer = keras.optimizers.Adam(1e-2, beta_1=0.0, beta_2=0.9, epsilon=1e-8)
    for step, gradient in enumerate(arrays["gradients"], start=1):
        optimizer.apply([tf.constant(gradient)], [weight])
        assert_close(weight.value, arrays[f"after_{step}"], f"step {step}")


@pytest.mark.parametrize("kind", ["nonsaturating", "lsgan", "hinge"])
def test_parity_of_adversarial_losses_and_their_gradients(kind):
    arrays, pair = case("adversarial"), ADVERSARIAL_LOSSES[kind]
    real, fake = tf.Variable(arrays["real"]), tf.Variable(arrays["fake"])
    with tf.GradientTape(persistent=True) as tape:
        d_loss, g_loss = pair.discriminator(real, fake), pair.generator(fake)
    assert_close(d_loss, arrays[f"{kind}_d"])
    assert_close(g_loss, arrays[f"{kind}_g"])
    gradients = tf.concat(tape.gradient(d_loss, [real, fake]), 0)
    assert_close(gradients, arrays[f"{kind}_d_gradient"])
    assert_close(tape.gradient(g_loss, fake), arrays[f"{kind}_g_gradient"])
