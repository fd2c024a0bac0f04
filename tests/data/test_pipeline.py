"""Batches: their contents, their order, resuming, shards, and photos that fail."""

import itertools

import numpy as np
import pytest
import skimage
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.edge_files import EdgeOptions
from tf_edgeconnect.data.examples import MAX_ATTEMPTS
from tf_edgeconnect.data.pipeline import build_dataset
from tf_edgeconnect.data.source import shuffled_index
from tf_edgeconnect.data.sources import open_source

SIZE = 16
MASKS = {"block": 1.0}
NO_EDGES = EdgeOptions(sigma=-1)  # quick to trace, where edges do not matter


def examples(source, count: int | None, **options) -> list[dict]:
    """The first examples of a stream, one by one, as NumPy."""
    options = {"size": SIZE, "masks": MASKS, "edges": NO_EDGES} | options
    batches = build_dataset(source, batch_size=1, **options)
    found = itertools.islice(batches.as_numpy_iterator(), count)
    return [{key: value[0] for key, value in batch.items()} for batch in found]


def assert_same(ones: list[dict], others: list[dict]) -> None:
    assert len(ones) == len(others)
    for one, other in zip(ones, others, strict=True):
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)


def positions(found: list[dict]) -> list[int]:
    return [int(example["position"]) for example in found]


@pytest.mark.parametrize("training", [True, False])
def test_a_batch_has_the_shapes_types_and_ranges_of_the_contract(
    photo_folder, training
):
    dataset = build_dataset(
        photo_folder(5), size=SIZE, batch_size=2, masks=MASKS, training=training
    )
    batch = next(iter(dataset))
    channels = {"image": 3, "gray": 1, "edge": 1, "mask": 1}
    assert batch.keys() == channels.keys() | {"draw", "position", "skipped"}
    for name, count in channels.items():
        assert batch[name].dtype == tf.float32
        assert batch[name].shape == (2, SIZE, SIZE, count)
        assert dataset.element_spec[name].shape[1:] == (SIZE, SIZE, count)
        assert 0 <= batch[name].numpy().min() <= batch[name].numpy().max() <= 1
    assert set(np.unique(batch["mask"])) == {0, 1}
    assert set(np.unique(batch["edge"])) <= {0, 1}
    assert batch["draw"].dtype == tf.float32 and batch["draw"].shape == (2,)
    for name in ("position", "skipped"):
        assert batch[name].dtype == tf.int64 and batch[name].shape == (2,)


def test_an_example_is_the_resized_centre_its_grey_and_its_canny_edges(photo_folder):
    source = open_source(photo_folder(2))
    for example in examples(source, None, training=False, edges=EdgeOptions()):
        pixels = source.read(tf.constant(example["position"])).numpy()
        side = min(pixels.shape[:2])
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        cut = pixels[top : top + side, left : left + side].astype(np.float32) / 255
        planes = [
            Image.fromarray(cut[..., c]).resize((SIZE, SIZE), Image.BILINEAR)
            for c in range(3)
        ]
        np.testing.assert_allclose(example["image"], np.stack(planes, -1), atol=1e-5)
        gray = skimage.color.rgb2gray(example["image"])
        np.testing.assert_allclose(example["gray"][..., 0], gray, atol=1e-6)
        edge = skimage.feature.canny(example["gray"][..., 0], sigma=2)
        np.testing.assert_array_equal(example["edge"][..., 0], edge)


def test_two_streams_of_one_seed_agree_bit_for_bit(photo_folder):
    source = open_source(photo_folder(5))
    options = {
        "crop": "random",
        "masks": {"irregular": 1.0, "block": 1.0},
        "edges": EdgeOptions(),
    }
    ones, others = (examples(source, 12, seed=4, **options) for _ in range(2))
    assert_same(ones, others)


def test_two_streams_agree_under_op_determinism(photo_folder):
    source = open_source(photo_folder(5))
    plain = examples(source, 7, crop="random")
    tf.config.experimental.enable_op_determinism()
    try:
        assert_same(plain, examples(source, 7, crop="random"))
    finally:
        from tensorflow.python.framework import config

        config.disable_op_determinism()


def test_another_seed_gives_another_order_and_other_masks(photo_folder):
    source = open_source(photo_folder(8))
    ones, others = (examples(source, 8, seed=seed) for seed in (0, 1))
    for name in ("image", "mask"):
        assert [e[name].tobytes() for e in ones] != [e[name].tobytes() for e in others]


def test_a_stream_from_position_k_equals_the_rest_of_the_whole(photo_folder):
    source = open_source(photo_folder(5))
    whole = examples(source, 14, crop="random")
    assert positions(whole) == list(range(14))
    assert_same(examples(source, 7, crop="random", start=7), whole[7:])


def test_shards_deal_out_the_positions_of_the_whole(photo_folder):
    source = open_source(photo_folder(5))
    whole = examples(source, 12)
    parts = [examples(source, 6, shard=(index, 2)) for index in range(2)]
    assert_same([e for pair in zip(*parts, strict=True) for e in pair], whole)


@pytest.mark.parametrize("start, expected", [(0, [2, 5, 8]), (5, [5, 8, 11])])
def test_position_i_belongs_to_shard_i_modulo_count(photo_folder, start, expected):
    found = examples(photo_folder(2), 3, shard=(2, 3), start=start)
    assert positions(found) == expected


def test_an_epoch_shows_every_photo_once(photo_folder):
    source = open_source(photo_folder(6))
    found = examples(source, 6, flip=False)
    in_order = examples(source, None, training=False)
    images = {example["image"].tobytes() for example in found}
    assert images == {example["image"].tobytes() for example in in_order}


def test_half_of_the_training_examples_are_flipped(photo_folder):
    source = open_source(photo_folder(1))
    upright = examples(source, 1, training=False)[0]["image"]
    flips = []
    for example in examples(source, 60):
        flipped = np.array_equal(example["image"], upright[:, ::-1])
        assert flipped or np.array_equal(example["image"], upright)
        flips.append(flipped)
    assert 15 < sum(flips) < 45  # 60 fair draws: 30, standard deviation 3.9


def test_random_crops_of_one_photo_differ_and_masks_too(photo_folder):
    found = examples(photo_folder(1), 6, crop="random", flip=False)
    assert len({example["image"].tobytes() for example in found}) == 6
    assert len({example["mask"].tobytes() for example in found}) > 2


def test_validation_is_one_pass_in_order_with_fixed_masks(photo_folder):
    source = open_source(photo_folder(5))
    options = {"training": False, "crop": "random", "flip": True}
    ones, others = (examples(source, None, **options) for _ in range(2))
    assert positions(ones) == list(range(5))
    assert_same(ones, others)
    assert len({example["mask"].tobytes() for example in ones}) > 1
    assert positions(examples(source, None, training=False, shard=(1, 2))) == [1, 3]
    assert positions(examples(source, None, training=False, start=7)) == []


@pytest.mark.parametrize("drop, sizes", [(False, [2, 2, 1]), (True, [2, 2])])
def test_the_last_batch_of_a_pass_is_kept_unless_dropped(photo_folder, drop, sizes):
    batches = build_dataset(
        photo_folder(5),
        size=SIZE,
        batch_size=2,
        masks=MASKS,
        edges=NO_EDGES,
        training=False,
        drop_remainder=drop,
    )
    assert [len(batch["position"]) for batch in batches] == sizes


def test_a_photo_that_fails_at_decode_is_replaced_counted_and_named(
    photo_folder, cut_jpeg
):
    folder = photo_folder(4)
    (folder / "cut1.jpg").write_bytes(cut_jpeg)
    (folder / "cut2.jpg").write_bytes(cut_jpeg)
    source = open_source(folder)
    assert len(source) == 6  # their headers are good
    fine = {e["image"].tobytes(): source.name(int(e["position"])) for e in
            examples(source, None, training=False)}  # fmt: skip
    seen_skipped = []
    for example in examples(source, 18, flip=False):  # three epochs
        position, skipped = int(example["position"]), int(example["skipped"])
        tried = [
            source.name(int(shuffled_index(position, 6, 0, attempt)))
            for attempt in range(skipped + 1)
        ]
        assert fine[example["image"].tobytes()] == tried[-1]
        assert source.skipped_names(position, skipped, seed=0) == tried[:-1]
        assert {name[:3] for name in tried[:-1]} <= {"cut"}
        seen_skipped.append(skipped)
    # Each of the two is met once an epoch, and one of them maybe from the other.
    for epoch in range(3):
        assert 2 <= sum(seen_skipped[6 * epoch : 6 * epoch + 6]) <= 3


def test_a_stream_with_failing_photos_still_resumes_exactly(photo_folder, cut_jpeg):
    folder = photo_folder(3)
    (folder / "cut.jpg").write_bytes(cut_jpeg)
    source = open_source(folder)
    whole = examples(source, 12, crop="random")
    assert_same(examples(source, 7, crop="random", start=5), whole[5:])


@pytest.mark.parametrize("cores", [2, 64])
def test_a_batch_of_good_and_failing_photos_is_that_of_single_ones(
    photo_folder, cut_jpeg, cores, monkeypatch
):
    folder = photo_folder(5)
    (folder / "cut.jpg").write_bytes(cut_jpeg)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    options = {"crop": "random", "shard": (1, 2)}
    single = examples(folder, 12, **options)
    batches = build_dataset(
        folder, batch_size=4, size=SIZE, masks=MASKS, edges=NO_EDGES, **options
    )
    found = [
        {name: values[row] for name, values in batch.items()}
        for batch in itertools.islice(batches.as_numpy_iterator(), 3)
        for row in range(4)
    ]
    assert 0 < sum(int(example["skipped"]) > 0 for example in single) < 12
    assert_same(found, single)


def test_validation_leaves_out_a_photo_that_fails_at_decode(photo_folder, cut_jpeg):
    folder = photo_folder(3)
    (folder / "01a.jpg").write_bytes(cut_jpeg)
    found = examples(folder, None, training=False)
    assert positions(found) == [0, 1, 3]
    assert [int(example["skipped"]) for example in found] == [0, 0, 0]


def test_a_file_that_vanished_after_the_scan_is_skipped(photo_folder):
    folder = photo_folder(3)
    source = open_source(folder)
    (folder / "01.jpg").unlink()
    assert sum(int(e["skipped"]) for e in examples(source, 3)) >= 1


@pytest.mark.parametrize("count", [2, 20])
def test_training_stops_when_nothing_can_be_decoded(photo_folder, count):
    folder = photo_folder(count)
    source = open_source(folder)
    for file in folder.iterdir():
        file.unlink()
    attempts = min(count, MAX_ATTEMPTS)
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"{attempts} photos in"):
        examples(source, 1)


def test_masks_and_the_source_may_be_given_ready_made(photo_folder):
    source = open_source(photo_folder(2))
    whole = lambda seed: tf.ones((SIZE, SIZE, 1))  # noqa: E731
    assert np.all(examples(source, 1, masks=whole)[0]["mask"] == 1)


def test_a_mask_function_may_branch_on_tensors(photo_folder):
    def by_seed(seed):
        if seed[0] % 2 == 0:
            mask = tf.zeros((SIZE, SIZE, 1))
        else:
            mask = tf.ones((SIZE, SIZE, 1))
        return mask

    found = examples(photo_folder(1), 12, masks=by_seed)
    assert {float(example["mask"].mean()) for example in found} == {0, 1}


def test_sigma_minus_one_gives_no_edges_and_zero_draws_a_sigma(photo_folder):
    source = open_source(photo_folder(1))
    none = examples(source, 1, edges=NO_EDGES)
    assert not none[0]["edge"].any()
    drawn = examples(source, 20, size=40, flip=False, edges=EdgeOptions(sigma=0))
    grey = drawn[0]["gray"][..., 0]
    by_sigma = {
        skimage.feature.canny(grey, sigma=sigma).tobytes(): sigma
        for sigma in (1, 2, 3, 4)
    }
    sigmas = [by_sigma[e["edge"].astype(bool).tobytes()] for e in drawn]
    assert len(set(sigmas)) > 2
    fixed = examples(source, 1, training=False, edges=EdgeOptions(sigma=0), size=40)
    two = skimage.feature.canny(fixed[0]["gray"][..., 0], sigma=2)
    np.testing.assert_array_equal(fixed[0]["edge"][..., 0], two)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"size": 18}, "multiple of 4"),
        ({"size": 8}, "at least 12"),
        ({"batch_size": 0}, "batch_size"),
        ({"start": -1}, "start"),
        ({"shard": (2, 2)}, "shard"),
        ({"seed": -3}, "seed"),
        ({"crop": "middle"}, "middle"),
    ],
)
def test_arguments_out_of_range_are_refused(photo_folder, options, words):
    with pytest.raises(ValueError, match=words):
        build_dataset(photo_folder(1), **({"size": SIZE, "masks": MASKS} | options))


def test_no_python_runs_inside_the_stream(photo_folder):
    batches = build_dataset(photo_folder(2), size=SIZE, masks=MASKS)
    definition = batches._as_serialized_graph().numpy()
    assert b"PyFunc" not in definition and b"GeneratorDataset" not in definition
