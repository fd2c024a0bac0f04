"""Padding, instance norm and hole filling against NumPy and scikit-image."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.layers import (
    InstanceNormalization,
    PushPullFill,
    ReflectionPadding2D,
)


def test_reflection_padding_equals_numpy():
    image = np.arange(2 * 5 * 4 * 3, dtype=np.float32).reshape(2, 5, 4, 3)
    expected = np.pad(image, ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect")
    layer = ReflectionPadding2D(3)
    assert np.array_equal(layer(image), expected)
    assert layer.compute_output_shape((2, None, 4, 3)) == (2, None, 10, 3)


def test_padding_below_one_is_refused():
    with pytest.raises(ValueError, match="`padding` must be 1 or more, got 0"):
        ReflectionPadding2D(0)


def test_each_channel_of_each_image_gets_mean_0_and_variance_1():
    x = np.random.default_rng(0).normal(3, 2, (2, 9, 7, 4)).astype(np.float32)
    y = np.array(InstanceNormalization(epsilon=0.0)(x))
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(y.var((1, 2)), 1, atol=1e-5)


def test_instance_norm_equals_group_normalization_with_a_group_a_channel():
    x = np.random.default_rng(0).normal(1, 2, (2, 9, 7, 4)).astype(np.float32)
    group = keras.layers.GroupNormalization(
        groups=-1, center=False, scale=False, epsilon=1e-5
    )
    np.testing.assert_allclose(InstanceNormalization()(x), group(x), atol=1e-5)


def test_a_flat_channel_becomes_zero():
    x = np.full((1, 4, 4, 1), 7, np.float32)
    assert not np.array(InstanceNormalization()(x)).any()


def photo_and_hole(height=21, width=30):
    rng = np.random.default_rng(1)
    image = rng.random((2, height, width, 3), np.float32)
    mask = np.zeros((2, height, width, 1), np.float32)
    mask[0, 4:15, 6:22] = 1
    mask[1, :, 10:] = 1
    return image, mask


def test_known_pixels_stay_and_the_hole_lies_between_them():
    image, mask = photo_and_hole()
    filled = np.array(PushPullFill()(image, mask))
    known = np.broadcast_to(mask == 0, image.shape)
    assert np.array_equal(filled[known], image[known])
    for i in range(2):
        values = image[i][known[i]]
        assert values.min() <= filled[i].min() and filled[i].max() <= values.max()


def test_what_the_hole_held_does_not_matter():
    image, mask = photo_and_hole()
    assert np.array_equal(
        PushPullFill()(image, mask), PushPullFill()(image * (1 - mask), mask)
    )


def test_levels_are_joined_as_pillow_doubles_a_picture():
    # Everything is hole but one level-1 pixel a block of 2 x 2: the pull alone is left.
    coarse = np.random.default_rng(0).random((6, 5), np.float32)
    image = np.zeros((1, 12, 10, 1), np.float32)
    image[0, ::2, ::2, 0] = coarse
    mask = np.ones_like(image)
    mask[0, ::2, ::2] = 0
    filled = np.array(PushPullFill(levels=1)(image, mask))[0, ..., 0]
    doubled = Image.fromarray(coarse).resize((10, 12), Image.Resampling.BILINEAR)
    hole = mask[0, ..., 0] == 1
    np.testing.assert_allclose(filled[hole], np.asarray(doubled)[hole], atol=1e-6)


def test_sizes_may_be_unknown_when_a_graph_is_traced():
    image, mask = photo_and_hole()
    layer = PushPullFill()
    shape = tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None, None, None, 1))
    traced = tf.function(lambda image, mask: layer(image, mask), input_signature=shape)
    np.testing.assert_allclose(traced(image, mask), layer(image, mask), atol=1e-6)
    graph = traced.get_concrete_function().graph
    assert len(graph.get_operations()) < 360  # 1,368 once, a third of all at inference


def test_a_flat_photo_is_filled_flat():
    _, mask = photo_and_hole()
    filled = PushPullFill()(np.full((2, 21, 30, 3), 0.25, np.float32), mask)
    np.testing.assert_allclose(filled, 0.25, atol=1e-6)


def test_a_hole_far_wider_than_the_pyramid_gets_the_known_mean():
    image = np.zeros((1, 64, 64, 1), np.float32)
    image[:, :, :2] = 0.5
    mask = np.ones_like(image)
    mask[:, :, :2] = 0
    filled = np.array(PushPullFill(levels=2)(image, mask))
    np.testing.assert_allclose(filled[0, :, 32:], 0.5, atol=1e-6)


def test_a_photo_that_is_all_hole_is_filled_black():
    image = np.ones((1, 16, 16, 3), np.float32)
    mask = np.ones((1, 16, 16, 1), np.float32)
    assert np.array_equal(PushPullFill()(image, mask), np.zeros_like(image))
