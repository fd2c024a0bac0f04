import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.layers import SpectralConv2D
from tf_edgeconnect.models.discriminators import patch_discriminator, patch_shares
from tf_edgeconnect.models.footprint import count_parameters


def test_maps_have_the_sizes_of_the_strides():
    model = patch_discriminator(2, filters=4)
    logits, maps = model(np.zeros((1, 64, 96, 2), np.float32))
    # Strides 2, 2, 2, 1, 1 with kernel 4 and padding 1: halved thrice, then less one.
    sizes = [(32, 48, 4), (16, 24, 8), (8, 12, 16), (7, 11, 32), (6, 10, 1)]
    assert [tuple(m.shape[1:]) for m in maps] == sizes
    assert np.array_equal(logits, maps[-1])


def test_all_convolutions_are_spectral_without_bias():
    model = patch_discriminator(3)
    kernels = [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1)]
    count = sum(16 * a * b for a, b in kernels)
    assert count_parameters(model.trainable_variables) == count
    spectral = [x for x in model.layers if isinstance(x, SpectralConv2D)]
    assert len(spectral) == 5


def test_a_logit_sees_70_by_70_pixels():
    model = patch_discriminator(1, filters=2)
    image = tf.random.stateless_uniform((1, 128, 128, 1), seed=(0, 1))
    with tf.GradientTape() as tape:
        tape.watch(image)
        logits, _ = model(image)
        middle = logits[0, 7, 7, 0]
    seen = np.abs(tape.gradient(middle, image)[0, ..., 0]) > 0
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    assert np.ptp(rows) + 1 == 70 and np.ptp(columns) + 1 == 70


@pytest.mark.parametrize("size", [(24, 28), (64, 96)])
def test_a_patchs_share_is_of_the_pixels_that_its_logit_sees(size):
    mask = np.random.default_rng(0).random((2, *size, 1), np.float32)
    model = patch_discriminator(1, filters=2)
    shares = np.array(patch_shares(mask))
    assert shares.shape == model(mask)[0].shape
    last = tuple(n - 1 for n in shares.shape[1:3])
    with tf.GradientTape() as tape:
        image = tf.Variable(mask)
        logit = model(image)[0][1, *last, 0]
    seen = np.abs(tape.gradient(logit, image)[1]) > 0
    expected = mask[1][seen].sum() / 70**2
    np.testing.assert_allclose(shares[1, *last, 0], expected, rtol=1e-5)


def test_intermediate_maps_are_after_leaky_relu_and_the_last_is_raw():
    model = patch_discriminator(1, filters=2)
    image = np.random.default_rng(0).random((1, 32, 32, 1), np.float32)
    first = model.get_layer("conv_1")
    raw = first(np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0))), training=False)
    _, maps = model(image, training=False)
    np.testing.assert_allclose(maps[0], np.where(raw > 0, raw, 0.2 * raw), atol=1e-7)


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="must be 1 or more, got 0 and 64"):
        patch_discriminator(0)
