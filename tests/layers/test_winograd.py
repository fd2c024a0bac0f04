"""The shorter convolution is the convolution, there and back."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.layers.spectral_norm import SpectralConv2D
from tf_edgeconnect.layers.winograd import use_winograd, winograd_convolution

CASES = [
    # height, width, dilation, around: tiles that fit, and some that do not
    (10, 14, 1, 0),
    (8, 12, 1, 1),
    (20, 20, 2, 0),
    (9, 7, 1, 1),
    (13, 15, 2, 2),
]


@pytest.mark.parametrize(("height", "width", "dilation", "around"), CASES)
@pytest.mark.parametrize("graph", [False, True])
def test_outputs_and_gradients_are_those_of_a_convolution(
    height, width, dilation, around, graph
):
    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.standard_normal((2, height, width, 3)), tf.float32)
    kernel = tf.constant(rng.standard_normal((3, 3, 3, 5)), tf.float32)
    sides = (around, around)

    def direct(inputs, kernel):
        padded = tf.pad(inputs, ((0, 0), sides, sides, (0, 0)))
        # float64: rounding is the other one's alone
        padded, kernel = tf.cast(padded, tf.float64), tf.cast(kernel, tf.float64)
        if dilation == 2:  # zeros between the taps
            kernel = tf.nn.conv2d_transpose(
                tf.transpose(kernel, (2, 0, 1, 3)),
                tf.eye(5, dtype=tf.float64)[None, None],
                (3, 5, 5, 5),
                2,
                "VALID",
            )
            kernel = tf.transpose(kernel, (1, 2, 0, 3))
        found = tf.nn.conv2d(padded, kernel, 1, "VALID")
        return tf.cast(found, tf.float32)

    def shorter(inputs, kernel):
        return winograd_convolution(inputs, kernel, dilation, around)

    def answers(convolve):
        with tf.GradientTape() as tape:
            tape.watch((inputs, kernel))
            found = convolve(inputs, kernel)
            loss = tf.reduce_sum(tf.sin(found))
        return found, *tape.gradient(loss, (inputs, kernel))

    calls = tf.function(answers) if graph else answers
    for got, want in zip(calls(shorter), answers(direct), strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, atol=3e-5 * np.abs(want).max())


def test_a_batch_of_unknown_size_is_taken():
    call = tf.function(lambda x, k: winograd_convolution(x, k, 1, 1))
    call = call.get_concrete_function(
        tf.TensorSpec((None, 8, 8, 2)), tf.TensorSpec((3, 3, 2, 4))
    )
    x, kernel = tf.random.normal((3, 8, 8, 2)), tf.random.normal((3, 3, 2, 4))
    want = tf.nn.conv2d(x, kernel, 1, "SAME")
    np.testing.assert_allclose(call(x, kernel), want, atol=1e-4)


def network(layer):
    inputs = keras.Input((None, None, 128))
    return keras.Model(inputs, layer(inputs))


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.Conv2D(128, 3, padding="same", activation="relu"),
        lambda: keras.layers.Conv2D(128, 3, dilation_rate=2),
        lambda: SpectralConv2D(128, 3, use_bias=False),
    ],
)
def test_layers_that_gain_answer_as_before(layer):
    model = network(layer())
    x = tf.random.stateless_normal((1, 32, 32, 128), (1, 2))
    small = x[:, :9, :9]
    before, small_before = model(x), model(small)
    assert use_winograd(model) == 1
    after = model(x)
    assert not np.array_equal(after, before)  # it was used
    scale = np.abs(before).max()
    np.testing.assert_allclose(after, before, atol=3e-5 * scale)
    np.testing.assert_array_equal(model(small), small_before)  # here it was not


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.Conv2D(128, 3, strides=2),
        lambda: keras.layers.Conv2D(128, 5),
        lambda: keras.layers.Conv2D(64, 3),
        lambda: keras.layers.Conv2D(128, 3, dtype="mixed_bfloat16"),
        lambda: keras.layers.Conv2DTranspose(128, 3),
    ],
)
def test_others_are_left_as_they_are(layer):
    assert use_winograd(network(layer())) == 0
