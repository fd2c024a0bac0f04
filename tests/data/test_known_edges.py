"""Lines outside the hole as filling finds them: without the hole's pixels."""

import numpy as np
import pytest
from skimage.feature import canny

from tf_edgeconnect.data.edge_files import EdgeOptions
from tf_edgeconnect.data.pipeline import build_dataset
from tf_edgeconnect.errors import InputError

SIZE = 64


def examples(source, count, **options):
    options = {"size": SIZE, "masks": {"block": 1.0}} | options
    batches = build_dataset(source, batch_size=1, **options).take(count)
    return [{k: v[0] for k, v in batch.items()} for batch in batches]


@pytest.mark.parametrize("training", [True, False])
def test_known_edges_are_scikit_images_of_the_known_region(training):
    options = dict(training=training, edges=EdgeOptions(masked=True))
    found = examples("sample:", 6, **options)
    plain = examples("sample:", 6, training=training)
    differ = 0
    for one, other in zip(found, plain, strict=True):
        for name in other:  # all else stays as it is
            np.testing.assert_array_equal(one[name], other[name])
        gray, hole = one["gray"][..., 0].numpy(), one["mask"][..., 0].numpy() > 0
        known = one["known_edge"][..., 0].numpy()
        np.testing.assert_array_equal(known, canny(gray, sigma=2, mask=~hole))
        differ += np.sum((known != one["edge"][..., 0]) & ~hole)
    assert differ  # beside the holes


def test_a_random_sigma_is_one_for_both():
    nothing = {"edges": EdgeOptions(sigma=0, masked=True)}
    nothing["masks"] = lambda seed: np.zeros((SIZE, SIZE, 1), np.float32)
    found = examples("sample:", 8, **nothing)
    for example in found:
        np.testing.assert_array_equal(example["known_edge"], example["edge"])
    assert any(example["edge"].numpy().any() for example in found)


def test_edge_maps_have_no_gap_to_leave(tmp_path):
    with pytest.raises(InputError, match="masked needs Canny edges"):
        EdgeOptions(folder=tmp_path, masked=True)
