"""Pairing, pictures at the measured size, and the manifest."""

import dataclasses
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.manifest import (
    Conditions,
    bin_of,
    draw,
    filled_bins,
    make_manifest,
    pair_up,
)
from tf_edgeconnect.evaluation.pictures import (
    centre_block,
    fit_photo,
    fit_to_picture,
    read_picture,
)

RNG = np.random.default_rng(4)
OUT = Path("out")
PHOTOS = {name: Path(f"photos/{name}.png") for name in ("a", "b", "deep/c")}


def save(path, array):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def photo(height=16, width=20):
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def mask(height, width, rows):
    hole = np.zeros((height, width), bool)
    hole[:rows] = True
    return hole


def manifest(images="photos", masks="masks", **options):
    conditions = Conditions(Path(images), Path(masks), **options)
    return make_manifest(conditions, OUT, lambda items, _: items)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three photos of 20 x 16 and two masks that hide 2 and 8 of their 16 rows."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "deep/c"):
        save(f"photos/{name}.png", photo())
    save("masks/x.png", mask(16, 20, 2))
    save("masks/y.png", mask(16, 20, 8))
    return tmp_path


def test_masks_pair_by_name_where_all_do(folder):
    for name in ("a", "b", "deep/c"):
        save(f"masks/{name}.png.bmp", mask(16, 20, 4))
    save("masks/spare.png", mask(16, 20, 4))
    rule, masks = pair_up(Conditions(Path("photos"), Path("masks")), PHOTOS, OUT)
    assert rule == "by name"
    assert masks == {name: Path(f"masks/{name}.png.bmp") for name in PHOTOS}


def test_else_every_photo_gets_a_drawn_mask(folder):
    conditions = Conditions(Path("photos"), Path("masks"))
    rule, masks = pair_up(conditions, PHOTOS, OUT)
    assert rule == "seeded" and masks.keys() == PHOTOS.keys()
    assert len(set(masks.values())) == 2  # of two, in turns
    save("masks/a.png", mask(16, 20, 4))  # one name of three is not enough
    with pytest.raises(InputError, match="2 of 3 photos have no mask .*: b, deep/c;"):
        pair_up(conditions, PHOTOS, OUT)
    rule, masks = pair_up(dataclasses.replace(conditions, seed=0), PHOTOS, OUT)
    assert rule == "seeded" and len(set(masks.values())) == 3


def test_draws_take_turns_and_depend_on_the_seed_alone():
    names = list("abcde")
    drawn = draw(names, 13, seed=0)
    assert sorted(Counter(drawn).values()) == [2, 2, 3, 3, 3]
    assert set(drawn[:5]) == set(drawn[5:10]) == set(names)
    assert draw(names[::-1], 13, seed=0) == drawn != draw(names, 13, seed=1)


@pytest.mark.parametrize(
    ("ratio", "label"),
    [(0.001, "0-10%"), (0.1, "0-10%"), (0.1001, "10-20%"), (1.0, "60-100%")],
)
def test_a_bin_holds_its_upper_bound(ratio, label):
    assert bin_of(ratio, (0, 10, 20, 60)) == label


def test_the_manifest_says_what_is_measured_and_is_the_same_each_time(folder):
    found = manifest()
    assert found == manifest()
    assert (found["pairing"], found["seed"], found["left_out"]) == ("seeded", 0, [])
    assert [item["name"] for item in found["items"]] == ["a", "b", "deep/c"]
    rows = {"x.png": 2, "y.png": 8}
    for item in found["items"]:
        data = (folder / "photos" / item["image"]).read_bytes()
        assert item["image_sha256"] == hashlib.sha256(data).hexdigest()
        assert item["hole_ratio"] == rows[item["mask"]] / 16
    assert filled_bins(found) == ["10-20%", "40-50%"]


def test_one_mask_serves_all_and_a_block_needs_none(folder):
    assert manifest(masks="masks/x.png")["pairing"] == "one for all"
    found = manifest(masks="block")
    assert filled_bins(found) == ["block"]
    assert {item["hole_ratio"] for item in found["items"]} == {0.25}


def test_what_cannot_be_measured_is_left_out_by_name(folder):
    save("masks/one.png", mask(16, 20, 0))
    (folder / "photos/cut.png").write_bytes(b"words")
    save("photos/tiny.png", photo(8, 20))
    reasons = {x["name"]: x["reason"] for x in manifest(masks="block")["left_out"]}
    assert set(reasons) == {"cut", "tiny"}
    assert "is not an image" in reasons["cut"]
    assert "20 x 8" in reasons["tiny"] and "11 pixels" in reasons["tiny"]
    with pytest.raises(InputError, match="can be measured: mask .* has no hole"):
        manifest(masks="masks/one.png")


def test_photos_of_one_name_are_left_out_and_other_files_are_named(folder, caplog):
    save("photos/b.bmp", photo())
    (folder / "photos/notes.txt").write_text("words")
    found = manifest(masks="block")
    assert [item["name"] for item in found["items"]] == ["a", "deep/c"]
    why = "another photo has the same name except for the extension; rename one"
    left_out = [{"name": name, "reason": why} for name in ("b.bmp", "b.png")]
    assert found["left_out"] == left_out
    assert "photos: skipped, not images: notes.txt" in caplog.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"images": "gone"}, "--images gone does not exist"),
        ({"masks": "gone"}, "--masks gone does not exist"),
        ({"masks": "photos"}, "--masks photos is the folder of photos"),
        ({"bins": (0, 20, 10)}, "rising"),
        ({"bins": (0, 120)}, "0 to 100"),
        ({"size": 32, "protocol": "edgeconnect"}, "at least 51"),
        ({"fid_weights": Path("gone.npz")}, "gone.npz does not exist"),
    ],
)
def test_wrong_conditions_are_refused(folder, options, words):
    with pytest.raises(InputError, match=words):
        manifest(**options)


def test_the_centre_square_is_measured(folder):
    whole = photo(16, 24)
    np.testing.assert_array_equal(fit_photo(whole, 16), whole[:, 4:20])
    assert fit_photo(whole, None) is whole
    flat = np.full((16, 24, 3), 77, np.uint8)
    np.testing.assert_array_equal(fit_photo(flat, 12), np.full((12, 12, 3), 77))


def test_a_mask_of_the_photos_size_is_cropped_with_it_another_is_taken_whole():
    drawn = np.zeros((16, 24), bool)
    drawn[:, :6] = True  # two of its columns are inside the centre square
    cropped = fit_to_picture(drawn, (16, 24), (16, 16))
    assert cropped[:, :2].all() and not cropped[:, 2:].any()
    whole = fit_to_picture(drawn, (20, 20), (16, 16))
    assert whole[:, :4].all() and not whole[:, 4:].any()


def test_a_mask_of_another_aspect_ratio_is_said_to_be_stretched(folder, caplog):
    save("whole.png", mask(16, 20, 4))
    save("square.png", mask(32, 32, 8))
    for name in ("whole.png", "square.png"):
        item = {"image": "a.png", "mask": name}
        for size in (None, 12):
            read_picture(item, {"images": "photos", "masks": "."}, size)
    text = "mask square.png is stretched: 32 x 32 to 20 x 16 (said once)"
    assert caplog.messages == [text]


def test_masks_are_cut_at_half_gray(folder):
    gray = np.zeros((16, 20), np.uint8)
    gray[0], gray[1] = 127, 128
    save("gray.png", gray)
    item = {"image": "a.png", "mask": "gray.png"}
    hole = read_picture(item, {"images": "photos", "masks": "."}, None).hole
    assert hole[1].all() and hole.sum() == 20


def test_the_block_is_half_a_side_in_the_middle():
    hole = centre_block(8, 12)
    assert hole[2:6, 3:9].all() and hole.sum() == 4 * 6
