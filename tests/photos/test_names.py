"""Image files of folders, by name."""

import pytest

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.names import named_images, unpaired


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_names_are_paths_below_the_folder_without_ending(tmp_path):
    touch(tmp_path, "b.png", "a.JPG", "deep/a.webp", "notes.txt", ".hidden/c.png")
    found = named_images(tmp_path)
    assert list(found) == ["a", "b", "deep/a"]
    assert found["a"] == tmp_path / "a.JPG"


def test_the_folder_of_results_is_passed_over(tmp_path):
    touch(tmp_path, "a.png", "out/a.png")
    assert list(named_images(tmp_path, without=tmp_path / "out")) == ["a"]


def test_names_that_would_collide_are_refused(tmp_path):
    touch(tmp_path, "a.png", "a.jpg")
    with pytest.raises(InputError, match="a.jpg and .*a.png have the same name"):
        named_images(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(InputError, match="holds no image files"):
        named_images(tmp_path)


def test_unpaired_lists_what_the_other_folder_lacks(tmp_path):
    touch(tmp_path, "photos/a.jpg", "photos/b.jpg", "masks/a.png", "masks/c.png")
    photos, masks = named_images(tmp_path / "photos"), named_images(tmp_path / "masks")
    assert unpaired(photos, masks) == [tmp_path / "photos" / "b.jpg"]
    assert unpaired(masks, photos) == [tmp_path / "masks" / "c.png"]
