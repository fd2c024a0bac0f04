"""FID's Inception: weights that make its answers a matter of hand arithmetic."""

import numpy as np
import pytest

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.inception import PREFIX, array_shapes, fid_inception

# First channels of the branches of the last two blocks.
THREE_WIDE, TWICE_WIDE, POOL = 320, 320 + 2 * 384, 320 + 4 * 384

# A way of 1 x 1 or middle taps through the whole network, from red to feature 0.
WAY = [
    *("conv", "conv_1", "conv_2", "conv_3", "conv_4"),
    *("mixed.conv", "mixed_1.conv", "mixed_2.conv", "mixed_3.conv"),
    *(f"mixed_{number}.conv" for number in (4, 5, 6, 7)),
    *("mixed_8.tower.conv", "mixed_8.tower.conv_1", "mixed_9.conv", "mixed_10.conv"),
]


@pytest.fixture(scope="module")
def shapes():
    return array_shapes()


@pytest.fixture(scope="module")
def write(shapes, tmp_path_factory):
    """Writes a weights file of kernels 0, norms without effect, and what is given."""
    path = tmp_path_factory.mktemp("inception") / "weights.npz"

    def written(changes):
        arrays = {name: np.zeros(shape, "float16") for name, shape in shapes.items()}
        for name, shape in shapes.items():
            if name.endswith(".var"):
                arrays[name] = np.full(shape, 1 - 1e-3, "float32")
        for name, (index, value) in changes.items():
            arrays[PREFIX + name][index] = value
        np.savez(path, **arrays)
        return path

    return written


@pytest.fixture(scope="module")
def answers(write, shapes):
    """The features of a plain picture, red 192, under the weights of all tests."""
    changes = {}
    for layer in WAY:
        height, width = shapes[f"{PREFIX}{layer}.weight"][2:]
        changes[f"{layer}.weight"] = ((0, 0, height // 2, width // 2), 1)
    # 0.5 enters the second convolution; its norm makes (0.5 - 0.25) / 2 + 0.375 of it.
    changes["conv_1.mean"] = (0, 0.25)
    changes["conv_1.var"] = (0, 4 - 1e-3)
    changes["conv_1.beta"] = (0, 0.375)
    # The pool of the last block but one sees the constant 1 of its input's channel 1.
    changes["mixed_8.tower.conv_1.beta"] = (1, 1)
    changes["mixed_9.tower_2_conv.weight"] = ((0, 1, 0, 0), 1)
    changes["mixed_10.tower_1_conv.weight"] = ((0, POOL, 0, 0), 1)
    changes["mixed_10.tower_1_conv_1.weight"] = ((0, 0, 1, 1), 1)
    changes["mixed_10.tower_1_mixed_conv.weight"] = ((0, 0, 0, 1), 1)
    # Three taps over a constant 1: 3 inside, 2 in the first and last column.
    changes["mixed_9.tower_conv.weight"] = ((0, 1, 0, 0), 1)
    changes["mixed_9.tower_mixed_conv.weight"] = ((0, 0, 0, slice(None)), 1)
    changes["mixed_10.tower_2_conv.weight"] = ((0, THREE_WIDE, 0, 0), 1)
    picture = np.zeros((1, 299, 299, 3), "float32")
    picture[..., 0] = 192
    return fid_inception(write(changes)).predict_on_batch(picture)[0]


def test_features_are_2048_a_picture(answers):
    assert answers.shape == (2048,)


def test_red_passes_scaled_by_128_and_through_every_norm_to_the_first_feature(answers):
    # (192 - 128) / 128 = 0.5, then the norm of the second convolution.
    assert answers[0] == pytest.approx((0.5 - 0.25) / 2 + 0.375)


def test_average_pools_do_not_count_the_padding(answers):
    # Counted, the 8 x 8 map would have a mean of (36 + 24 * 2/3 + 4 * 4/9) / 64.
    assert answers[TWICE_WIDE] == pytest.approx(1)


def test_the_last_block_pools_by_maximum(answers):
    # An average would give (2 * 5/2 + 2 * 8/3 + 4 * 3) / 8.
    assert answers[POOL] == pytest.approx(3)


def test_missing_weights_are_named_with_how_to_make_them(tmp_path):
    path = tmp_path / "none.npz"
    with pytest.raises(InputError) as caught:
        fid_inception(path)
    message = str(caught.value)
    assert f"there is no file {path}" in message
    assert "tf-edgeconnect convert pt_inception-2015-12-05" in message
    assert "\n" not in message
