"""LPIPS: against a NumPy AlexNet of random weights, and the golden figures."""

import json

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from tests.alexnet import LAYERS, random_weights
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.metrics.lpips import Lpips


def numpy_lpips(target, predicted, arrays):
    """LPIPS of two pictures `(H, W, 3)` in [0, 1], layer by layer in float64."""
    shift, scale = [-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]
    a, b = ((2 * x - 1 - np.array(shift)) / scale for x in (target, predicted))
    distance = 0
    for i, (side, stride, padding, _) in enumerate(LAYERS):
        kernel = arrays[f"AlexNet_0.Conv_{i}.kernel"]
        bias = arrays[f"AlexNet_0.Conv_{i}.bias"]
        head = arrays[f"NetLinLayer_{i}.Conv_0.kernel"].ravel()
        maps = []
        for x in (a, b):
            if i in (1, 2):  # a max pool of 3 x 3, stride 2
                x = sliding_window_view(x, (3, 3), (0, 1))[::2, ::2].max(axis=(3, 4))
            x = np.pad(x, ((padding,) * 2, (padding,) * 2, (0, 0)))
            windows = sliding_window_view(x, (side, side), (0, 1))[::stride, ::stride]
            x = np.tensordot(windows, kernel, ((3, 4, 2), (0, 1, 2))) + bias
            maps.append(np.maximum(x, 0))
        a, b = maps
        norms = [np.linalg.norm(x, axis=-1, keepdims=True) + 1e-10 for x in maps]
        difference = (a / norms[0] - b / norms[1]) ** 2
        distance += (difference * head).sum(axis=-1).mean()
    return distance


@pytest.fixture(scope="module")
def random_lpips(tmp_path_factory):
    path = tmp_path_factory.mktemp("lpips") / "weights.npz"
    np.savez(path, **random_weights())
    return Lpips(path)


def pictures(seed, shape=(2, 35, 47, 3)):
    return np.random.default_rng(seed).random(shape, dtype="float32")


def test_distance_equals_a_numpy_alexnet(random_lpips):
    target, predicted = pictures(0), pictures(1)
    expected = [
        numpy_lpips(t, p, random_weights())
        for t, p in zip(target, predicted, strict=True)
    ]
    np.testing.assert_allclose(random_lpips(target, predicted), expected, rtol=1e-5)


def test_distance_of_equal_pictures_is_zero_even_where_they_are_flat(random_lpips):
    target = pictures(2)
    target[1] = 0.5
    np.testing.assert_array_equal(random_lpips(target, target), [0, 0])


def test_golden_lpips(shared):
    def read(name):
        with Image.open(shared / "golden" / "lpips" / f"{name}.png") as image:
            return np.asarray(image.convert("RGB"))[None] / 255

    golden = json.loads((shared / "golden" / "perceptual_metrics.json").read_text())
    lpips = Lpips(shared / "weights" / "lpips_alexnet.npz")
    for name, expected in golden["lpips_alex"].items():
        assert lpips(read("ex_ref"), read(name))[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    "shapes", [((1, 35, 35, 3), (1, 35, 36, 3)), ((1, 30, 64, 3),) * 2]
)
def test_pictures_that_do_not_compare_are_refused(random_lpips, shapes):
    with pytest.raises(
        ValueError, match="lpips: expected two batches of the same shape"
    ):
        random_lpips(*(np.zeros(shape) for shape in shapes))


def without_a_head(path):
    arrays = random_weights()
    del arrays["NetLinLayer_3.Conv_0.kernel"]
    np.savez(path, **arrays)


def of_another_shape(path):
    kernel = np.zeros((64, 3, 11, 11), "float32")
    np.savez(path, **{**random_weights(), "AlexNet_0.Conv_0.kernel": kernel})


def not_finite(path):
    bias = np.full(192, np.nan, "float32")
    np.savez(path, **{**random_weights(), "AlexNet_0.Conv_1.bias": bias})


def of_objects(path):
    np.savez(path, **{"NetLinLayer_0.Conv_0.kernel": np.array([{}])})


def a_single_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: None, "there is no file"),
        (lambda path: path.write_bytes(b"text"), "not a readable .npz file"),
        (
            lambda path: path.write_bytes(b"PK\x03\x04half"),
            "not a readable .npz file",
        ),
        (a_single_array, "not a readable .npz file"),
        (of_objects, "not a readable .npz file"),
        (without_a_head, "has no array NetLinLayer_3.Conv_0.kernel"),
        (of_another_shape, "expected floats of shape (11, 11, 3, 64)"),
        (not_finite, "AlexNet_0.Conv_1.bias is not finite"),
    ],
)
def test_a_wrong_weights_file_is_named_with_what_to_give(tmp_path, write, reason):
    path = tmp_path / "weights.npz"
    write(path)
    with pytest.raises(InputError) as caught:
        Lpips(path)
    message = str(caught.value)
    assert message.startswith("LPIPS weights: ") and str(path) in message
    assert reason in message and "give an .npz of LPIPS' AlexNet" in message
    assert "\n" not in message
