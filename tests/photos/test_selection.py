"""Outlines of things, compared with polygons that a person drew."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage import data

from tf_edgeconnect.photos.selection import Stroke, select

SAUCER = """
    284,18 255,21 225,32 200,47 183,68 160,78 130,100 105,128 88,160 78,195 77,225
    82,260 95,290 118,322 150,350 190,372 230,384 275,389 320,387 365,378 405,362
    440,335 465,298 477,260 480,225 473,190 460,160 440,130 418,108 424,78 420,69
    405,66 398,71 390,58 370,40 345,28 315,20"""
COIN = """
    336,16 350,19 360,28 364,42 361,57 352,67 337,72 322,70 311,61 305,45 308,30
    318,20"""
SHUTTLE = """
    407,0 427,0 435,20 437,50 443,40 451,50 455,62 455,205 456,232 458,262 472,272
    470,278 440,283 425,284 400,291 370,287 366,280 372,255 378,232 355,228 354,207
    376,185 379,170 379,112 381,100 380,88 381,60 387,42 392,50 396,70 397,35 400,15"""
PATCH = """
    171,349 190,354 203,367 207,385 203,404 190,417 171,422 152,417 139,404 134,386
    139,367 152,354"""
HEAD = """
    190,185 183,150 180,130 160,112 153,80 158,50 190,35 215,17 240,16 270,22 295,50
    301,80 295,110 275,135 262,135 255,175 230,188 210,188"""


def rectangle(left, top, right, bottom):
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def drawn(outline, size):
    points = [tuple(map(int, point.split(","))) for point in outline.split()]
    picture = Image.new("1", size)
    ImageDraw.Draw(picture).polygon(points, fill=1, outline=1)
    return picture


def overlap(found, true):
    """Intersection over union."""
    return (found & true).sum() / (found | true).sum()


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize(
    ("photo", "box", "outline"),
    [
        ("coffee", (68, 8, 492, 396), SAUCER),
        ("coins", (298, 8, 372, 80), COIN),
        ("astronaut", (346, 0, 482, 296), SHUTTLE),
        ("astronaut", (124, 340, 216, 430), PATCH),
        ("astronaut", (140, 8, 312, 185), HEAD),
    ],
    ids=["saucer", "coin", "shuttle", "patch", "head"],
)
def test_what_is_selected_is_what_a_person_outlines(photo, box, outline, scale):
    picture = Image.fromarray(getattr(data, photo)()).convert("RGB")
    size = picture.width * scale, picture.height * scale
    true = np.asarray(drawn(outline, picture.size).resize(size))
    around = rectangle(*(side * scale for side in box))
    found = select(np.asarray(picture.resize(size)), around)
    assert found.shape == true.shape and overlap(found, true) >= 0.85


@pytest.fixture(scope="module")
def two():
    """Two light discs that touch, on dark ground, and the left and the right disc."""
    rows, columns = np.mgrid[:120, :200]
    left, right = (np.hypot(rows - 60, columns - at) < 30 for at in (70, 129))
    noise = np.random.default_rng(1).integers(0, 30, (120, 200, 3), np.uint8)
    return noise + np.uint8(200) * (left | right)[..., None], left, right


def test_a_loop_selects_as_a_rectangle_does(two):
    image, left, right = two
    loop = [(10, 60), (100, 5), (190, 60), (100, 115)]
    assert overlap(select(image, loop), left | right) > 0.93
    around = rectangle(20, 10, 180, 110)
    assert overlap(select(image, around), left | right) > 0.93


def test_strokes_remove_and_add_and_the_later_one_counts(two):
    image, left, right = two
    around = rectangle(36, 10, 99, 110)
    assert overlap(select(image, around), left) > 0.9
    beyond = Stroke(True, 12, [(90, 60), (140, 60)])  # leaves the rectangle
    added = select(image, around, [beyond])
    assert added[60, 90:140].all() and (added & right).sum() > (right.sum() / 3)
    within = Stroke(False, 20, [(70, 50), (70, 70)])
    assert not select(image, around, [within])[50:70, 70].any()
    again = within._replace(adds=True)
    assert select(image, around, [within, again])[50:70, 70].all()


def test_a_margin_grows_the_selection(two):
    image, left, right = two
    around = rectangle(20, 10, 180, 110)
    tight, wide = select(image, around), select(image, around, margin=5)
    rows, columns = (np.flatnonzero(tight.any(axis)) for axis in (1, 0))
    grown = [np.flatnonzero(wide.any(axis)) for axis in (1, 0)]
    assert [grown[0][0], grown[0][-1]] == [rows[0] - 5, rows[-1] + 5]
    assert [grown[1][0], grown[1][-1]] == [columns[0] - 5, columns[-1] + 5]
    assert wide[tight].all()


def test_nothing_and_everything_can_be_marked(two):
    image, left, right = two
    whole = rectangle(-50, -50, 300, 300)
    assert overlap(select(image, whole), left | right) > 0.93
    everything = Stroke(False, 1000, [(0, 60), (200, 60)])
    assert not select(image, whole, [everything]).any()
    assert select(image, [(5000, 5000)]).shape == left.shape
    assert select(image, [(-9, 3)]).shape == left.shape


def test_a_wide_stroke_adds_all_that_it_covers():
    image = np.full((240, 240, 3), 90, np.uint8)
    image[105:195, 105:195] = 250
    around = [[130, 130], [160, 130], [160, 160], [130, 160]]
    stroke = Stroke(adds=True, size=80, points=[[150, 150], [151, 150]])
    found = select(image, around, [stroke], margin=0)
    assert found[150, 112:188].all()
