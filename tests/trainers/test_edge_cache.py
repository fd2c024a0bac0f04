"""`data.cache_edges` in a run: the same batches, and what a dry run says of it."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tests.trainers.tiny_run import config
from tf_edgeconnect.data.index import open_source
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.run_data import training_batches
from tf_edgeconnect.trainers.run_summary import describe

KEEP = "data.cache_edges=true"


def batches(run_dir, *overrides):
    made = training_batches(
        config(*overrides),
        open_source("sample:"),
        0,
        tf.distribute.InputContext(),
        run_dir,
    )
    return list(itertools.islice(made.as_numpy_iterator(), 3))


def test_batches_are_the_same_and_edges_lie_in_the_run(tmp_path):
    plain = batches(tmp_path / "plain")
    for _ in range(2):  # found, then read
        kept = batches(tmp_path / "kept", KEEP)
        for one, other in zip(plain, kept, strict=True):
            for name in one:
                np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    assert not (tmp_path / "plain").exists()
    (folder,) = (tmp_path / "kept" / "edges").iterdir()
    assert folder.name.endswith("-sigma2-24")


def test_a_dry_run_tells_how_much_is_kept(tmp_path):
    lines = []
    describe("edge", config(KEEP), tmp_path / "run", lines.append)
    assert lines[-1].startswith("edge cache: up to 0.")
    assert " files, in " in lines[-1] and str(tmp_path / "run" / "edges") in lines[-1]


def test_a_dry_run_refuses_what_cannot_be_kept(tmp_path):
    with pytest.raises(InputError, match=r"one edge\.sigma above 0, which is 0 here"):
        describe("edge", config(KEEP, "edge.sigma=0"), tmp_path, lambda line: None)


def test_random_crops_are_refused_with_the_settings():
    with pytest.raises(InputError, match=r"data\.cache_edges.*data\.crop is random"):
        config(KEEP, "data.crop=random")
