"""Photos and masks to fill: what is wrong with each, and how they pair."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from tests.doctor.pictures import SIDE, mask, photo, save
from tf_edgeconnect.doctor import Report
from tf_edgeconnect.doctor.files import check_pairs


def found(images, masks) -> dict[str, tuple[str, ...]]:
    report = Report()
    check_pairs(report, images, masks)
    return {finding.check: finding.names for finding in report.findings}


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


def test_a_mask_made_on_the_pixels_of_a_turned_photo_fits(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    save(tmp_path / "photo.jpg", photo(1, 64, 96), exif=exif)
    for height, width in ((64, 96), (96, 64)):
        save(tmp_path / "mask.png", mask(1)[:height, :width])
        assert found(tmp_path / "photo.jpg", tmp_path / "mask.png") == {}
    save(tmp_path / "mask.png", mask(1)[:64, :64])
    names = found(tmp_path / "photo.jpg", tmp_path / "mask.png")
    assert list(names) == ["mask-size"]


@pytest.mark.parametrize(
    ("pixels", "check"),
    [
        (np.zeros((SIDE, SIDE), np.uint8), "no-hole"),
        (np.full((SIDE, SIDE), 255, np.uint8), "all-hole"),
        (255 - mask(9), "inverted"),
        (np.maximum(mask(9), np.arange(SIDE, dtype=np.uint8)), "gray-masks"),
    ],
)
def test_a_mask_with_one_fault_is_named_once(pairs, pixels, check):
    save(pairs[1] / "05.png", pixels)
    assert found(*pairs) == {check: ("05.png",)}


def test_pairs_are_those_that_inpaint_makes(pairs):
    photos, masks = pairs
    (masks / "01.png").rename(masks / "01.jpg.png")
    (masks / "02.png").rename(masks / "02_mask.png")
    assert found(*pairs) == {}


def test_files_that_are_no_images_are_named(pairs):
    (pairs[0] / "notes.txt").write_text("of a person")
    assert found(*pairs) == {"no-image": ("notes.txt",)}


def test_a_damaged_photo_and_mask_are_named(pairs):
    contents = (pairs[1] / "01.png").read_bytes()
    (pairs[1] / "01.png").write_bytes(contents[: len(contents) // 2])
    (pairs[0] / "02.jpg").write_bytes(b"")
    names = found(*pairs)
    assert set(names) == {"unreadable-masks", "unreadable-photos"}
    assert "01.png" in names["unreadable-masks"][0]
    assert "02.jpg" in names["unreadable-photos"][0]


def test_a_set_of_inverted_masks_is_an_error(pairs):
    for path in pairs[1].iterdir():
        save(path, 255 - np.asarray(Image.open(path)))
    report = Report()
    check_pairs(report, *pairs)
    (finding,) = report.findings
    assert (finding.check, finding.severity) == ("inverted", "error")
    assert len(finding.names) == 6


@pytest.mark.parametrize("half", [np.s_[:, : SIDE // 2], np.s_[: SIDE // 2 + 4]])
def test_half_a_photo_is_no_inverted_mask(tmp_path, half):
    hole = np.zeros((SIDE, SIDE), np.uint8)
    hole[half] = 255
    save(tmp_path / "half.png", hole)
    assert found(None, tmp_path) == {}


def test_masks_can_be_checked_without_photos_and_photos_without_masks(pairs):
    assert found(None, pairs[1]) == found(pairs[0], None) == {}


def test_a_finding_is_one_line_of_some_names_and_counts_the_rest(pairs):
    for number in range(6):
        save(pairs[1] / f"{number:02d}.png", np.zeros((SIDE, SIDE), np.uint8))
    report = Report()
    check_pairs(report, *pairs)
    assert report.findings[0].line == (
        "warning: masks without a hole: 6 of 6 (00.png, 01.png, 02.png and 3 more): "
        "nothing is filled; remove them"
    )
    assert not report.is_clean
