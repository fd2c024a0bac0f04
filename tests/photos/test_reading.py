"""Photos, masks and drawings read from files."""

import builtins
import io
import logging
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.reading import (
    Photo,
    grow_hole,
    read_edges,
    read_mask,
    read_photo,
)

RNG = np.random.default_rng(5)
RGB = RNG.integers(0, 256, (6, 8, 3), np.uint8)
GRAY = RNG.integers(0, 256, (6, 8), np.uint8)
ALPHA = RNG.integers(0, 256, (6, 8), np.uint8)
MASK = np.zeros((6, 8), bool)
MASK[2:4, 3:6] = True
FILLING = RNG.integers(0, 256, (6, 8, 3), np.uint8)


def save(path, image, **options):
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    image.save(path, **options)
    return path


def rgba(alpha=ALPHA):
    return Image.fromarray(np.dstack([RGB, alpha]))


def gray_alpha():
    image = Image.fromarray(GRAY).convert("LA")
    image.putalpha(Image.fromarray(ALPHA))
    return image


def test_rgb_and_gray_are_read_as_they_are(tmp_path):
    photo = read_photo(save(tmp_path / "a.png", RGB))
    np.testing.assert_array_equal(photo.pixels, RGB)
    assert photo.size == (6, 8)
    assert (photo.alpha, photo.icc, photo.exif) == (None, None, None)
    gray = read_photo(save(tmp_path / "b.bmp", GRAY))
    np.testing.assert_array_equal(gray.pixels, GRAY[..., None])
    np.testing.assert_array_equal(gray.rgb(), np.repeat(GRAY[..., None], 3, -1))


def test_alpha_is_kept_apart_from_the_colours_under_it(tmp_path):
    photo = read_photo(save(tmp_path / "a.png", rgba()))
    np.testing.assert_array_equal(photo.pixels, RGB)
    np.testing.assert_array_equal(photo.alpha, ALPHA)
    photo = read_photo(save(tmp_path / "b.png", gray_alpha()))
    np.testing.assert_array_equal(photo.pixels, GRAY[..., None])
    np.testing.assert_array_equal(photo.alpha, ALPHA)


def test_a_palette_becomes_its_colours_with_their_transparency(tmp_path):
    palette = Image.new("P", (2, 2))
    palette.putdata([0, 1, 2, 0])
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    photo = read_photo(save(tmp_path / "a.png", palette))
    assert photo.pixels[0].tolist() == [[10, 20, 30], [40, 50, 60]]
    assert photo.alpha is None
    photo = read_photo(save(tmp_path / "b.png", palette, transparency=2))
    assert photo.pixels[1].tolist() == [[70, 80, 90], [10, 20, 30]]
    assert photo.alpha.tolist() == [[255, 255], [0, 255]]


def test_one_bit_becomes_gray(tmp_path):
    bits = GRAY > 127
    photo = read_photo(save(tmp_path / "a.png", bits))
    np.testing.assert_array_equal(photo.pixels[..., 0], bits * 255)


def test_sixteen_bit_gray_stays_sixteen_bit(tmp_path):
    deep = RNG.integers(0, 65536, (6, 8), np.uint16)
    photo = read_photo(save(tmp_path / "a.png", deep))
    assert photo.pixels.dtype == np.uint16
    np.testing.assert_array_equal(photo.pixels[..., 0], deep)
    np.testing.assert_array_equal(photo.rgb()[..., 1], deep >> 8)


def test_cmyk_is_converted_and_said_in_one_line(tmp_path, caplog):
    image = Image.fromarray(RGB).convert("CMYK")
    path = save(tmp_path / "a.jpg", image, icc_profile=b"profile of an ink")
    with caplog.at_level(logging.WARNING):
        photo = read_photo(path)
    expected = np.asarray(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.icc is None
    assert len(caplog.messages) == 1
    assert "is CMYK: converted to RGB" in caplog.messages[0]


def test_icc_profile_is_kept(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(save(tmp_path / "a.png", RGB, icc_profile=profile))
    assert photo.icc == profile


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_orientation_is_applied_and_its_tag_dropped(tmp_path, suffix, turn):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    exif[ExifTags.Base.Make] = "a camera"
    path = save(tmp_path / f"a.{suffix}", RGB, exif=exif)
    photo = read_photo(path)
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0)}.get(turn)
    if suffix == "png":
        # EXIF 2.32, tag 274: where the stored first row and column are seen.
        expected = {
            1: RGB,
            2: np.fliplr(RGB),
            3: np.rot90(RGB, 2),
            4: np.flipud(RGB),
            5: RGB.swapaxes(0, 1),
            6: np.rot90(RGB, -1),
            7: np.rot90(RGB.swapaxes(0, 1), 2),
            8: np.rot90(RGB, 1),
        }[turn]
        np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.size == ((6, 8) if corner else (8, 6))
    kept = Image.Exif()
    kept.load(photo.exif)
    assert dict(kept) == {ExifTags.Base.Make: "a camera"}


def test_filling_keeps_known_pixels_and_paints_the_hole():
    photo = Photo(RGB, alpha=ALPHA, icc=b"icc", exif=b"exif")
    for filling in (FILLING, FILLING.astype(np.float32) / 255):
        result = photo.with_hole_filled(filling, MASK)
        np.testing.assert_array_equal(result.pixels[~MASK], RGB[~MASK])
        np.testing.assert_array_equal(result.pixels[MASK], FILLING[MASK])
        np.testing.assert_array_equal(result.alpha, ALPHA)
        assert (result.icc, result.exif) == (b"icc", b"exif")
    assert np.array_equal(photo.pixels, RGB)  # the photo itself is not changed


def test_filling_keeps_gray_gray():
    result = Photo(GRAY[..., None]).with_hole_filled(FILLING, MASK)
    assert result.pixels.shape == (6, 8, 1)
    np.testing.assert_array_equal(result.pixels[~MASK, 0], GRAY[~MASK])
    expected = FILLING[MASK] @ [0.2125, 0.7154, 0.0721]
    np.testing.assert_allclose(result.pixels[MASK, 0], expected, atol=0.51)


def test_filling_keeps_sixteen_bits():
    deep = RNG.integers(0, 65536, (6, 8, 3), np.uint16)
    result = Photo(deep).with_hole_filled(FILLING, MASK)
    assert result.pixels.dtype == np.uint16
    np.testing.assert_array_equal(result.pixels[~MASK], deep[~MASK])
    # 255 -> 65535: a byte is spread by 257
    np.testing.assert_array_equal(result.pixels[MASK], FILLING[MASK] * np.uint16(257))


def test_filling_of_another_size_is_refused():
    with pytest.raises(InputError, match=r"photo is \(6, 8\)"):
        Photo(RGB).with_hole_filled(FILLING, MASK[:, 1:])


def test_mask_is_a_hole_where_it_is_lighter_than_half_gray(tmp_path):
    path = save(tmp_path / "m.png", np.array([[0, 127], [128, 255]], np.uint8))
    assert read_mask(path).tolist() == [[False, False], [True, True]]
    deep = np.array([[0, 32767], [32768, 65535]], np.uint16)
    path = save(tmp_path / "d.png", deep)
    assert read_mask(path).tolist() == [[False, False], [True, True]]
    path = save(tmp_path / "b.png", np.array([[True, False]]))
    assert read_mask(path).tolist() == [[True, False]]


def test_mask_may_be_drawn_in_white_on_a_transparent_ground(tmp_path):
    pixels = np.full((1, 3, 4), 255, np.uint8)
    pixels[0, :, 3] = [0, 255, 100]
    assert read_mask(save(tmp_path / "m.png", pixels)).tolist() == [
        [False, True, False]
    ]


def test_colours_of_a_mask_count_as_their_gray(tmp_path):
    colours = np.array([[[0, 255, 0], [255, 0, 0], [0, 0, 255]]], np.uint8)
    path = save(tmp_path / "m.png", colours)
    assert read_mask(path).tolist() == [[True, False, False]]  # 0.7154 against 0.5


def test_mask_of_another_size_is_resized_and_said_so(tmp_path, caplog):
    path = save(tmp_path / "m.png", np.array([[0, 255]], np.uint8))
    with caplog.at_level(logging.WARNING):
        mask = read_mask(path, size=(2, 4))
    assert mask.tolist() == [[False, False, True, True]] * 2
    assert caplog.messages == [f"mask {path} is 2 x 1: resized to the photo's 4 x 2"]


@pytest.mark.parametrize("pixels", [0, 1, 2, 9])
def test_a_hole_grows_by_whole_pixels_on_all_sides(pixels):
    mask = np.zeros((7, 9), bool)
    mask[3, 4] = mask[0, 0] = True
    y, x = np.mgrid[:7, :9]
    from_middle = np.maximum(abs(y - 3), abs(x - 4))
    expected = (from_middle <= pixels) | (np.maximum(y, x) <= pixels)
    np.testing.assert_array_equal(grow_hole(mask, pixels), expected)


def test_edges_keep_their_grays(tmp_path):
    path = save(tmp_path / "e.png", GRAY)
    np.testing.assert_array_equal(read_edges(path), GRAY)


def png_header(width, height) -> bytes:
    stream = io.BytesIO()
    Image.new("1", (8, 8)).save(stream, "PNG")
    data = bytearray(stream.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def bad_files(folder):
    save(folder / "whole.jpg", np.tile(RGB, (20, 20, 1)))
    save(folder / "whole.png", np.tile(RGB, (20, 20, 1)))
    for name in ("whole.jpg", "whole.png"):
        data = (folder / name).read_bytes()
        (folder / name.replace("whole", "cut")).write_bytes(data[: len(data) // 2])
    (folder / "text.jpg").write_text("these are words")
    (folder / "empty.png").write_bytes(b"")
    (folder / "folder.png").mkdir()
    (folder / "huge.png").write_bytes(png_header(20_000, 20_000))
    (folder / "large.png").write_bytes(png_header(10_001, 10_000))
    (folder / "float.tif").write_bytes(b"")
    save(folder / "float.tif", np.zeros((2, 2), np.float32))


@pytest.mark.parametrize("read", [read_photo, read_mask, read_edges])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.jpg", "damaged or cut short"),
        ("cut.png", "damaged or cut short"),
        ("text.jpg", "not an image"),
        ("empty.png", "is empty"),
        ("folder.png", "is a folder"),
        ("absent.png", "does not exist"),
        ("huge.png", "larger than 100 megapixels"),
        ("large.png", r"larger than 100 megapixels \(10001 x 10000\)"),
        ("float.tif", "pixels of kind 'F'"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path, read, name, words):
    bad_files(tmp_path)
    with pytest.raises(InputError, match=words) as raised:
        read(tmp_path / name)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_opencv_is_told_with_the_package_to_install(tmp_path, monkeypatch):
    from tf_edgeconnect.photos.writing import write_photo

    deep = RNG.integers(0, 65536, (3, 4, 3), np.uint16)
    write_photo(tmp_path / "deep.png", Photo(deep))
    real = builtins.__import__

    def without_cv2(name, *arguments, **options):
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_cv2)
    with pytest.raises(InputError, match="libGL.*pip install opencv-python-headless"):
        read_photo(tmp_path / "deep.png")
