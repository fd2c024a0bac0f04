import keras
import numpy as np

from tf_edgeconnect.layers import InstanceNormalization


def test_each_channel_of_each_image_gets_mean_0_and_variance_1():
    x = np.random.default_rng(0).normal(3, 2, (2, 9, 7, 4)).astype(np.float32)
    y = np.array(InstanceNormalization(epsilon=0.0)(x))
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var((1, 2)), 1, atol=1e-5)


def test_it_equals_group_normalization_with_a_group_a_channel():
    x = np.random.default_rng(0).normal(1, 2, (2, 9, 7, 4)).astype(np.float32)
    group = keras.layers.GroupNormalization(
        groups=-1, center=False, scale=False, epsilon=1e-5
    )
    np.testing.assert_allclose(InstanceNormalization()(x), group(x), atol=1e-5)


def test_a_flat_channel_becomes_zero():
    x = np.full((1, 4, 4, 1), 7, np.float32)
    assert not np.array(InstanceNormalization()(x)).any()
