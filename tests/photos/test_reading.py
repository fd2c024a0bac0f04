"""Photos, masks and edge maps read from files."""

import builtins
import io
import logging
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, TiffImagePlugin
from skimage import color

from tests.pictures import png_header
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.metadata import Metadata
from tf_edgeconnect.photos.reading import Photo, read_edges, read_photo

FILES = Path(__file__).parent / "files"
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
    assert (photo.alpha, photo.metadata.icc, photo.metadata.exif) == (None, None, None)
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


def test_all_of_a_tiffs_sixteen_bits_count_and_zero_is_black(tmp_path):
    deep = RNG.integers(0, 65536, (6, 8), np.uint16)
    image = Image.fromarray(~deep)
    image.save(tmp_path / "a.tif", tiffinfo={262: 0})  # white is zero
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").pixels[..., 0], deep)
    twelve = deep >> 4
    first, second = twelve.reshape(-1, 2).T  # two values in three bytes
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1)
    head = TiffImagePlugin.ImageFileDirectory_v2()
    head.update({256: 8, 257: 6, 258: 12, 259: 1, 262: 1, 273: 0, 278: 6, 279: 72})
    stream = io.BytesIO()
    head.save(stream)
    data = stream.getvalue() + packed.astype(np.uint8).tobytes()
    (tmp_path / "b.tif").write_bytes(data)
    found = read_photo(tmp_path / "b.tif").pixels[..., 0]
    np.testing.assert_allclose(found, twelve * (65535 / 4095), atol=1)


def test_a_colour_key_makes_sixteen_bit_gray_transparent(tmp_path):
    deep = np.arange(48, dtype=np.uint16).reshape(6, 8)
    photo = read_photo(save(tmp_path / "a.png", deep, transparency=5))
    np.testing.assert_array_equal(photo.pixels[..., 0], deep)
    np.testing.assert_array_equal(photo.alpha, np.where(deep == 5, 0, 65535))


def test_sixteen_bit_colour_of_other_formats_is_read_or_said_to_be_cut(
    tmp_path, caplog
):
    deep = RNG.integers(0, 65536, (64, 96, 3), np.uint16)
    deep[0, 0] = 65535  # Pillow's decoder of JPEG 2000 makes it black
    for name in ("a.jp2", "a.ppm", "a.tif"):
        arguments = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000]
        cv2.imwrite(str(tmp_path / name), deep[..., ::-1], arguments * ("jp2" in name))
        pixels = read_photo(tmp_path / name).pixels
        np.testing.assert_array_equal(pixels, deep)
    for name in ("ten.avif", "ten.heic"):
        assert read_photo(FILES / name).pixels.dtype == np.uint8
    assert [text.split("/")[-1] for text in caplog.messages] == [
        f"ten.{kind} has 10 bits per channel: only 8 are read"
        for kind in ("avif", "heic")
    ]


def test_what_pillow_or_opencv_would_read_wrongly_is_refused(tmp_path):
    for name, words in {
        "gray_alpha16.tif": "is a TIFF that is damaged or of an unknown kind",
        "premultiplied16.tif": "cannot be decoded at 16 bits",
    }.items():
        with pytest.raises(InputError, match=f"{name}.* {words}; save it as .*PNG"):
            read_photo(FILES / name)
    raw = save(tmp_path / "raw.dng", RGB, format="TIFF", tiffinfo={254: 1})
    with pytest.raises(InputError, match="raw.dng: it is a camera's raw file; develop"):
        read_photo(raw)


def test_cmyk_is_converted_and_said_in_one_line(tmp_path, caplog):
    image = Image.fromarray(RGB).convert("CMYK")
    path = save(tmp_path / "a.jpg", image, icc_profile=b"profile of an ink")
    with caplog.at_level(logging.WARNING):
        photo = read_photo(path)
    expected = np.asarray(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(photo.pixels, expected)
    assert photo.metadata.icc is None
    assert "its ICC profile cannot be used" in caplog.messages[0]
    assert "is CMYK: converted to RGB" in caplog.messages[1]


def test_cmyk_goes_through_its_profile_to_srgb(tmp_path):
    # Argyll's icclu on the profile of this file; scikit-image's Lab to sRGB.
    lab = [[100, 0, 0], [58.105, -40.033, -50.526], [49.846, 71.502, 51.116]]
    lab = np.array([*lab, [17.799, 0.003, 0.624]])
    expected = 255 * color.lab2rgb(lab)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    photo = read_photo(FILES / "inks.jpg")
    with Image.open(FILES / "inks.jpg") as image:
        icc = image.info["icc_profile"]
        image.save(tmp_path / "turned.jpg", exif=turned, icc_profile=icc, quality=95)
    assert read_photo(tmp_path / "turned.jpg").orientation == 6
    found = photo.pixels[8, 8::16]
    # Black is fitted to black besides. Without the profile cyan is off by 96.
    np.testing.assert_allclose(found, expected, atol=28)
    assert photo.metadata.icc is None


def test_lab_comes_as_srgb(tmp_path):
    muted = RGB // 4 + 96
    lab = np.round(color.rgb2lab(muted) * [2.55, 1, 1]).astype(int)
    bytes_of_lab = (lab % 256).astype(np.uint8).tobytes()
    image = Image.frombytes("LAB", (8, 6), bytes_of_lab)
    photo = read_photo(save(tmp_path / "a.tif", image))
    np.testing.assert_allclose(photo.pixels, muted, atol=6)


def test_icc_profile_is_kept(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(save(tmp_path / "a.png", RGB, icc_profile=profile))
    assert photo.metadata.icc == profile


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
    kept.load(photo.metadata.exif)
    assert dict(kept) == {ExifTags.Base.Make: "a camera"}


def test_filling_keeps_known_pixels_and_paints_the_hole():
    photo = Photo(RGB, alpha=ALPHA, metadata=Metadata(icc=b"icc", exif=b"exif"))
    for filling in (FILLING, FILLING.astype(np.float32) / 255):
        result = photo.with_hole_filled(filling, MASK)
        np.testing.assert_array_equal(result.pixels[~MASK], RGB[~MASK])
        np.testing.assert_array_equal(result.pixels[MASK], FILLING[MASK])
        np.testing.assert_array_equal(result.alpha[~MASK], ALPHA[~MASK])
        assert (result.alpha[MASK] == 255).all()  # what is painted can be seen
        assert result.metadata == photo.metadata
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


def test_a_feather_fades_inside_the_hole_alone():
    hole = np.zeros((9, 11), bool)
    hole[1:8, 2:11] = True  # to the right it ends at the picture's border
    photo = Photo(np.full((9, 11, 1), 10, np.uint8))
    filling = np.full((9, 11, 3), 250, np.uint8)
    found = photo.with_hole_filled(filling, hole, feather=2).pixels[..., 0]
    y, x = np.mgrid[:9, :11]
    depth = np.minimum(np.minimum(y, 8 - y), x - 1)  # steps to a known pixel
    share = np.clip(depth, 0, 3) / 3
    np.testing.assert_array_equal(found, np.round(10 + 240 * share))
    transparent = np.zeros((9, 11), np.uint8)
    photo = Photo(photo.pixels, alpha=transparent)
    found = photo.with_hole_filled(filling, hole, feather=2)
    assert (found.pixels[hole] == 250).all()  # nothing of what could not be seen


def test_filling_of_another_size_is_refused():
    with pytest.raises(InputError, match=r"photo is \(6, 8\)"):
        Photo(RGB).with_hole_filled(FILLING, MASK[:, 1:])


def test_edges_keep_their_grays(tmp_path):
    path = save(tmp_path / "e.png", GRAY)
    np.testing.assert_array_equal(read_edges(path), GRAY)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF", "GIF"])
def test_a_format_is_known_by_its_content_not_by_its_name(tmp_path, form):
    for name in ("a.jfif", "a.txt", "a"):
        Image.fromarray(GRAY).convert("L").save(tmp_path / name, form)
        assert read_photo(tmp_path / name).size == (6, 8)


# Of cjpeg, avifenc, ImageMagick and exiftool: tests/photos/files/make.sh.
@pytest.mark.parametrize(
    ("name", "size", "depth", "carried"),
    [
        ("phone.jpg", (96, 64), np.uint8, {"icc", "exif", "xmp", "iptc", "dpi"}),
        ("phone.avif", (96, 64), np.uint8, set()),
        ("phone.png", (96, 64), np.uint8, {"exif", "xmp", "iptc"}),
        ("deep.tif", (48, 32), np.uint16, {"icc", "exif", "xmp", "iptc", "dpi"}),
    ],
)
def test_files_of_other_tools_are_upright_and_whole(name, size, depth, carried):
    photo = read_photo(FILES / name)
    assert (photo.size, photo.pixels.dtype) == (size, depth)
    names = ("icc", "exif", "xmp", "iptc", "dpi")
    assert {name for name in names if getattr(photo.metadata, name)} == carried
    scene = read_photo(FILES / "phone.png")
    if size == scene.size:  # the same scene in all; lossy in two
        difference = photo.pixels.astype(float) - scene.pixels
        assert np.abs(difference).mean() < 8


def test_heic_is_read_by_its_extra_or_names_it(monkeypatch):
    pytest.importorskip("pi_heif")
    photo = read_photo(FILES / "phone.heic")
    assert photo.size == (64, 96)  # the orientation in its EXIF does not count
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(InputError, match=r"phone.heic: HEIC needs pi-heif: pip inst"):
        read_photo(FILES / "phone.heic")


def test_more_pictures_and_gain_maps_are_said_to_be_left_out(tmp_path, caplog):
    one, other = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    for name in ("a.gif", "a.png", "a.webp", "a.tif"):
        one.save(tmp_path / name, save_all=True, append_images=[other])
    one.save(tmp_path / "a.mpo", save_all=True, append_images=[other])
    one.save(tmp_path / "gain.jpg", xmp=b'<rdf hdrgm:Version="1.0"/>')
    with caplog.at_level(logging.WARNING):
        for name in ("a.gif", "a.png", "a.webp", "a.tif", "a.mpo", "gain.jpg"):
            assert read_photo(tmp_path / name).size == (6, 8)
    assert ["several images" in text for text in caplog.messages] == 4 * [True] + [
        False,
        False,
    ]
    assert all("gain map or further images" in text for text in caplog.messages[4:])


def test_large_profiles_and_texts_are_read(tmp_path):
    profile, text = bytes(2_000_000), "words " * 300_000
    info = PngImagePlugin.PngInfo()
    info.add_text("Story", text, zip=True)
    path = save(tmp_path / "a.png", RGB, icc_profile=profile, pnginfo=info)
    photo = read_photo(path)
    assert photo.metadata.icc == profile
    assert photo.metadata.texts == {"Story": text}


def test_the_bound_of_pixels_can_be_raised(tmp_path):
    path = save(tmp_path / "a.png", RGB)
    with pytest.raises(InputError, match="larger than 4.7e-05 megapixels.*8 x 6"):
        read_photo(path, max_pixels=47)
    assert read_photo(path, max_pixels=48).size == (6, 8)


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
    save(folder / "float.tif", np.zeros((2, 2), np.float32))


@pytest.mark.parametrize("read", [read_photo, read_edges])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cut.jpg", "damaged or cut short"),
        ("cut.png", "damaged or cut short"),
        ("text.jpg", "not an image"),
        ("empty.png", "is empty"),
        ("folder.png", "is a folder"),
        ("absent.png", "does not exist"),
        ("huge.png", "larger than 100 megapixels; .*--max-megapixels"),
        ("large.png", r"larger than 100 megapixels \(10001 x 10000\)"),
        ("float.tif", "pixels of an unsupported kind, 'F'"),
    ],
)
def test_bad_files_are_named_in_one_line(tmp_path, read, name, words):
    bad_files(tmp_path)
    with pytest.raises(InputError, match=words) as raised:
        read(tmp_path / name)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_opencv_names_the_package_to_install(tmp_path, monkeypatch):
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


def test_a_ppm_of_ten_bits_keeps_its_brightness(tmp_path):
    values = np.linspace(0, 1023, 48).reshape(4, 4, 3).astype(">u2")
    (tmp_path / "a.ppm").write_bytes(b"P6 4 4 1023\n" + values.tobytes())
    found = read_photo(tmp_path / "a.ppm").pixels
    np.testing.assert_allclose(found, values / 1023 * 255, atol=1)
