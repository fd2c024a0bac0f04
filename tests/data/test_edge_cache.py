"""Kept edges: the same stream, files that are read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.data.edge_cache import cache_bytes, kept_edges
from tf_edgeconnect.data.edge_files import EdgeOptions
from tf_edgeconnect.data.pipeline import build_dataset
from tf_edgeconnect.edges.exact import canny
from tf_edgeconnect.errors import InputError

SIZE = 24


def stream(source, count, **options):
    options = {"size": SIZE, "masks": {"block": 1.0}} | options
    batches = build_dataset(source, batch_size=1, **options).take(count)
    return list(batches.as_numpy_iterator())


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_stream_with_kept_edges_is_the_one_without(photo_folder, tmp_path):
    folder, keep = photo_folder(5), tmp_path / "kept"
    plain = stream(folder, 20)
    assert {bool(example["edge"].any()) for example in plain} == {True}
    for count in (7, 20):  # the first stops early, the second goes on from its files
        kept = stream(folder, count, edges=EdgeOptions(keep=keep))
        for one, other in zip(plain, kept, strict=False):
            for name in one:
                np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert len(files(keep)) == 5
    held = sum(path.stat().st_size for path in files(keep))
    assert held == cache_bytes(5, SIZE)


def test_what_a_file_holds_is_read(tmp_path):
    ones, zeros = tf.ones((8, 8, 1)), tf.zeros((8, 8, 1))
    checkers = tf.cast(tf.reshape(tf.range(64) % 3 == 0, (8, 8, 1)), tf.float32)
    index = tf.constant(4321, tf.int64)
    for edges in (checkers, ones, zeros):  # found once, then read
        found = kept_edges(tmp_path, index, 8, lambda edges=edges: edges)
        np.testing.assert_array_equal(found, checkers)
    assert files(tmp_path) == [tmp_path / "4" / "321"]


def test_a_file_cut_short_is_made_again(tmp_path):
    index = tf.constant(0, tf.int64)
    kept_edges(tmp_path, index, 8, lambda: tf.ones((8, 8, 1)))
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    found = kept_edges(tmp_path, index, 8, lambda: tf.ones((8, 8, 1)))
    assert found.numpy().all() and path.read_bytes() == whole


def test_canny_knows_no_left_and_right(photo):
    gray = photo(40, 56)[..., :1].astype(np.float32) / 255
    mirrored = canny(gray[:, ::-1])
    assert mirrored.numpy().any()
    np.testing.assert_array_equal(mirrored[:, ::-1], canny(gray))


@pytest.mark.parametrize(
    ("edges", "options", "words"),
    [
        ({}, {"crop": "random"}, "data.crop=center"),
        ({}, {"service": "localhost:1"}, "tf.data service"),
        ({"sigma": 0}, {}, "edge.sigma above 0, which is 0"),
        ({"sigma": -1}, {}, "which is -1"),
        ({"folder": "."}, {}, "edge.source is external"),
    ],
)
def test_what_differs_each_time_is_refused(
    photo_folder, tmp_path, edges, options, words
):
    with pytest.raises(InputError, match=words):
        edges = EdgeOptions(keep=tmp_path, **edges)
        build_dataset(photo_folder(2), size=SIZE, edges=edges, **options)


def test_a_folder_that_reads_as_a_pattern_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must not hold any of \* \? \[ \] \\"):
        kept_edges(tmp_path / "run[1]", tf.constant(0), 8, lambda: tf.ones((8, 8, 1)))
