import keras
import numpy as np
import pytest

from tf_edgeconnect.layers import (
    InstanceNormalization,
    SpectralConv2D,
    SpectralConv2DTranspose,
)
from tf_edgeconnect.models.footprint import count_parameters
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator

SPECTRAL = (SpectralConv2D, SpectralConv2DTranspose)
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, CONVOLUTIONS)]


def parameters(inputs, outputs, filters, blocks, block_bias):
    """Counted by hand from the table of section 3: kernels, then biases."""
    n = filters
    kernels = 49 * inputs * n + 16 * n * 2 * n + 16 * 2 * n * 4 * n
    kernels += blocks * 2 * 9 * (4 * n) ** 2
    kernels += 16 * 4 * n * 2 * n + 16 * 2 * n * n + 49 * n * outputs
    biases = n + 2 * n + 4 * n + 2 * n + n + outputs
    return kernels + biases + (blocks * 2 * 4 * n if block_bias else 0)


@pytest.mark.parametrize("filters, blocks", [(64, 8), (4, 1)])
def test_parameters_are_those_of_the_table(filters, blocks):
    edge = edge_generator(filters, blocks)
    count = count_parameters(edge.trainable_variables)
    assert count == parameters(3, 1, filters, blocks, False)
    inpaint = inpaint_generator(filters, blocks)
    count = count_parameters(inpaint.trainable_variables)
    assert count == parameters(4, 3, filters, blocks, True)


def test_every_edge_convolution_but_the_last_is_spectral():
    *others, last = convolutions(edge_generator(4, 2))
    assert all(isinstance(layer, SPECTRAL) for layer in others)
    assert not isinstance(last, SPECTRAL)
    assert not any(
        isinstance(layer, SPECTRAL) for layer in inpaint_generator(4, 1).layers
    )


def test_weights_start_as_published():
    model = inpaint_generator(16, 1)
    kernels = [layer.kernel.numpy().ravel() for layer in convolutions(model)]
    values = np.concatenate(kernels)
    assert abs(values.mean()) < 2e-4 and abs(values.std() - 0.02) < 2e-4
    assert all(not layer.bias.numpy().any() for layer in convolutions(model))


@pytest.mark.parametrize("height, width", [(12, 12), (16, 28)])
def test_outputs_have_the_size_of_the_input_and_lie_in_the_unit_range(height, width):
    rng = np.random.default_rng(0)
    for model, channels in ((edge_generator(4, 1), 1), (inpaint_generator(4, 1), 3)):
        inputs = rng.random((2, height, width, model.input_shape[-1]), np.float32)
        outputs = np.array(model(inputs, training=False))
        assert outputs.shape == (2, height, width, channels)
        assert outputs.min() >= 0 and outputs.max() <= 1


def test_instance_norm_makes_contrast_of_one_image_not_matter_to_others():
    model = inpaint_generator(4, 1)
    rng = np.random.default_rng(0)
    inputs = rng.random((2, 16, 16, 4), np.float32)
    alone = model(inputs[:1], training=False)
    together = model(inputs * np.float32([[[[1]]], [[[9]]]]), training=False)
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)


def test_push_pull_makes_the_content_of_the_hole_not_matter():
    model = inpaint_generator(4, 1, "quick")
    inputs = np.random.default_rng(0).random((1, 16, 16, 5), np.float32)
    inputs[..., 4] = 0
    inputs[:, 4:9, 4:9, 4] = 1
    other = inputs.copy()
    other[:, 4:9, 4:9, :3] = 0.5
    assert np.array_equal(model(inputs), model(other))
    published = inpaint_generator(4, 1)
    assert not np.array_equal(published(inputs[..., :4]), published(other[..., :4]))


@pytest.mark.parametrize("builder", [edge_generator, inpaint_generator])
def test_a_quick_generator_has_no_norm(builder):
    model = builder(4, 2, "quick")
    kinds = (InstanceNormalization, *SPECTRAL)
    assert [x for x in model.layers if isinstance(x, kinds)] == []
    # A kernel and a bias each, and no u and v beside them.
    assert len(model.variables) == 2 * len(convolutions(model))


def test_a_quick_edge_generator_keeps_its_signal():
    inputs = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    assert np.std(edge_generator(4, 8, "quick")(inputs)) > 0.01


def test_a_network_may_mix_both_designs_as_older_folders_do():
    model = edge_generator(4, 1, hole_fill="push_pull", initializer="he")
    assert model.architecture == {
        "filters": 4,
        "residual_blocks": 1,
        "hole_fill": "push_pull",
        "edge_norm": "spectral",
        "initializer": "he",
    }
    names = [layer.name for layer in model.layers]
    assert "push_pull" in names and "encoder_1_norm" in names


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(filters=0), "`filters` must be 1 or more, got 0"),
        (dict(residual_blocks=-1), "`residual_blocks` must not be negative, got -1"),
        (dict(design="fast"), "`design` must be one of .* got 'fast'"),
        (dict(hole_fill="black"), "`hole_fill` must be .* got 'black'"),
        (dict(hole_fill="push_pull"), "needs `mask_channel=True`"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        inpaint_generator(**{"filters": 4, "residual_blocks": 1, **options})
    with pytest.raises(TypeError, match="no argument 'edge_norm'"):
        inpaint_generator(4, 1, edge_norm="none")
