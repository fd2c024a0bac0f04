"""Where the networks look: groups of holes, scales, boxes."""

import numpy as np
import pytest
from scipy import ndimage

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.areas import choose, plan_areas


def holes(height, width, *boxes):
    hole = np.zeros((height, width), bool)
    for top, left, bottom, right in boxes:
        hole[top:bottom, left:right] = True
    return hole


def scattered(seed, count=40, shape=(700, 900)):
    rng = np.random.default_rng(seed)
    hole = np.zeros(shape, bool)
    for _ in range(count):
        top, left = rng.integers(0, shape)
        height, width = rng.integers(1, 60, 2)
        hole[top : top + height, left : left + width] = True
    return hole


def test_auto_runs_a_photo_whole_up_to_the_pixels_of_one_run():
    assert choose((512, 512), "auto") == "full"
    assert choose((256, 1024), "auto") == "full"
    assert choose((512, 513), "auto") == "crop"
    assert choose((512, 512), "auto", side=256) == "crop"
    assert choose((9, 9), "tile") == "tile"
    with pytest.raises(InputError, match="one of auto, full, crop, tile, got 'half'"):
        choose((9, 9), "half")


def test_small_holes_apart_get_a_crop_each_of_the_trained_side():
    hole = holes(
        2000, 3000, (300, 400, 380, 500), (1500, 2500, 1600, 2600), (0, 0, 9, 9)
    )
    areas = plan_areas(hole, "crop")
    assert [area.box.size for area in areas] == [(256, 256)] * 3
    assert {area.factor for area in areas} == {1}
    assert areas[0].box[:2] == (0, 0)  # moved to lie inside the photo


def test_close_holes_share_an_area():
    (area,) = plan_areas(
        holes(900, 900, (400, 300, 410, 310), (420, 400, 430, 410)), "crop"
    )
    assert area.box.size == (256, 256)


@pytest.mark.parametrize(("side", "factor"), [(192, 1), (208, 2), (384, 2), (1000, 6)])
def test_a_thick_hole_is_seen_at_a_scale_that_brings_its_middle_in_sight(side, factor):
    hole = holes(3000, 3000, (800, 800, 800 + side, 800 + side))
    (area,) = plan_areas(hole, "crop")
    assert area.factor == factor
    height, width = area.run_size
    assert side / factor + 2 * 64 <= height == width <= 512
    assert area.box.size == (height * factor, width * factor)


def test_a_long_thin_hole_keeps_its_scale():
    (area,) = plan_areas(holes(1000, 4000, (500, 100, 510, 3900)), "crop")
    assert area.factor == 1 and area.box.size == (256, 3936)


def test_a_hole_over_the_whole_photo_is_one_area():
    (area,) = plan_areas(np.ones((500, 1000), bool), "crop")
    assert area.box == area.inner == (0, 0, 500, 1000)


def test_tile_takes_all_holes_as_one_area_at_the_photos_scale():
    (area,) = plan_areas(
        holes(3000, 3000, (9, 9, 1500, 1500), (1600, 7, 1610, 9)), "tile"
    )
    assert area.factor == 1 and area.inner == (9, 7, 1610, 1500)


def test_without_a_hole_there_is_no_area():
    for large in ("crop", "tile"):
        assert plan_areas(np.zeros((40, 40), bool), large) == []


@pytest.mark.parametrize("seed", range(4))
def test_inner_boxes_hold_every_hole_pixel_once_and_lie_in_their_surroundings(seed):
    hole = scattered(seed)
    areas = plan_areas(hole, "crop")
    count = np.zeros(hole.shape, int)
    for box, inner, factor in areas:
        count[inner.slices] += 1
        assert box.top <= inner.top and box.left <= inner.left
        assert box.bottom >= inner.bottom and box.right >= inner.right
        for low, high, whole in [(0, 2, 700), (1, 3, 900)]:
            assert inner[low] - box[low] >= 64 * factor or box[low] == 0
            assert box[high] - inner[high] >= 64 * factor or box[high] == whole
    assert (count[hole] == 1).all() and count.max() == 1


@pytest.mark.parametrize("seed", range(4))
def test_no_connected_hole_is_split(seed):
    hole = scattered(seed)
    labels, count = ndimage.label(hole, np.ones((3, 3)))
    inner = [area.inner for area in plan_areas(hole, "crop")]
    for part in ndimage.find_objects(labels, count):
        top, left = (axis.start for axis in part)
        bottom, right = (axis.stop for axis in part)
        assert any(
            b.top <= top and b.left <= left and bottom <= b.bottom and right <= b.right
            for b in inner
        )
