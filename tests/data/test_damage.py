"""The photos of `demo`'s first picture."""

import csv

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.data.damage import FOLDER, damaged_photos


@pytest.fixture(scope="module")
def photos():
    return damaged_photos()


def test_six_photos_of_one_size_have_a_hole_and_a_caption_each(photos):
    assert len({photo.caption for photo in photos}) == 6
    for photo in photos:
        assert photo.image.shape == (320, 480, 3) and photo.image.dtype == np.uint8
        assert photo.mask.shape == (320, 480) and photo.mask.dtype == bool
        assert 0.005 < photo.mask.mean() < 0.1


def test_nothing_outside_the_hole_is_damaged(photos):
    # Each damaged photo is one of the files but for its hole.
    files = [np.asarray(Image.open(path)) for path in sorted(FOLDER.glob("*.jpg"))]
    for photo in photos:
        known = ~photo.mask
        same = [(file[known] == photo.image[known]).all() for file in files]
        assert same.count(True) == 1


def test_all_but_what_is_to_be_removed_is_drawn(photos):
    files = [np.asarray(Image.open(path)) for path in sorted(FOLDER.glob("*.jpg"))]
    untouched = [
        photo.caption
        for photo in photos
        if any(np.array_equal(photo.image, file) for file in files)
    ]
    assert untouched == ["barrels to remove"]


def test_every_photo_is_free_and_says_whose_it_is():
    with (FOLDER / "ATTRIBUTION.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    paths = list(FOLDER.glob("*.jpg"))
    assert rows.keys() == {path.name for path in paths}
    for row in rows.values():
        assert row["licence"] in ("CC0", "public domain")
        assert row["attribution"] and row["origin"] and row["licence stated in"]
    assert sum(path.stat().st_size for path in paths) < 600_000
