"""Folders, lists and the bundled photos: what is found, refused, read and divided."""

import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import skimage
import tensorflow as tf
from PIL import Image, ImageOps

from tf_edgeconnect.data.samples import PHOTOS, SampleSource, part_of_photo
from tf_edgeconnect.data.sources import FileSource, open_source
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.headers import read_header


def names(source) -> list[str]:
    return [source.name(index) for index in range(len(source))]


def read(source, index: int) -> np.ndarray:
    return source.read(tf.constant(index, tf.int64)).numpy()


def chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def test_a_folder_is_searched_recursively_in_the_order_of_its_parts(
    tmp_path, photo, encode
):
    contents = encode(photo(), "PNG")
    for name in ("b/2.PNG", "b/1.png", "a.jpeg", "b-c/3.Jpg", ".hidden/4.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(contents)
    (tmp_path / ".5.png").write_bytes(contents)
    (tmp_path / "notes.txt").write_text("no photo")
    source = open_source(tmp_path)
    assert names(source) == ["a.jpeg", "b/1.png", "b/2.PNG", "b-c/3.Jpg"]
    assert source.report == (4, ())


def test_a_folder_that_links_to_its_parent_is_read_once(photo_folder):
    folder = photo_folder(2)
    (folder / "again").symlink_to(folder)
    assert len(open_source(folder)) == 2


def test_a_list_keeps_its_order_and_relative_paths_count_from_it(photo_folder):
    folder = photo_folder(3)
    lines = ["photos/02.png", "", str(folder / "01.jpg"), "photos/00.png"]
    for name in ("list.txt", "list.flist"):
        listed = folder.parent / name
        listed.write_text("\n".join(lines))
        assert names(open_source(listed)) == [line for line in lines if line]


@pytest.mark.parametrize("kind, suffix", [("JPEG", "jpg"), ("PNG", "png")])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_read_turns_a_photo_upright(tmp_path, photo, encode, kind, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / f"a.{suffix}"
    file.write_bytes(encode(photo(24, 40), kind, exif=exif))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(file)))
    source = open_source(tmp_path)
    np.testing.assert_array_equal(read(source, 0), expected)
    assert source.files[0][1][1:3] == expected.shape[:2]


def test_orientation_behind_the_pixels_of_a_png_is_found(tmp_path, photo, encode):
    exif = Image.Exif()
    exif[0x0112] = 6
    contents = encode(photo(), "PNG")
    late = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    file = tmp_path / "a.png"
    file.write_bytes(contents[:-12] + late + contents[-12:])
    assert ImageOps.exif_transpose(Image.open(file)).size == (40, 56)
    assert read_header(file).orientation == 6


def hostile_files(photo, encode) -> dict[str, tuple[bytes, str]]:
    """Name -> (contents, words its reason must hold)."""
    jpeg = encode(photo(), "JPEG")
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    header = struct.pack(">IIBBBBB", 10_001, 10_000, 8, 2, 0, 0, 0)
    over = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")
    return {
        "text.jpg": (b"a photo, says the name", "not an image"),
        "empty.jpg": (b"", "0 bytes"),
        "cut.jpg": (jpeg[:30], ""),
        "cut.png": (huge[:20], ""),
        "one.png": (encode(photo(1, 1), "PNG"), "1x1"),
        "huge.png": (huge, "100 megapixels"),
        "over.png": (over, "100 megapixels"),
    }


def test_the_header_scan_tells_what_is_wrong_with_each_file(
    photo_folder, photo, encode
):
    folder = photo_folder(2)
    hostile = hostile_files(photo, encode)
    for name, (contents, _) in hostile.items():
        (folder / name).write_bytes(contents)
    source = open_source(folder, max_bad_fraction=1)
    assert names(source) == ["00.png", "01.jpg"]
    assert source.report.found == 2 + len(hostile)
    reasons = dict(source.report.unreadable)
    assert reasons.keys() == hostile.keys()
    for name, (_, words) in hostile.items():
        assert reasons[name] and words in reasons[name]
        assert "\n" not in reasons[name]


def test_a_listed_file_that_is_missing_is_unreadable(photo_folder):
    folder = photo_folder(1)
    (folder / "list.txt").write_text("00.png\ngone.png\n")
    source = open_source(folder / "list.txt", max_bad_fraction=0.5)
    assert source.report == (2, (("gone.png", "no such file"),))


def test_too_many_bad_photos_stop_with_the_first_few_and_the_count(photo_folder):
    folder = photo_folder(95)
    for number in range(5):
        (folder / f"bad{number}.jpg").write_bytes(b"text")
    assert len(open_source(folder, max_bad_fraction=0.05)) == 95
    with pytest.raises(InputError, match="5 of 100 .*bad0.jpg.*bad2.jpg.*2 more") as e:
        open_source(folder, max_bad_fraction=0.04)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("text", ["empty/", "empty.txt", "missing/", "photo.xyz"])
def test_a_source_without_photos_stops_in_one_line(tmp_path, text):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "photo.xyz").write_bytes(b"II*\0")
    with pytest.raises(InputError) as error:
        open_source(tmp_path / text)
    assert text.rstrip("/") in str(error.value)
    assert "\n" not in str(error.value)


def test_no_readable_photo_stops_whatever_fraction_is_allowed(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"text")
    with pytest.raises(InputError, match="1 of 1"):
        open_source(tmp_path, max_bad_fraction=1)


def test_the_scan_is_taken_from_its_cache_while_the_files_stay(photo_folder):
    folder = photo_folder(3)
    cache = folder.parent / "run" / "index.json"
    assert len(open_source(folder, cache=cache)) == 3
    kept = json.loads(cache.read_text())
    kept["result"][1][4] = "written into the cache by this test"
    cache.write_text(json.dumps(kept))
    assert names(open_source(folder, cache, max_bad_fraction=1)) == ["00.png", "02.png"]


def test_the_scan_is_made_anew_when_a_file_changed_or_joined(photo_folder):
    folder = photo_folder(3)
    cache = folder.parent / "index.json"
    open_source(folder, cache=cache)
    (folder / "03.png").write_bytes((folder / "00.png").read_bytes())
    assert len(open_source(folder, cache=cache)) == 4
    contents = (folder / "01.jpg").read_bytes()
    (folder / "01.jpg").write_bytes(b"x" * len(contents))
    os.utime(folder / "01.jpg", ns=(1, 1))
    source = open_source(folder, cache, max_bad_fraction=1)
    assert names(source) == ["00.png", "02.png", "03.png"]


def test_a_cache_that_is_no_scan_is_written_anew(photo_folder):
    folder = photo_folder(2)
    cache = folder.parent / "index.json"
    for text in ("", "[]", '{"fingerprint": 1}'):
        cache.write_text(text)
        assert len(open_source(folder, cache=cache)) == 2
        assert "result" in json.loads(cache.read_text())


def test_split_parts_share_nothing_and_keep_every_photo(photo_folder):
    source = open_source(photo_folder(20))
    train, held = source.split(0.25, seed=3)
    assert len(held) == 5
    assert sorted(names(train) + names(held)) == names(source)
    again = source.split(0.25, seed=3)
    assert (names(train), names(held)) == tuple(map(names, again))
    assert names(held) != names(source.split(0.25, seed=4)[1])
    for part in (train, held):
        whole = names(source).index(part.name(1))
        np.testing.assert_array_equal(read(part, 1), read(source, whole))


def test_split_leaves_photos_where_they_were_when_others_join(photo_folder):
    before = set(names(open_source(photo_folder(20)).split(0.5, seed=0)[1]))
    after = set(names(open_source(photo_folder(22)).split(0.5, seed=0)[1]))
    assert len(before - after) <= 2


def test_split_holds_out_at_least_one_photo_and_leaves_one(photo_folder):
    source = open_source(photo_folder(2))
    assert [len(part) for part in source.split(0.01, 0)] == [1, 1]
    assert [len(part) for part in source.split(0.99, 0)] == [1, 1]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 2])
def test_split_refuses_a_fraction_out_of_range(photo_folder, fraction):
    with pytest.raises(InputError, match=str(fraction)):
        open_source(photo_folder(2)).split(fraction, 0)


def test_split_refuses_a_single_photo(photo_folder):
    with pytest.raises(InputError, match="00.png"):
        open_source(photo_folder(1)).split(0.5, 0)


def test_names_that_are_not_utf_8_can_be_read(tmp_path, photo, encode):
    file = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(file, "wb") as stream:
        stream.write(encode(photo(), "PNG"))
    source = open_source(tmp_path)
    np.testing.assert_array_equal(read(source, 0), photo())


def test_encoded_gives_the_bytes_of_the_file(photo_folder):
    source = open_source(photo_folder(2))
    assert isinstance(source, FileSource)
    assert source.encoded(1).contents == Path(source.files[1][1].file).read_bytes()


def test_sample_regions_are_squares_of_the_bundled_photos():
    source = open_source("sample:")
    folder = Path(skimage.__file__).parent / "data"
    for index in range(0, len(source), 17):
        number, top, left, side = source.regions[index]
        whole = np.asarray(Image.open(folder / PHOTOS[number]).convert("RGB"))
        cut = whole[top : top + side, left : left + side]
        np.testing.assert_array_equal(read(source, index), cut)
        assert cut.shape == (side, side, 3)
        assert source.name(index).startswith(PHOTOS[number])


def test_sample_parts_share_no_pixel_and_leave_none_out():
    covered = {}
    for part in ("train", "held-out"):
        for number, top, left, side in SampleSource(part).regions:
            pixels = covered.setdefault((part, number), np.zeros((1500, 1500), bool))
            pixels[top : top + side, left : left + side] = True
    for number in range(len(PHOTOS)):
        train, held = covered["train", number], covered["held-out", number]
        assert not np.any(train & held)
        rows, columns = np.nonzero(train | held)
        whole = np.ix_(range(rows.max() + 1), range(columns.max() + 1))
        assert np.all((train | held)[whole])


@pytest.mark.parametrize("shape", [(300, 451), (512, 512), (640, 427)])
def test_parts_of_a_photo_are_cut_across_its_longer_side(shape):
    train, held = (part_of_photo(*shape, part) for part in ("train", "held-out"))
    assert train[:2] == (0, 0) and held[2:] == shape
    areas = [(b - t) * (r - left) for t, left, b, r in (train, held)]
    assert sum(areas) == shape[0] * shape[1]
    assert areas[0] / sum(areas) == pytest.approx(2 / 3, abs=0.01)


def test_the_first_sample_regions_show_every_photo():
    for spec in ("sample:", "sample:held-out"):
        regions = open_source(spec).regions
        assert len(regions) > 100
        assert len({region.photo for region in regions[: len(PHOTOS)]}) == len(PHOTOS)


def test_sample_split_gives_the_held_out_regions():
    source = open_source("sample:")
    train, held = source.split(0.05, 0)
    assert train is source and names(held) == names(open_source("sample:held-out"))
    with pytest.raises(InputError, match="cannot be split"):
        held.split(0.05, 0)


def test_an_unknown_sample_is_refused():
    with pytest.raises(InputError, match="sample:test"):
        open_source("sample:test")
