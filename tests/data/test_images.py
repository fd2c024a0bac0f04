"""Decoding, orientation, grey, crop and resize, against Pillow, OpenCV and skimage."""

import io

import cv2
import numpy as np
import pytest
import skimage
import tensorflow as tf
from PIL import Image, ImageOps

from tf_edgeconnect.data.images import (
    crop_resize,
    decode,
    orient,
    square,
    to_gray,
)


def decoded(contents: bytes) -> np.ndarray:
    """Decodes eagerly and in a tf.data graph, which must agree."""
    eager = decode(tf.constant(contents)).numpy()
    in_graph = tf.data.Dataset.from_tensors(contents).map(decode).get_single_element()
    np.testing.assert_array_equal(eager, in_graph)
    return eager


def by_pillow(contents: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(contents)).convert("RGB"))


def seed(number: int) -> tf.Tensor:
    return tf.constant([5, number], tf.int32)


@pytest.mark.parametrize("quality", [40, 75, 95])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_equals_pillow_and_opencv_on_every_value(
    photo, encode, quality, subsampling, progressive
):
    contents = encode(
        photo(45, 61),
        "JPEG",
        quality=quality,
        subsampling=subsampling,
        progressive=progressive,
    )
    pixels = decoded(contents)
    np.testing.assert_array_equal(pixels, by_pillow(contents))
    by_opencv = cv2.imdecode(np.frombuffer(contents, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(pixels, by_opencv[..., ::-1])


def test_real_photos_equal_pillow_and_opencv_on_every_value(shared):
    photos = sorted((shared / "data" / "photos" / "val").rglob("*.jpg"))[::15]
    assert photos
    for path in photos:
        pixels = decode(tf.io.read_file(str(path))).numpy()
        np.testing.assert_array_equal(pixels, by_pillow(path.read_bytes()))
        np.testing.assert_array_equal(pixels, cv2.imread(str(path))[..., ::-1])


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_jpeg_become_rgb_as_in_pillow(photo, encode, mode):
    contents = encode(Image.fromarray(photo()).convert(mode), "JPEG", quality=90)
    np.testing.assert_array_equal(decoded(contents), by_pillow(contents))


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA"])
def test_png_of_every_mode_equals_pillow(photo, encode, mode):
    picture = Image.fromarray(photo())
    picture.putalpha(Image.fromarray(photo(seed=1)[..., 0]))
    picture = picture.convert("RGB").quantize(16) if mode == "P" else picture
    contents = encode(picture.convert(mode), "PNG")
    np.testing.assert_array_equal(decoded(contents), by_pillow(contents))


def test_palette_png_with_a_transparent_entry_keeps_its_colours(photo, encode):
    contents = encode(Image.fromarray(photo()).quantize(16), "PNG", transparency=3)
    np.testing.assert_array_equal(decoded(contents), by_pillow(contents))


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_keeps_the_upper_eight_bits(channels):
    deep = np.random.default_rng(0).integers(0, 65536, (9, 11, channels), np.uint16)
    contents = cv2.imencode(".png", deep[..., ::-1])[1].tobytes()
    expected = np.broadcast_to((deep >> 8).astype(np.uint8), (9, 11, 3))
    np.testing.assert_array_equal(decoded(contents), expected)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
def test_webp_equals_pillow_and_alpha_is_dropped(photo, encode, mode, lossless):
    picture = Image.fromarray(photo())
    if mode == "RGBA":
        picture.putalpha(Image.fromarray(photo(seed=1)[..., 0]))
    contents = encode(picture, "WEBP", lossless=lossless, exact=True)
    np.testing.assert_array_equal(decoded(contents), by_pillow(contents))


def test_bmp_of_24_bits_equals_pillow_and_others_are_refused(photo, encode):
    contents = encode(photo(), "BMP")
    np.testing.assert_array_equal(decoded(contents), by_pillow(contents))
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(tf.constant(encode(Image.fromarray(photo()).quantize(7), "BMP")))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_a_file_that_ends_half_way_is_refused(photo, encode, kind):
    contents = encode(photo(), kind)
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(tf.constant(contents[: len(contents) // 2]))


@pytest.mark.parametrize("contents", [b"", b"BM", b"a photo, says the name", b"GIF89a"])
def test_bytes_of_no_known_kind_are_refused(contents):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(tf.constant(contents))


def test_a_webp_animation_is_refused(photo, encode):
    frames = [Image.fromarray(photo(seed=number)) for number in range(2)]
    contents = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(tf.errors.InvalidArgumentError, match="a still WebP"):
        decode(tf.constant(contents))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_as_pillow_applies_it(photo, orientation):
    pixels = photo(24, 40)
    picture = Image.fromarray(pixels)
    picture.getexif()[0x0112] = orientation
    turned = orient(tf.constant(pixels), tf.constant(orientation)).numpy()
    np.testing.assert_array_equal(turned, ImageOps.exif_transpose(picture))


def test_gray_has_the_weights_of_skimage(photo):
    image = photo().astype(np.float32) / 255
    gray = to_gray(tf.constant(image)).numpy()[..., 0]
    np.testing.assert_allclose(gray, skimage.color.rgb2gray(image), atol=1e-6)


@pytest.mark.parametrize(
    "shape, box",
    [((10, 16), (0, 3, 10)), ((16, 10), (3, 0, 10)), ((9, 12), (0, 1, 9))],
)
def test_center_is_the_largest_centred_square(shape, box):
    assert tuple(square((*shape, 3), 4, "center", seed(0)).numpy()) == box


def test_random_squares_stay_inside_and_are_never_below_size():
    boxes = np.array([square((50, 90, 3), 20, "random", seed(n)) for n in range(300)])
    top, left, side = boxes.T
    assert side.min() == 20 and side.max() == 50
    assert top.min() == 0 and (top + side).max() == 50
    assert left.min() == 0 and (left + side).max() > 80 and (left + side).max() <= 90


def test_random_squares_of_a_small_photo_vary_in_place_only():
    boxes = np.array([square((20, 90, 3), 64, "random", seed(n)) for n in range(50)])
    assert set(boxes[:, 2]) == {20} and set(boxes[:, 0]) == {0}
    assert len(set(boxes[:, 1])) > 20


@pytest.mark.parametrize("size", [12, 40])
def test_crop_resize_is_antialiased_bilinear(photo, size):
    pixels = photo(50, 70)
    box = tf.constant([4, 7, 44])
    ours = crop_resize(tf.constant(pixels), box, size).numpy()
    cut = pixels[4:48, 7:51].astype(np.float32) / 255
    planes = [
        Image.fromarray(cut[..., channel]).resize((size, size), Image.BILINEAR)
        for channel in range(3)
    ]
    np.testing.assert_allclose(ours, np.stack(planes, -1), atol=1e-5)


def test_a_square_of_the_asked_size_is_not_changed(photo):
    pixels = photo(40, 40)
    ours = crop_resize(tf.constant(pixels), tf.constant([0, 0, 40]), 40).numpy()
    np.testing.assert_array_equal(ours, pixels.astype(np.float32) / np.float32(255))


def test_white_stays_within_one_after_resizing():
    white = tf.fill((37, 37, 3), tf.constant(255, tf.uint8))
    assert crop_resize(white, tf.constant([0, 0, 37]), 24).numpy().max() == 1.0
    resized_edges = tf.fill((37, 37, 1), 255.0001)
    assert crop_resize(resized_edges, tf.constant([0, 0, 37]), 37).numpy().max() == 1.0


def test_an_unknown_crop_is_refused():
    with pytest.raises(ValueError, match="'middle'"):
        square((10, 10, 3), 4, "middle", seed(0))
