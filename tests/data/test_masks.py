"""Masks drawn from seeds."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.masks import mask_sampler
from tf_edgeconnect.errors import InputError


def seed(number: int) -> tf.Tensor:
    return tf.constant([11, number], tf.int32)


def save(path, array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(array, np.uint8)).save(path)


@pytest.mark.parametrize("kind", ["block", "half", "irregular", "external"])
@pytest.mark.parametrize("size", [16, 37])
def test_masks_are_zeros_and_ones_of_the_asked_shape(kind, size, tmp_path):
    save(tmp_path / "a.png", np.eye(20) * 255)
    sample = mask_sampler({kind: 1}, size, folder=tmp_path)
    mask = sample(seed(0))
    assert mask.dtype == tf.float32
    assert mask.shape == (size, size, 1)
    assert set(np.unique(mask)) == {0.0, 1.0}


@pytest.mark.parametrize("kind", ["block", "half", "irregular", "external"])
def test_a_mask_is_a_pure_function_of_its_seed_in_graph_and_out(kind, tmp_path):
    for number in range(4):
        save(tmp_path / f"{number}.png", np.full((8, 8), 255 * (number % 2)))
    sample = mask_sampler({kind: 1}, 32, folder=tmp_path)
    numbers = tf.data.Dataset.range(3).map(lambda i: tf.cast([11, i], tf.int32))
    in_graph = list(numbers.map(sample).as_numpy_iterator())
    for number, mask in enumerate(in_graph):
        np.testing.assert_array_equal(mask, sample(seed(number)))


def test_block_is_a_square_of_half_a_side_at_places_that_vary():
    sample = tf.function(mask_sampler({"block": 1}, 10))
    corners = set()
    for number in range(60):
        mask = sample(seed(number)).numpy()[..., 0]
        y, x = np.argwhere(mask)[0]
        expected = np.zeros((10, 10))
        expected[y : y + 5, x : x + 5] = 1
        np.testing.assert_array_equal(mask, expected)
        corners.add((int(y), int(x)))
    rows, columns = zip(*corners, strict=True)
    assert set(rows) == set(columns) == set(range(6))  # up to both borders


def test_half_is_the_left_or_the_right_half():
    sample = tf.function(mask_sampler({"half": 1}, 6))
    left = np.tile([1, 1, 1, 0, 0, 0], (6, 1))
    drawn = [sample(seed(n)).numpy()[..., 0] for n in range(40)]
    lefts = [np.array_equal(mask, left) for mask in drawn]
    assert all(
        np.array_equal(m, left if is_left else 1 - left)
        for m, is_left in zip(drawn, lefts, strict=True)
    )
    assert 10 < sum(lefts) < 30


@pytest.mark.parametrize("ratio", [0.03, 0.1, 0.35, 0.7])
@pytest.mark.parametrize("size", [48, 160])
def test_irregular_hits_the_hole_ratio_within_one_percent(ratio, size):
    sample = tf.function(
        mask_sampler({"irregular": 1}, size, hole_ratio=(ratio, ratio))
    )
    for number in range(12):
        assert np.mean(sample(seed(number))) == pytest.approx(ratio, abs=0.01)


def test_irregular_spreads_evenly_over_the_range_of_ratios():
    sample = tf.function(mask_sampler({"irregular": 1}, 64, hole_ratio=(0.2, 0.4)))
    ratios = np.array([np.mean(sample(seed(n))) for n in range(200)])
    assert ratios.min() >= 0.19 and ratios.max() <= 0.41
    # the mean of 200 uniform draws: 0.3, standard error 0.2 / sqrt(12 * 200) = 0.004
    assert ratios.mean() == pytest.approx(0.3, abs=0.016)


def test_irregular_masks_differ():
    sample = tf.function(mask_sampler({"irregular": 1}, 64))
    drawn = {sample(seed(n)).numpy().tobytes() for n in range(30)}
    assert len(drawn) == 30


def test_kinds_are_mixed_by_weight():
    sample = tf.function(mask_sampler({"half": 1, "block": 3}, 8))
    blocks = sum(float(tf.reduce_mean(sample(seed(n)))) == 0.25 for n in range(400))
    # binomial(400, 3/4): mean 300, standard deviation 8.7
    assert 265 < blocks < 335


def test_the_order_of_a_mapping_does_not_change_the_masks():
    one = mask_sampler({"half": 1, "block": 2}, 8)
    other = mask_sampler({"block": 2, "half": 1}, 8)
    for number in range(8):
        np.testing.assert_array_equal(one(seed(number)), other(seed(number)))


def test_external_cuts_at_half_grey_so_that_jpeg_noise_is_no_hole(tmp_path):
    save(tmp_path / "a.png", [[0, 30, 127, 128], [255, 200, 127, 128]] * 2)
    mask = mask_sampler({"external": 1}, 4, folder=tmp_path)(seed(0))
    expected = [[0, 0, 0, 1], [1, 1, 0, 1]] * 2
    np.testing.assert_array_equal(mask[..., 0], expected)


def test_external_resizes_by_area(tmp_path):
    pixels = np.zeros((8, 8))
    pixels[:4, :4] = 255
    pixels[4, 4] = 255  # a quarter of its cell: not a hole
    save(tmp_path / "a.png", pixels)
    mask = mask_sampler({"external": 1}, 4, folder=tmp_path)(seed(0))
    expected = np.zeros((4, 4))
    expected[:2, :2] = 1
    np.testing.assert_array_equal(mask[..., 0], expected)


def test_external_takes_every_file_of_the_folder_and_below(tmp_path):
    for number, name in enumerate(["a.png", "b/c.jpg", "b/d/e.bmp"]):
        pixels = np.zeros((6, 6))
        pixels[:, 2 * number : 2 * number + 2] = 255
        save(tmp_path / name, pixels)
    (tmp_path / "notes.txt").write_text("not a mask")
    sample = mask_sampler({"external": 1}, 6, folder=tmp_path)
    drawn = {sample(seed(n)).numpy().tobytes() for n in range(40)}
    assert len(drawn) == 3


def test_external_takes_a_single_file(tmp_path):
    pixels = np.zeros((6, 6))
    pixels[:2] = 255
    save(tmp_path / "a.png", pixels)
    sample = mask_sampler({"external": 1}, 6, folder=tmp_path / "a.png")
    for number in range(3):
        np.testing.assert_array_equal(sample(seed(number))[..., 0], pixels / 255)
    (tmp_path / "a.png").write_text("not an image")
    with pytest.raises(InputError, match="a.png is not an image"):
        mask_sampler({"external": 1}, 6, folder=tmp_path / "a.png")


@pytest.mark.parametrize(
    ("kinds", "options", "words"),
    [
        ({}, {}, "got {}"),
        ({"wavy": 1}, {}, "got {'wavy': 1}"),
        ({"block": 0}, {}, "above 0 .*got {'block': 0}"),
        ({"block": float("nan")}, {}, "got {'block': nan}"),
        ({"irregular": 1}, {"hole_ratio": (0.5, 0.1)}, r"got \(0.5, 0.1\)"),
        ({"irregular": 1}, {"hole_ratio": (0.0, 0.1)}, "0 < low"),
        ({"irregular": 1}, {"hole_ratio": (0.5, 1.0)}, "high < 1"),
        ({"external": 1}, {}, "needs a mask folder"),
        ({"external": 1}, {"folder": "/nowhere/masks"}, "/nowhere/masks"),
    ],
)
def test_wrong_arguments_are_named(kinds, options, words):
    with pytest.raises(InputError, match=words) as raised:
        mask_sampler(kinds, 16, **options)
    assert "\n" not in str(raised.value)


def test_a_folder_without_masks_is_refused(tmp_path):
    (tmp_path / "readme.md").write_text("no masks here")
    with pytest.raises(InputError, match="contains no image files"):
        mask_sampler({"external": 1}, 16, folder=tmp_path)


def test_unreadable_mask_files_are_named_before_training(tmp_path):
    save(tmp_path / "good.png", np.zeros((64, 64)))
    for name in ("cut.jpg", "cut.png"):
        save(tmp_path / name, np.random.default_rng(0).integers(0, 255, (64, 64)))
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.bmp").write_bytes(b"")
    with pytest.raises(InputError, match="4 of 5 masks") as raised:
        mask_sampler({"external": 1}, 16, folder=tmp_path)
    for name in ("cut.jpg", "cut.png", "text.png", "empty.bmp"):
        assert name in str(raised.value)
    assert "good.png" not in str(raised.value)
