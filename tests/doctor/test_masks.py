"""Masks: what is wrong with them, how they pair, and their cleaned copies."""

import numpy as np
import pytest
from PIL import Image

from tests.doctor.pictures import SIDE, mask, photo, save
from tf_edgeconnect.doctor import check_pairs
from tf_edgeconnect.doctor.cleaning import write_clean_masks
from tf_edgeconnect.doctor.findings import untracked
from tf_edgeconnect.doctor.mask_looks import list_masks, look_at_mask
from tf_edgeconnect.errors import InputError


def found(images, masks, **options) -> dict[str, tuple[str, ...]]:
    checkup = check_pairs(images, masks, **options)
    return {finding.check: finding.names for finding in checkup.findings}


@pytest.fixture
def pairs(data, tmp_path):
    """Six photos with masks of their names."""
    for number in range(6):
        save(tmp_path / "photos" / f"{number:02d}.jpg", photo(number))
    return tmp_path / "photos", data.masks


def test_sound_pairs_have_no_findings(pairs):
    assert found(*pairs) == {}


def test_gaps_between_photos_and_masks_are_found_on_both_sides(pairs):
    photos, masks = pairs
    (masks / "03.png").rename(masks / "lost.png")
    assert found(*pairs) == {"no-mask": ("03.jpg",), "no-photo": ("lost.png",)}


def test_masks_of_other_names_are_but_a_note(pairs):
    for path in pairs[1].iterdir():
        path.rename(path.with_stem(f"hole{path.stem}"))
    assert found(*pairs) == {"pairing": ()}


def test_masks_of_another_size_than_their_photo_are_found(pairs):
    save(pairs[1] / "02.png", mask(2, side=64))
    names = found(*pairs)["mask-size"]
    assert names == (f"02.png 64x64 for {SIDE}x{SIDE}",)


@pytest.mark.parametrize(
    ("pixels", "check"),
    [
        (np.zeros((SIDE, SIDE), np.uint8), "no-hole"),
        (np.full((SIDE, SIDE), 255, np.uint8), "all-hole"),
        (255 - mask(9), "inverted"),
        (np.where(mask(9) > 0, 140, 0).astype(np.uint8), "gray-masks"),
        (np.dstack([mask(9)] * 3 + [mask(9)]), "transparent-masks"),
    ],
)
def test_a_mask_with_one_fault_is_named_once(pairs, pixels, check):
    save(pairs[1] / "05.png", pixels)
    assert found(*pairs) == {check: ("05.png",)}


def test_a_damaged_mask_is_named(pairs):
    contents = (pairs[1] / "01.png").read_bytes()
    (pairs[1] / "01.png").write_bytes(contents[: len(contents) // 2])
    assert found(*pairs) == {"unreadable-masks": ("01.png",)}


def test_a_set_of_inverted_masks_is_an_error(pairs):
    for path in pairs[1].iterdir():
        save(path, 255 - np.asarray(Image.open(path)))
    finding = check_pairs(*pairs).findings[0]
    assert (finding.check, finding.severity) == ("inverted", "error")
    assert len(finding.names) == 6


@pytest.mark.parametrize("half", [np.s_[:, : SIDE // 2], np.s_[: SIDE // 2 + 4]])
def test_half_a_photo_is_no_inverted_mask(tmp_path, half):
    hole = np.zeros((SIDE, SIDE), np.uint8)
    hole[half] = 255
    save(tmp_path / "half.png", hole)
    assert not look_at_mask(tmp_path / "half.png").seems_inverted


def test_masks_larger_than_those_trained_on_are_found(pairs):
    # Each hole is a quarter of the photo.
    assert found(*pairs, trained_on=(0.1, 0.3)) == {}
    assert len(found(*pairs, trained_on=(0.1, 0.2))["hole-ratio"]) == 6


def test_masks_can_be_checked_without_photos_and_photos_without_masks(pairs):
    assert found(None, pairs[1]) == found(pairs[0], None) == {}


def test_copies_are_black_and_white_png_and_originals_stay(tmp_path):
    soft = np.array([[0, 100, 128, 255]] * 4, np.uint8)
    save(tmp_path / "in" / "sub" / "a.bmp", soft)
    before = (tmp_path / "in" / "sub" / "a.bmp").read_bytes()
    masks = list_masks(tmp_path / "in")
    write_clean_masks(masks, tmp_path / "out", untracked, invert=False)
    with Image.open(tmp_path / "out" / "sub" / "a.png") as copy:
        assert copy.mode == "L"
        np.testing.assert_array_equal(copy, [[0, 0, 255, 255]] * 4)
    assert (tmp_path / "in" / "sub" / "a.bmp").read_bytes() == before


@pytest.mark.parametrize("invert", [False, True])
def test_only_masks_that_seem_inverted_are_inverted_and_only_when_asked(
    tmp_path, invert
):
    save(tmp_path / "in" / "good.png", mask(1))
    save(tmp_path / "in" / "bad.png", 255 - mask(2))
    masks = list_masks(tmp_path / "in")
    done = write_clean_masks(masks, tmp_path / "out", untracked, invert=invert)
    assert done.inverted == (("bad.png",) if invert else ())
    good, bad = (Image.open(tmp_path / "out" / f"{n}.png") for n in ("good", "bad"))
    np.testing.assert_array_equal(good, mask(1))
    np.testing.assert_array_equal(bad, mask(2) if invert else 255 - mask(2))


def test_copies_need_an_empty_folder_and_names_that_stay_apart(tmp_path):
    save(tmp_path / "in" / "a.png", mask(1))
    masks = list_masks(tmp_path / "in")
    with pytest.raises(InputError, match="not a new or empty folder"):
        write_clean_masks(masks, tmp_path / "in", untracked, invert=False)
    save(tmp_path / "in" / "a.bmp", mask(1))
    with pytest.raises(InputError, match="rename one"):
        masks = list_masks(tmp_path / "in")
        write_clean_masks(masks, tmp_path / "out", untracked, invert=False)
