"""Spectral norm against NumPy; `test_parity.py` holds it against PyTorch's."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.layers import SpectralConv2D, SpectralConv2DTranspose

LAYERS = {SpectralConv2D: 3, SpectralConv2DTranspose: 2}  # with the output axis


def built(layer_class, **kwargs):
    keras.utils.set_random_seed(3)
    layer = layer_class(5, 3, kernel_initializer="random_normal", **kwargs)
    layer.build((None, 8, 8, 4))
    return layer


def matrix(layer):
    kernel = np.moveaxis(layer.kernel.numpy(), LAYERS[type(layer)], 0)
    return kernel.reshape(5, -1)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_power_iterations_reach_the_largest_singular_value(layer_class):
    layer = built(layer_class)
    largest = np.linalg.svd(matrix(layer), compute_uv=False)[0]
    image = np.zeros((1, 8, 8, 4), np.float32)
    for _ in range(200):
        layer(image, training=True)
    expected = layer.kernel.numpy() / largest
    np.testing.assert_allclose(layer.normalized_kernel(), expected, rtol=1e-4)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_inference_leaves_kernel_and_vectors_alone(layer_class):
    layer = built(layer_class)
    before = [variable.numpy().copy() for variable in layer.weights]
    layer(np.ones((1, 8, 8, 4), np.float32), training=False)
    for variable, value in zip(layer.weights, before, strict=True):
        assert np.array_equal(variable.numpy(), value)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_training_moves_the_vectors_once_and_never_the_kernel(layer_class):
    layer = built(layer_class)
    kernel, u = layer.kernel.numpy().copy(), layer.u.numpy()
    v = u @ matrix(layer)
    v /= np.linalg.norm(v)
    u = matrix(layer) @ v
    u /= np.linalg.norm(u)
    layer(np.ones((1, 8, 8, 4), np.float32), training=True)
    np.testing.assert_allclose(layer.u.numpy(), u, atol=1e-6)
    np.testing.assert_allclose(layer.v.numpy(), v, atol=1e-6)
    assert np.array_equal(layer.kernel.numpy(), kernel)


@pytest.mark.parametrize("layer_class", LAYERS)
def test_gradient_flows_through_sigma(layer_class):
    # y = sum(c * W / s) with s = u^T M v: dy/dW = c / s - sum(c * W) / s^2 * u v^T.
    layer = built(layer_class)
    axis = LAYERS[layer_class]
    weight = np.random.default_rng(0).normal(size=layer.kernel.shape)
    weight = weight.astype(np.float32)
    with tf.GradientTape() as tape:
        result = tf.reduce_sum(layer.normalized_kernel(training=False) * weight)
    got = tape.gradient(result, layer.kernel.value)
    u, v, kernel = layer.u.numpy(), layer.v.numpy(), layer.kernel.numpy()
    sigma = u @ matrix(layer) @ v
    rest = [n for i, n in enumerate(kernel.shape) if i != axis]
    outer = np.moveaxis(np.outer(u, v).reshape(5, *rest), 0, axis)
    expected = weight / sigma - (weight * kernel).sum() / sigma**2 * outer
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
