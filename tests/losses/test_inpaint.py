"""L1, perceptual and style loss against NumPy."""

import keras
import numpy as np
import pytest

from tf_edgeconnect.losses.inpaint import (
    PERCEPTUAL_LAYERS,
    STYLE_LAYERS,
    gram_matrix,
    perceptual_loss,
    reconstruction_loss,
    style_loss,
)
from tf_edgeconnect.models.vgg import vgg_features


def test_l1_is_divided_by_the_share_of_the_hole():
    target = np.zeros((1, 2, 2, 3), np.float32)
    predicted = np.full((1, 2, 2, 3), 0.5, np.float32)
    assert float(reconstruction_loss(target, predicted, 0.25)) == 0.5 / 0.25


def test_no_hole_divides_by_the_smallest_hole():
    target = np.zeros((2, 4, 4, 3), np.float32)
    predicted = np.full((2, 4, 4, 3), 0.5, np.float32)
    assert float(reconstruction_loss(target, predicted, 0.0)) == 0.5 * 16


def numpy_gram(features):
    """One entry at a time: sum over pixels of F_i F_j, over H W C."""
    batch, height, width, channels = features.shape
    gram = np.zeros((batch, channels, channels))
    for i in range(channels):
        for j in range(channels):
            gram[:, i, j] = (features[..., i] * features[..., j]).sum(axis=(1, 2))
    return gram / (height * width * channels)


def constant_features(layers, **values):
    return {k: np.full((1, 2, 2, 4), values.get(k, 1.0), "float32") for k in layers}


def test_gram_matrix_equals_numpy():
    features = np.random.default_rng(0).normal(size=(2, 5, 3, 7)).astype("float32")
    np.testing.assert_allclose(gram_matrix(features), numpy_gram(features), atol=1e-6)


def test_gram_matrix_of_half_precision_is_computed_in_float32():
    features = np.full((1, 64, 64, 2), 100.0, "float16")  # 64 * 64 * 100**2 > 65504
    gram = gram_matrix(features)
    assert keras.backend.standardize_dtype(gram.dtype) == "float32"
    np.testing.assert_allclose(gram, np.full((1, 2, 2), 100**2 / 2))


def test_perceptual_loss_adds_the_mean_difference_of_its_five_layers():
    target = constant_features(PERCEPTUAL_LAYERS)
    steps = dict(zip(PERCEPTUAL_LAYERS, (2.0, -1.0, 4.0, 1.5, 1.0), strict=True))
    predicted = constant_features(PERCEPTUAL_LAYERS, **steps)
    # |1 - 2| + |1 + 1| + |1 - 4| + |1 - 1.5| + 0
    assert float(perceptual_loss(target, predicted)) == pytest.approx(6.5)


def test_style_loss_adds_the_mean_gram_difference_of_its_four_layers():
    target = constant_features(STYLE_LAYERS)
    predicted = constant_features(STYLE_LAYERS, relu2_2=2.0, relu5_2=3.0)
    # Gram of a constant c: 4 pixels c**2 / (4 pixels * 4 channels) = c**2 / 4.
    assert float(style_loss(target, predicted)) == pytest.approx(
        (4 - 1) / 4 + (9 - 1) / 4
    )


def test_style_loss_takes_the_absolute_value_of_each_gram_difference():
    target, predicted = (constant_features(STYLE_LAYERS) for _ in range(2))
    target["relu3_4"] = np.zeros((1, 1, 1, 2), "float32")
    predicted["relu3_4"] = np.array([[[[2.0, -2.0]]]], "float32")
    # Gram of (2, -2) over 2 channels: [[2, -2], [-2, 2]]; its plain mean would be 0.
    assert float(style_loss(target, predicted)) == pytest.approx(2)


@pytest.mark.parametrize("loss", [perceptual_loss, style_loss])
def test_loss_ignores_other_layers_and_needs_its_own(loss):
    layers = set(PERCEPTUAL_LAYERS) | set(STYLE_LAYERS)
    own = PERCEPTUAL_LAYERS if loss is perceptual_loss else STYLE_LAYERS
    ones = constant_features(layers)
    others = constant_features(layers, **{k: 5.0 for k in layers - set(own)})
    assert float(loss(ones, others)) == 0
    del others[own[-1]]
    with pytest.raises(KeyError, match=own[-1]):
        loss(ones, others)


def test_losses_of_real_features_equal_numpy(shared):
    model = vgg_features(shared / "weights" / "vgg19_imagenet_notop.weights.h5")
    rng = np.random.default_rng(3)
    mask = np.zeros((1, 32, 32, 1), "float32")
    mask[:, 8:24, 8:24] = 1
    image, predicted = rng.random((2, 1, 32, 32, 3), dtype="float32")
    target, guess = (
        {k: np.array(v) for k, v in model(x, training=False).items()}
        for x in (image * mask, predicted * mask)
    )
    expected = sum(np.abs(target[k] - guess[k]).mean() for k in PERCEPTUAL_LAYERS)
    assert float(perceptual_loss(target, guess)) == pytest.approx(expected, rel=1e-5)

    def gram(features):
        flat = features.astype("float64").reshape(-1, features.shape[-1])
        return flat.T @ flat / flat.size

    expected = sum(
        np.abs(gram(target[k]) - gram(guess[k])).mean() for k in STYLE_LAYERS
    )
    assert float(style_loss(target, guess)) == pytest.approx(expected, rel=1e-4)
