"""What each network is fed at inference."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.inference.backends.keras import KerasBackend
from tf_edgeconnect.inference.graph import InpaintGraph, on_arrays, pad
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator


@pytest.mark.parametrize("height", [1, 5, 6, 11, 12, 13, 17, 20])
def test_padding_reflects_and_repeats_the_border_of_short_sides(height):
    column = np.arange(height, dtype=np.float32)
    target = max(12, -(-height // 4) * 4)
    missing = target - height
    mode = "reflect" if missing < height else "edge"
    expected = np.pad(column, (0, missing), mode=mode)
    wide = tf.constant(np.tile(column[None, :, None, None], (2, 1, 13, 1)))
    padded = pad(wide)
    assert padded.shape == (2, target, 16, 1)
    np.testing.assert_array_equal(padded[1, :, 15, 0], expected)
    turned = pad(tf.transpose(wide, (0, 2, 1, 3)))
    np.testing.assert_array_equal(turned[0, 3, :, 0], expected)


def spy(channels: int, seen: list) -> keras.Model:
    """A network that keeps what it is fed, and answers 0.5."""

    class Spy(keras.layers.Layer):
        def call(self, x):
            seen.append(x)
            return 0.5 * keras.ops.ones_like(x[..., :channels])

    inputs = keras.Input((None, None, 3 if channels == 1 else 4))
    model = keras.Model(inputs, Spy()(inputs))
    seen.clear()
    return model


def half_white_photo(height=14, width=18):
    image = np.zeros((1, height, width, 3), np.uint8)
    image[:, :, width // 2 :] = 255
    mask = np.zeros((1, height, width, 1), np.float32)
    mask[:, : height // 2] = 1
    return tf.constant(image), tf.constant(mask)


def test_networks_see_padded_inputs_with_a_white_hole_and_no_known_edge_in_it():
    fed_edge, fed_paint = [], []
    graph = InpaintGraph(spy(1, fed_edge), spy(3, fed_paint), sigma=1.0)
    image, mask = half_white_photo()
    graph.fill(image, mask)
    (edge_input,), (paint_input,) = fed_edge, fed_paint
    assert edge_input.shape == (1, 16, 20, 3) and paint_input.shape == (1, 16, 20, 4)
    padded_mask = pad(mask).numpy()
    hole = padded_mask[..., 0] == 1
    gray, edge, fed_mask = np.moveaxis(edge_input.numpy(), -1, 0)
    assert (gray[hole] == 1).all() and (edge[hole] == 0).all()
    assert edge[~hole].max() == 1  # the border between black and white
    np.testing.assert_array_equal(fed_mask, padded_mask[..., 0])
    edges = paint_input.numpy()[..., 3]
    np.testing.assert_array_equal(edges, np.where(hole, 0.5, edge))


def test_published_feeds_raw_edges_outside_the_hole_too():
    fed_paint = []
    graph = InpaintGraph(spy(1, []), spy(3, fed_paint), sigma=1.0)
    _, edges = graph.fill_as_published(*half_white_photo())
    assert (fed_paint[0].numpy()[..., 3] == 0.5).all()
    assert (edges.numpy() == 128).all()  # round(127.5) to even


def test_given_edges_count_inside_the_hole_only():
    fed_paint = []
    graph = InpaintGraph(spy(1, []), spy(3, fed_paint), sigma=1.0)
    image, mask = half_white_photo()
    given = tf.fill(mask.shape, tf.constant(51, tf.uint8))
    _, edges = graph.fill_along(image, mask, given)
    known = graph.known_edges(image, mask)
    np.testing.assert_array_equal(edges, np.where(mask == 1, 51, known))
    np.testing.assert_array_equal(
        fed_paint[0].numpy()[:, :14, :18, 3:], edges.numpy() / np.float32(255)
    )


def test_what_lies_under_the_hole_changes_nothing():
    weights = keras.layers.Conv2D(3, 5, padding="same", activation="sigmoid")
    inputs = keras.Input((None, None, 4))
    graph = InpaintGraph(spy(1, []), keras.Model(inputs, weights(inputs)))
    image, mask = half_white_photo()
    other = tf.where(mask > 0, tf.constant(77, tf.uint8), image)
    for one, two in zip(graph.fill(image, mask), graph.fill(other, mask), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_small_photo_alone_is_filled_without_a_trace():
    def modes(*sides, filters=64):
        eager = []

        def method(images, mask):
            eager.append(tf.executing_eagerly())
            return images + tf.cast(mask, tf.uint8)

        run = on_arrays(method, filters=filters)
        for side in sides:
            image = np.ones((1, side, side, 3), np.uint8)
            filled = run(image, np.ones((1, side, side, 1), bool))
            np.testing.assert_array_equal(filled, image + 1)
        return eager

    # 362 x 362 x 64 and 591 x 591 x 24 are just below 2**23.
    assert modes(362, 362, 128) == [True, False]
    assert modes(363, 64) == [False]
    assert modes(591, filters=24) == [True]
    assert modes(592, filters=24) == [False]


def test_how_large_a_photo_may_be_follows_from_the_width_of_the_networks(monkeypatch):
    found = set()

    def on_arrays(method, *signature, filters):
        found.add(filters)

    monkeypatch.setattr("tf_edgeconnect.inference.backends.keras.on_arrays", on_arrays)
    KerasBackend(edge_generator(6, 1), inpaint_generator(8, 1, "quick"))
    KerasBackend(None, inpaint_generator(16, 1))
    assert found == {8, 16}
