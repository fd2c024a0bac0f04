"""How areas are run, joined and brought back."""

import numpy as np
import pytest

from tf_edgeconnect.inference.areas import Area, Box, plan_areas
from tf_edgeconnect.inference.painting import paint, reduced, tiles

RNG = np.random.default_rng(3)


def photo(height, width, channels=3):
    return RNG.integers(0, 256, (height, width, channels), np.uint8)


def blob(height, width, *box):
    hole = np.zeros((height, width), bool)
    hole[box[0] : box[2], box[1] : box[3]] = True
    return hole


def planes(image, hole, *edges):
    return np.dstack([image, np.uint8(255) * hole, *edges])


def answering(value, seen=None):
    """A run that paints one colour."""

    def run(images, masks, edges):
        if seen is not None:
            seen.append((images, masks, edges))
        return np.full_like(images, value)

    return run


@pytest.mark.parametrize(("length", "side"), [(700, 512), (513, 512), (6000, 256)])
def test_tiles_cover_and_their_weights_sum_to_one(length, side):
    along = tiles(length, side)
    total = np.sum([weights for _, weights in along], axis=0)
    np.testing.assert_allclose(total, 1, atol=1e-6)
    assert along[0][0] == 0 and along[-1][0] == length - side
    for start, weights in along:
        assert not weights[:start].any() and not weights[start + side :].any()
        # Nothing counts within a sixteenth of a border inside the photo.
        if start:
            assert not weights[start : start + side // 16].any()
        assert np.abs(np.diff(weights)).max() <= 1.01 / (side // 8)


def test_a_length_of_at_most_a_side_is_one_tile():
    ((start, weights),) = tiles(300, 512)
    assert start == 0 and (weights == 1).all() and len(weights) == 300


@pytest.mark.parametrize("large", ["crop", "tile"])
@pytest.mark.parametrize("side", [96, 512])
def test_only_hole_pixels_are_painted(large, side):
    image = photo(330, 270)
    hole = RNG.random((330, 270)) > 0.999
    hole[100:180, 150:269] = True
    canvas = image.copy()
    paint(
        canvas, planes(image, hole), plan_areas(hole, large, side), answering(7), side
    )
    np.testing.assert_array_equal(canvas[~hole], image[~hole])
    assert (canvas[hole] == 7).all()


def test_one_run_is_never_larger_than_asked():
    hole = RNG.random((500, 600)) > 0.99
    seen = []
    for large in ("crop", "tile"):
        areas = plan_areas(hole, large, 128)
        paint(
            photo(500, 600),
            planes(photo(500, 600), hole),
            areas,
            answering(0, seen),
            128,
        )
    assert (
        max(images.shape[0] * images.shape[1] * images.shape[2] for images, *_ in seen)
        <= 128**2
    )
    assert all(masks.any(axis=(1, 2)).all() for _, masks, _ in seen)


def test_regions_are_counted_as_they_run():
    hole = blob(200, 500, 4, 4, 190, 490)
    areas, seen = plan_areas(hole, "tile", 96), []
    whole = planes(photo(200, 500), hole)
    paint(
        whole[..., :3], whole, areas, answering(9), 96, lambda *told: seen.append(told)
    )
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert {of for _, of in seen} == {len(seen)} and len(seen) > 3


def test_equal_crops_share_a_run():
    hole = blob(900, 900, 100, 100, 110, 110) | blob(900, 900, 890, 890, 900, 900)
    image, seen = photo(900, 900), []
    paint(
        image.copy(), planes(image, hole), plan_areas(hole, "crop"), answering(0, seen)
    )
    ((images, masks, edges),) = seen
    assert images.shape == (2, 256, 256, 3) and edges is None
    np.testing.assert_array_equal(images[0], image[:256, :256])
    np.testing.assert_array_equal(masks[1, ..., 0], hole[-256:, -256:])


def test_tiles_of_different_brightness_join_without_a_step():
    brightness = iter(range(20, 250, 40))

    def run(images, masks, edges):
        return np.full_like(images, next(brightness))

    canvas = np.zeros((128, 700, 3), np.uint8)
    hole = np.ones((128, 700), bool)
    paint(canvas, planes(canvas.copy(), hole), plan_areas(hole, "tile", 256), run, 256)
    row = canvas[64, :, 0].astype(int)
    assert row[0] == 20 and row[-1] > 100
    # 40 levels over the 32 pixels of a fade, and one of rounding.
    assert np.abs(np.diff(row)).max() <= 3


def test_a_reduced_area_averages_colours_and_hides_what_has_a_hole_in_it():
    image = photo(8, 8)
    hole = blob(8, 8, 3, 3, 4, 6)
    given = np.zeros((8, 8), np.uint8)
    given[:, 5] = 200
    small = reduced(planes(image, hole, given), 4)
    expected = image[4:, :4].reshape(16, 3).mean(0).round()
    np.testing.assert_array_equal(small[1, 0, :3], expected)
    np.testing.assert_array_equal(small[..., 3], [[255, 255], [0, 0]])
    np.testing.assert_array_equal(small[..., 4], [[0, 200], [0, 200]])


def test_sides_that_are_no_multiple_of_the_factor_repeat_their_border():
    image = np.full((5, 7, 3), 90, np.uint8)
    small = reduced(planes(image, blob(5, 7, 4, 6, 5, 7)), 4)
    assert (small[..., :3] == 90).all() and small.shape == (2, 2, 4)
    np.testing.assert_array_equal(small[..., 3], [[0, 0], [0, 255]])


def test_a_reduced_area_comes_back_linearly_between_centres():
    # Centres of reduced pixels lie at 1.5, 5.5, ... of the photo's pixels.
    ramp = np.broadcast_to(np.uint8([0, 40, 80, 120])[:, None], (1, 4, 4, 3))
    area = Area(Box(0, 0, 16, 16), Box(0, 0, 16, 16), 4)
    canvas = np.zeros((16, 16, 3), np.uint8)
    whole = planes(canvas.copy(), np.ones((16, 16), bool))
    paint(canvas, whole, [area], lambda *_: ramp.swapaxes(1, 2))
    expected = np.clip((np.arange(16) - 1.5) * 10, 0, 120)
    np.testing.assert_allclose(canvas[:, 3, 0], expected, atol=0.5)
