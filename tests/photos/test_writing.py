"""Photos written to files."""

import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.metadata import Metadata
from tf_edgeconnect.photos.reading import Photo, read_photo
from tf_edgeconnect.photos.writing import check_format, write_photo

RNG = np.random.default_rng(6)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def planes(dtype, channels):
    top = np.iinfo(dtype).max
    return RNG.integers(0, top, (5, 7, channels), dtype, endpoint=True)


def exif() -> bytes:
    block = Image.Exif()
    block[ExifTags.Base.Make] = "a camera"
    block[ExifTags.Base.Rating] = 5
    block[ExifTags.Base.XPTitle] = "A hole".encode("utf-16le")
    block.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] = 200
    return block.tobytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_png_gives_back_every_kind_of_photo(tmp_path, dtype, channels, has_alpha):
    alpha = planes(dtype, 1)[..., 0] if has_alpha else None
    photo = Photo(
        planes(dtype, channels),
        alpha=alpha,
        metadata=Metadata(icc=PROFILE, exif=exif()),
    )
    write_photo(tmp_path / "a.png", photo)
    back = read_photo(tmp_path / "a.png")
    assert back.pixels.dtype == dtype
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert (back.alpha is None) == (alpha is None)
    if has_alpha:
        np.testing.assert_array_equal(back.alpha, alpha)
    assert back.metadata.icc == PROFILE
    assert back.metadata.exif == photo.metadata.exif
    with Image.open(tmp_path / "a.png") as image:
        image.verify()


def test_a_photo_of_one_pixel_is_written_and_read(tmp_path):
    for dtype in (np.uint8, np.uint16):
        pixel = np.full((1, 1, 3), 77, dtype)
        write_photo(tmp_path / "a.png", Photo(pixel), overwrite=True)
        np.testing.assert_array_equal(read_photo(tmp_path / "a.png").pixels, pixel)


FULL = Metadata(
    icc=PROFILE,
    exif=exif(),
    xmp=b"<x:xmpmeta>a person</x:xmpmeta>",
    iptc=b"\x1c\x02\x5a\0\x03Zug",
    texts={"Title": "A hole"},
    dpi=(300.0, 300.0),
)


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("a.png", ""),
        ("a.tif", "texts"),
        ("a.jpg", "texts"),
        ("a.webp", "IPTC, texts, resolution"),
    ],
)
def test_what_a_file_carries_comes_back_or_is_said_before(tmp_path, caplog, name, lost):
    photo = Photo(planes(np.uint8, 3), metadata=FULL)
    with caplog.at_level(logging.WARNING):
        check_format(tmp_path / name, photo)
    said = [text for text in caplog.messages if "cannot store" in text]
    assert [f"cannot store {lost}: left out" in text for text in said] == [True] * bool(
        lost
    )
    write_photo(tmp_path / name, photo)
    back = read_photo(tmp_path / name).metadata
    for field in ("icc", "exif", "xmp"):
        assert getattr(back, field) == getattr(FULL, field)
    assert (back.iptc or b"").rstrip(b"\0") == (b"" if "IPTC" in lost else FULL.iptc)
    assert dict(back.texts) == ({} if "texts" in lost else FULL.texts)
    dpi = np.array(back.dpi or (0, 0))
    np.testing.assert_allclose(dpi, 0 if "resolution" in lost else 300, atol=0.01)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("has_alpha", [False, True])
def test_tiff_and_webp_hold_every_pixel_that_they_can(
    tmp_path, dtype, channels, has_alpha
):
    alpha = planes(dtype, 1)[..., 0] if has_alpha else None
    photo = Photo(planes(dtype, channels), alpha=alpha)
    write_photo(tmp_path / "a.webp", photo)
    back = read_photo(tmp_path / "a.webp")
    np.testing.assert_array_equal(back.rgb(), photo.rgb())
    write_photo(tmp_path / "a.tif", photo)
    back = read_photo(tmp_path / "a.tif")
    if dtype == np.uint16 and (channels, has_alpha) == (1, True):
        photo = Photo(np.repeat(photo.pixels, 3, -1), alpha)  # else nothing reads it
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert (back.alpha is None) == (alpha is None)
    if has_alpha:
        np.testing.assert_array_equal(back.alpha, alpha)


def test_what_pillow_reads_by_default_is_written_so(tmp_path):
    text = "a long story " * 100_000
    write_photo(
        tmp_path / "a.png",
        Photo(planes(np.uint8, 3), metadata=Metadata(texts={"Story": text})),
    )
    code = "import sys; from PIL import Image; image = Image.open(sys.argv[1])"
    code += "; print(len(image.text['Story']))"
    call = [sys.executable, "-c", code, str(tmp_path / "a.png")]
    done = subprocess.run(call, capture_output=True, text=True)
    assert done.stdout.strip() == str(len(text))


def test_exif_too_long_for_jpeg_is_said_and_left_out(tmp_path, caplog):
    block = Image.Exif()
    block[ExifTags.Base.ImageDescription] = "words " * 12_000
    photo = Photo(planes(np.uint8, 3), metadata=Metadata(exif=block.tobytes()))
    with caplog.at_level(logging.WARNING):
        check_format(tmp_path / "a.jpg", photo)
    assert "JPEG cannot store EXIF: left out" in caplog.text
    write_photo(tmp_path / "a.jpg", photo)
    assert read_photo(tmp_path / "a.jpg").metadata.exif is None


def test_a_lossy_format_says_that_it_changes_known_pixels(tmp_path, caplog):
    photo = Photo(planes(np.uint16, 3), alpha=planes(np.uint16, 1)[..., 0])
    with caplog.at_level(logging.WARNING):
        check_format(tmp_path / "a.jpg", photo)
        check_format(tmp_path / "a.webp", photo, quality=90)
    assert "JPEG changes known pixels" in caplog.messages[0]
    assert "more than 8 bits, alpha channel: left out" in caplog.messages[1]
    assert "WEBP changes known pixels" in caplog.messages[2]


def test_a_profile_of_grey_goes_into_no_format_of_colours(tmp_path, caplog):
    gray = bytes(16) + b"GRAY" + bytes(12)
    photo = Photo(planes(np.uint8, 1), metadata=Metadata(icc=gray))
    with caplog.at_level(logging.WARNING):
        for name, icc in {"a.png": gray, "a.jpg": gray, "a.webp": None}.items():
            check_format(tmp_path / name, photo)
            write_photo(tmp_path / name, photo)
            assert read_photo(tmp_path / name).metadata.icc == icc
    assert "WEBP cannot store grey ICC profile" in caplog.text


def test_a_side_that_a_format_does_not_take_is_refused(tmp_path):
    photo = Photo(np.zeros((1, 16384, 1), np.uint8))
    with pytest.raises(InputError, match="at most 16383 pixels a side.*16384 x 1"):
        check_format(tmp_path / "a.webp", photo)


def test_gray_stays_gray_in_jpeg(tmp_path):
    write_photo(tmp_path / "a.jpeg", Photo(planes(np.uint16, 1)))
    with Image.open(tmp_path / "a.jpeg") as image:
        assert image.mode == "L"


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "a.png"
    first, second = Photo(planes(np.uint8, 3)), Photo(planes(np.uint8, 3))
    write_photo(path, first)
    with pytest.raises(InputError, match="exists; pass --overwrite"):
        write_photo(path, second)
    np.testing.assert_array_equal(read_photo(path).pixels, first.pixels)
    write_photo(path, second, overwrite=True)
    np.testing.assert_array_equal(read_photo(path).pixels, second.pixels)


def test_the_source_is_never_overwritten_not_even_by_another_name(tmp_path):
    write_photo(tmp_path / "a.png", Photo(planes(np.uint8, 3)))
    before = (tmp_path / "a.png").read_bytes()
    photo = read_photo(tmp_path / "a.png")
    os.link(tmp_path / "a.png", tmp_path / "same.png")
    for name in ("a.png", "same.png", "../" + tmp_path.name + "/a.png"):
        with pytest.raises(InputError, match="is the input itself"):
            write_photo(tmp_path / name, photo, overwrite=True)
    assert (tmp_path / "a.png").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.gif", "must end in .png"),
        ("folder.png", "is a folder"),
        ("file.txt/a.png", "lies below .*file.txt, which is a file"),
        ("file.txt/deeper/a.png", "lies below .*file.txt, which is a file"),
    ],
)
def test_places_that_cannot_be_written_are_named(tmp_path, name, words):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(InputError, match=words) as raised:
        write_photo(tmp_path / name, Photo(planes(np.uint8, 3)))
    assert "\n" not in str(raised.value)


def test_a_folder_without_the_right_to_write_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    with pytest.raises(InputError, match="cannot be written to"):
        write_photo(tmp_path / "new" / "a.png", Photo(planes(np.uint8, 3)))
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made(tmp_path):
    write_photo(tmp_path / "x" / "y" / "a.png", Photo(planes(np.uint8, 1)))
    assert (tmp_path / "x" / "y" / "a.png").is_file()


def test_a_failed_write_leaves_neither_file_nor_remains(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="cannot be written: No space left"):
        write_photo(tmp_path / "a.png", Photo(planes(np.uint8, 3)))
    assert list(tmp_path.iterdir()) == []
