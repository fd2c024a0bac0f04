"""Large photos in parts: what stays as it is, and what parts change."""

import numpy as np
import pytest
from skimage import data
from skimage.feature import canny

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter, calls
from tf_edgeconnect.inference.areas import plan_areas
from tf_edgeconnect.inference.backends import Backend

COFFEE = data.coffee()  # (400, 600, 3)


def hole_of(height, width, *boxes):
    hole = np.zeros((height, width), bool)
    for top, left, bottom, right in boxes:
        hole[top:bottom, left:right] = True
    return hole


@pytest.fixture(scope="module")
def inpainter(tiny_inpainter):
    return tiny_inpainter


@pytest.fixture(scope="module")
def whole(inpainter):
    """A photo with two holes apart, and what `full` makes of it."""
    hole = hole_of(400, 600, (60, 70, 90, 120), (300, 500, 340, 530))
    return COFFEE, hole, inpainter(COFFEE, hole, large="full")


def test_auto_changes_nothing_up_to_512_x_512(inpainter, whole):
    image, hole, full = whole
    result = inpainter(image, hole)
    np.testing.assert_array_equal(result.image, full.image)
    np.testing.assert_array_equal(result.edges, full.edges)


@pytest.mark.parametrize("strategy", ["crop", "tile"])
def test_parts_differ_from_the_whole_in_the_hole_only(inpainter, whole, strategy):
    image, hole, full = whole
    result = inpainter(np.stack([image] * 2), np.stack([hole] * 2), large=strategy)
    for filled, edges in zip(*result, strict=True):
        np.testing.assert_array_equal(filled[~hole], image[~hole])
        np.testing.assert_array_equal(edges[~hole], full.edges[~hole])
        assert (filled[hole] != image[hole]).any()
        assert edges[hole].any()
    lines = inpainter.predict_edges(image, hole, large=strategy)
    np.testing.assert_array_equal(lines, edges)


@pytest.mark.parametrize("strategy", ["full", "crop", "tile"])
def test_paint_fills_the_same_without_edges(inpainter, whole, strategy):
    image, hole, _ = whole
    given = np.where(np.eye(400, 600, 20, bool), np.uint8(255), np.uint8(0))
    for edges in (None, given):
        with_edges = inpainter(image, hole, edges, large=strategy)
        painted = inpainter.paint(image, hole, edges, large=strategy)
        np.testing.assert_array_equal(painted, with_edges.image)


def test_paint_shows_canny_the_crops_alone(inpainter, whole, monkeypatch):
    image, hole, _ = whole
    monkeypatch.setattr(calls, "known_edges", None)
    inpainter.paint(image, hole, large="crop")
    with pytest.raises(TypeError):
        inpainter(image, hole, large="crop")


def test_a_crop_that_is_the_whole_photo_fills_like_full(inpainter):
    image, hole = COFFEE[:200, :220], hole_of(200, 220, (80, 90, 110, 140))
    cropped, full = (inpainter(image, hole, large=how) for how in ("crop", "full"))
    np.testing.assert_array_equal(cropped.image, full.image)
    np.testing.assert_array_equal(cropped.edges, full.edges)


def test_a_small_hole_is_filled_from_its_own_crop(inpainter):
    image = COFFEE
    hole = hole_of(400, 600, (192, 288, 208, 304))
    (area,) = plan_areas(hole, "crop")
    assert area.box.size == (256, 256)
    alone = inpainter(image[area.box.slices], hole[area.box.slices], large="full")
    result = inpainter(image, hole, large="crop")
    np.testing.assert_array_equal(
        result.image[area.box.slices][hole[area.box.slices]],
        alone.image[hole[area.box.slices]],
    )


def test_a_thick_hole_is_filled_at_a_reduced_scale(inpainter):
    hole = hole_of(400, 600, (50, 100, 350, 400))
    (area,) = plan_areas(hole, "crop")
    assert area.factor == 2
    result = inpainter(COFFEE, hole, large="crop")
    np.testing.assert_array_equal(result.image[~hole], COFFEE[~hole])
    inside = result.image[60:340, 110:390].astype(int)
    # Twice as large, so neighbours differ half as much as in the run itself.
    near = np.abs(np.diff(inside, axis=0)).mean()
    far = np.abs(inside[2:] - inside[:-2]).mean()
    assert near < 0.75 * far


@pytest.mark.parametrize("strategy", ["crop", "tile"])
def test_given_edges_are_followed_in_the_hole_of_every_part(inpainter, whole, strategy):
    image, hole, full = whole
    given = np.zeros(hole.shape, np.uint8)
    given[75], given[320] = 255, 99
    result = inpainter(image, hole, given, large=strategy)
    np.testing.assert_array_equal(result.edges[hole], given[hole])
    np.testing.assert_array_equal(result.edges[~hole], full.edges[~hole])


@pytest.mark.parametrize("strategy", ["crop", "tile"])
def test_without_a_hole_nothing_runs(inpainter, strategy):
    image, none = COFFEE[:100, :90], np.zeros((100, 90), bool)
    result, full = (inpainter(image, none, large=how) for how in (strategy, "full"))
    np.testing.assert_array_equal(result.image, image)
    np.testing.assert_array_equal(result.edges, full.edges)


def test_strips_give_the_edges_of_the_whole_photo(inpainter, monkeypatch):
    monkeypatch.setattr(calls, "STRIP_PIXELS", 600 * 90)
    image, none = COFFEE, np.zeros((400, 600), bool)
    edges = inpainter(image, none, large="tile").edges
    gray = (image / np.float32(255)) @ np.float32([0.2125, 0.7154, 0.0721])
    np.testing.assert_array_equal(edges > 0, canny(gray, 2))


def test_published_runs_whole_only(inpainter, whole):
    image, hole, _ = whole
    image, hole = image[:40, :40], hole_of(40, 40, (9, 9, 19, 19))
    for strategy in ("crop", "tile"):
        with pytest.raises(InputError, match=f"published runs .* '{strategy}'"):
            inpainter(image, hole, published=True, large=strategy)
    with pytest.raises(InputError, match="one of auto, full, crop, tile, got 'x'"):
        inpainter(image, hole, large="x")


class OneAtATime(Backend):
    """Takes 16 x 16 pixels at once; paints the mean of what it sees, and no edges."""

    description = "a stand-in"
    size, max_pixels = 16, 256
    memory = True

    def fill(self, images, masks, edges=None):
        assert images.shape == (1, 16, 16, 3) and masks.shape == (1, 16, 16, 1)
        if not self.memory:
            raise MemoryError
        return np.where(masks, np.uint8(images.mean()), images), None

    def predict_edges(self, images, masks):
        assert images.shape == (1, 16, 16, 3)
        return np.uint8(90) * masks

    def known_edges(self, images, masks):
        return np.uint8(255) * ~masks


def test_a_backend_is_given_no_more_than_it_takes():
    image = np.full((2, 40, 21, 3), 50, np.uint8)
    mask = np.zeros((2, 40, 21), bool)
    mask[:, 3:9, 2:7] = mask[0, 30:36, 12:18] = True
    for large in ("auto", "crop", "tile"):
        result = Inpainter(OneAtATime())(image, mask, large=large)
        np.testing.assert_array_equal(result.image, image)
        np.testing.assert_array_equal(result.edges, np.where(mask, 90, 255))
    with pytest.raises(InputError, match="runs on 16 x 16 pixels at most.*21 x 40"):
        Inpainter(OneAtATime())(image, mask, large="full")
    small = image[0, :9, :5], mask[0, :9, :5]
    np.testing.assert_array_equal(Inpainter(OneAtATime())(*small).image, small[0])


def test_a_photo_of_the_size_that_a_backend_takes_runs_whole():
    class Inverting(OneAtATime):
        size, max_pixels = 64, 64**2

        def fill(self, images, masks, edges=None):
            return np.where(masks, 255 - images, images), None

    image, mask = COFFEE[:64, :64], np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True  # so thick that it is reduced in a larger photo
    filled = Inpainter(Inverting()).paint(image, mask)
    expected = np.where(mask[..., None], 255 - image, image)
    np.testing.assert_array_equal(filled, expected)


def test_exhausted_memory_is_one_line():
    backend = OneAtATime()
    backend.memory = False
    with pytest.raises(InputError, match="photo of 12 x 16 needs more memory"):
        Inpainter(backend).paint(np.zeros((16, 12, 3), np.uint8), np.eye(16, 12) > 0)
