"""Image files of folders, and which of them go together."""

import os

import pytest
from PIL import Image

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.names import (
    Partners,
    list_files,
    list_images,
)


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def partner(folder, photo, *masks):
    files = {name: folder / name for name in masks}
    return Partners(folder, files, "mask", "_mask").of(photo).name


def test_files_are_listed_by_their_paths_hidden_ones_left_out(tmp_path):
    touch(tmp_path, "b.png", "a.JPG", "deep/a.webp", ".hidden/c.png", ".d.png")
    names = [path.relative_to(tmp_path).as_posix() for path in list_files(tmp_path)]
    assert names == ["a.JPG", "b.png", "deep/a.webp"]


def test_links_to_folders_are_followed_each_folder_once(tmp_path):
    touch(tmp_path, "far/z.png", "photos/deep/a.png")
    os.symlink(tmp_path / "far", tmp_path / "photos" / "far")
    os.symlink(tmp_path / "photos", tmp_path / "photos" / "again")  # a circle
    os.symlink(tmp_path / "photos/deep", tmp_path / "photos" / "alias")
    found = [path.relative_to(tmp_path) for path in list_files(tmp_path / "photos")]
    assert [p.as_posix() for p in found] == ["photos/deep/a.png", "photos/far/z.png"]


def test_images_are_known_by_ending_or_content_and_others_are_given_back(tmp_path):
    touch(tmp_path, "broken.png", "notes.txt", "out/a.png")
    Image.new("L", (2, 2)).save(tmp_path / "scan.001", "PNG")
    images, others = list_images(tmp_path, without=tmp_path / "out")
    assert list(images) == ["broken.png", "scan.001"]
    assert others == [tmp_path / "notes.txt"]


def test_a_folder_without_images_is_refused(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(InputError, match="contains no image files"):
        list_images(tmp_path)


@pytest.mark.parametrize(
    ("photo", "masks", "expected"),
    [
        ("a.webp", ["a.webp", "a.webp.png", "a.png"], "a.webp"),
        ("a.webp", ["a.webp.jpg", "a.png"], "a.webp.jpg"),
        ("a.webp", ["a.png", "A.webp"], "a.png"),
        ("a.webp", ["a_mask001.png", "b.png"], "a_mask001.png"),
        ("a.webp", ["A.PNG"], "A.PNG"),
        ("e\u0301.jpg", ["\u00e9.png"], "\u00e9.png"),
        ("IMG_1.JPG", ["img_1.jpg.png"], "img_1.jpg.png"),
    ],
)
def test_names_go_together_as_a_person_sees_them(tmp_path, photo, masks, expected):
    assert partner(tmp_path, photo, *masks) == expected


def test_the_rule_that_failed_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no mask of its name .*neither a.webp nor"):
        partner(tmp_path, "a.webp", "deep/a.png")
    with pytest.raises(InputError, match="a.jpg and a.png .* both fit its name"):
        partner(tmp_path, "a.webp", "a.jpg", "a.png")
    with pytest.raises(InputError, match="A.jpg and A.png .* both fit its name"):
        partner(tmp_path, "b/a.webp", "b/A.jpg", "b/A.png")
