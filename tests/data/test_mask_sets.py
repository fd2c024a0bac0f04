"""Sets of masks with exact hole ratios."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tf_edgeconnect.data.mask_sets import (
    MaskDrawer,
    MaskSpec,
    check_mask_folder,
    plan_masks,
    write_mask_folder,
)
from tf_edgeconnect.errors import InputError

BINS = (0.0, 0.1, 0.35, 0.6)


def draw(size, count=4, seed=0, **options):
    specs = plan_masks(size, count, BINS, **options)
    drawer = MaskDrawer(size, seed)
    return [(spec, drawer(spec, number)) for number, spec in enumerate(specs)]


@pytest.mark.parametrize("size", [(64, 64), (40, 72)])
def test_each_mask_has_its_pixels_and_its_ratio_lies_inside_its_bin(size):
    for spec, mask in draw(size):
        assert mask.shape == size and mask.dtype == bool
        assert mask.sum() == spec.pixels
        assert spec.bin[0] < mask.mean() < spec.bin[1]


def test_holes_touch_the_border_or_keep_clear_of_it():
    for spec, mask in draw((64, 64)):
        # Distance to outside: 1 in the outermost row.
        distance = ndimage.distance_transform_cdt(np.pad(np.ones_like(mask), 1))
        nearest = distance[1:-1, 1:-1][mask].min()
        # 50 of 512 is 6.25 of 64: six rows stay clear.
        assert nearest == 1 if spec.border == "touching" else nearest > 6


@pytest.mark.parametrize(("count", "shares"), [(4, (2, 2)), (5, (3, 2))])
def test_every_bin_gets_as_many_masks_half_of_them_at_the_border(count, shares):
    specs = plan_masks((64, 64), count, BINS)
    for low in BINS[:-1]:
        borders = [spec.border for spec in specs if spec.bin[0] == low]
        assert (borders.count("touching"), borders.count("clear")) == shares


def test_ratios_spread_evenly_over_a_bin():
    specs = plan_masks((100, 100), 5, (0.2, 0.3), ["clear"])
    assert [spec.pixels for spec in specs] == [2100, 2300, 2500, 2700, 2900]


def test_a_name_tells_bin_and_border():
    names = [spec.name for spec in plan_masks((64, 64), 2, (0.125, 0.25))]
    assert names == ["12.5-25_touching_001", "12.5-25_clear_001"]


def test_the_same_seed_draws_the_same_masks_and_another_others():
    one, again, other = (
        np.stack([mask for _, mask in draw((64, 64), seed=seed)]) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert all((a != b).any() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": (0.5, 0.95), "borders": ["clear"]}, "at most 0.6"),
        ({"bins": (0.5, 0.5001)}, "no mask of 64x64"),
        ({"bins": (0.3, 0.2)}, "ascending numbers"),
        ({"bins": (0.3, 1.2)}, "from 0 to 1"),
        ({"count": 1}, "--count must be at least 2"),
        ({"size": (8, 64)}, "at least 12 pixels"),
        ({"size": (20_000, 20_000)}, "100 megapixels"),
    ],
)
def test_impossible_demands_are_refused_with_what_is_possible(options, message):
    with pytest.raises(InputError, match=message):
        plan_masks(**{"size": (64, 64), "count": 4, "bins": BINS, **options})


SPEC = MaskSpec("10-20_clear_001", (0.1, 0.2), "clear", 3)
MASK = np.arange(20).reshape(4, 5) < 3


def test_a_folder_holds_binary_pngs_and_an_index(tmp_path):
    write_mask_folder(tmp_path / "out", [(SPEC, MASK)], {"seed": 7})
    index = json.loads((tmp_path / "out" / "index.json").read_text())
    entry = {"file": "10-20_clear_001.png", "bin": [0.1, 0.2], "border": "clear"}
    assert index == {"seed": 7, "masks": [{**entry, "hole_ratio": 0.15}]}
    with Image.open(tmp_path / "out" / entry["file"]) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        np.testing.assert_array_equal(image, np.where(MASK, 255, 0))


def test_a_set_is_replaced_only_when_asked_and_nothing_else_ever(tmp_path):
    other = SPEC._replace(name="other")
    write_mask_folder(tmp_path / "out", [(SPEC, MASK)], {})
    with pytest.raises(InputError, match="--overwrite"):
        write_mask_folder(tmp_path / "out", [(other, MASK)], {})
    write_mask_folder(tmp_path / "out", [(other, MASK)], {}, overwrite=True)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"other.png", "index.json"}
    (tmp_path / "out" / "mine.png").write_bytes(b"")
    with pytest.raises(InputError, match="mine.png"):
        check_mask_folder(tmp_path / "out", overwrite=True)


def test_a_set_that_fails_half_way_leaves_what_was_there(tmp_path):
    def masks():
        yield SPEC, MASK
        raise OSError("no space")

    write_mask_folder(tmp_path / "out", [(SPEC, MASK)], {"seed": 1})
    with pytest.raises(OSError, match="no space"):
        write_mask_folder(tmp_path / "out", masks(), {"seed": 2}, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert json.loads((tmp_path / "out" / "index.json").read_text())["seed"] == 1
