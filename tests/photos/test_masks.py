"""What a mask file means: one test a row of docs/guide/masks.md."""

import logging

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.decoding import upright
from tf_edgeconnect.photos.masks import MaskOptions, fit_mask, grow_hole
from tf_edgeconnect.photos.reading import Photo, read_hole, read_mask

Y, X = np.mgrid[0:64, 0:96]
SCENE = np.stack([2 * X, 3 * Y, (X + Y) % 64 * 3], -1).astype(np.uint8)
HOLE = np.zeros((64, 96), bool)
HOLE[10:30, 10:40] = True
WHITE = HOLE * np.uint8(255)
RED = HOLE[..., None] * np.array([255, 0, 0], np.uint8)
LABELS = np.zeros((64, 96), np.uint8)
LABELS[HOLE] = 1
LABELS[40:50, 50:60] = 2
PHOTO = Photo(SCENE)


def palette(indices, *colours):
    image = Image.fromarray(indices).convert("L")
    image.putpalette([value for colour in colours for value in colour])
    assert image.mode == "P"
    return image


def painted(colour, alpha=WHITE):
    colour = np.broadcast_to(np.array(colour, np.uint8), (64, 96, 3))
    return np.dstack([colour, alpha])


def save(path, picture, **options):
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture)
    picture.save(path, **options)
    return path


MASKS = {
    "8 bit": ("m.png", WHITE),
    "JPEG": ("m.jpg", WHITE),
    "one bit": ("m.png", HOLE),
    "0 and 1": ("m.png", WHITE // 255),
    "0 and 127": ("m.png", WHITE // 2),
    "16 bit, 0 and 65535": ("m.png", WHITE * np.uint16(257)),
    "16 bit, 0 and 255": ("m.png", WHITE.astype(np.uint16)),
    "32 bit, 0 and 255": ("m.tif", WHITE.astype(np.int32)),
    "float, 0 and 1": ("m.tif", HOLE.astype(np.float32)),
    "label 1 of a palette": ("m.png", palette(LABELS % 2, (0, 0, 0), (128, 0, 0))),
    "grey palette": ("m.png", palette(LABELS % 2, (0, 0, 0), (255, 255, 255))),
    "grey palette, white first": (
        "m.png",
        palette(1 - LABELS % 2, (255, 255, 255), (0, 0, 0)),
    ),
    "red on black": ("m.png", RED),
    "red on black, JPEG": ("m.jpg", RED),
    "red on black, GIF": ("m.gif", RED),
    "black paint": ("m.png", painted((0, 0, 0))),
    "white paint": ("m.webp", painted((255, 255, 255))),
    "the photo erased": ("m.png", painted(SCENE, 255 - WHITE)),
    "white, black and transparent": (
        "m.png",
        np.dstack([WHITE, WHITE, WHITE, np.where(X < 80, 255, 0).astype(np.uint8)]),
    ),
}


@pytest.mark.parametrize("kind", MASKS)
def test_a_mask_of_any_kind_gives_the_same_hole(tmp_path, kind):
    name, picture = MASKS[kind]
    np.testing.assert_array_equal(read_mask(save(tmp_path / name, picture)), HOLE)


REFUSED = {
    "brightest grey 127": (np.where(HOLE, 127, X // 8).astype(np.uint8), "0, 1, 2, 3"),
    "a colour photo": (SCENE, "is a colour photo"),
    "a photo of a palette": (Image.fromarray(SCENE).quantize(256), "is a colour photo"),
    "a grey photo": (SCENE[..., 2], "is a grey photo"),
    "one grey": (np.full((64, 96), 200, np.uint8), "only one value, 200 of 255"),
    "no black": (255 * np.dstack([HOLE, 0 * HOLE, ~HOLE]).astype("u1"), "no black"),
    "no number": (np.where(HOLE, np.nan, 0).astype(np.float32), "not numbers"),
    "transparent everywhere": (painted((9, 9, 9), WHITE * 0), "transparent everywhere"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_mask_is_refused_in_one_line_with_what_was_found(tmp_path, kind):
    picture, words = REFUSED[kind]
    path = save(tmp_path / "m.tif", picture)
    with pytest.raises(InputError, match=f"mask .*m.tif .*{words}.*--mask-from") as why:
        read_mask(path)
    assert "\n" not in str(why.value)


def test_one_value_is_no_hole_in_black_and_all_hole_in_white(tmp_path):
    black = save(tmp_path / "black.png", WHITE * 0)
    assert not read_mask(black).any()
    assert read_mask(save(tmp_path / "white.png", WHITE * 0 + 255)).all()
    with pytest.raises(InputError, match=r"black.png has no hole.*--allow-empty"):
        read_hole(black, PHOTO)
    assert not read_hole(black, PHOTO, MaskOptions(allow_empty=True)).any()


def test_grey_borders_are_cut_at_half(tmp_path):
    soft = Image.fromarray(WHITE).filter(ImageFilter.GaussianBlur(3))
    expected = np.asarray(soft) > 127.5
    np.testing.assert_array_equal(read_mask(save(tmp_path / "a.png", soft)), expected)
    red = Image.fromarray(RED).filter(ImageFilter.GaussianBlur(1))
    expected = np.asarray(red)[..., 0] > 127.5
    np.testing.assert_array_equal(read_mask(save(tmp_path / "b.png", red)), expected)


def test_the_published_script_takes_all_that_is_not_black(tmp_path):
    path = save(tmp_path / "m.png", np.array([[0, 1, 128, 255]], np.uint8))
    mask = read_mask(path, options=MaskOptions(threshold=0))
    assert mask.tolist() == [[False, True, True, True]]


def test_labels_are_all_but_the_background_or_one_of_them(tmp_path):
    colours = (0, 0, 0), (128, 0, 0), (0, 128, 0)
    path = save(tmp_path / "m.png", palette(LABELS, *colours))
    np.testing.assert_array_equal(read_mask(path), LABELS > 0)
    for number in (1, 2):
        one = read_mask(path, options=MaskOptions(label=number))
        np.testing.assert_array_equal(one, LABELS == number)
    with pytest.raises(InputError, match="no label 7, but 0, 1, 2"):
        read_mask(path, options=MaskOptions(label=7))
    ids = save(tmp_path / "ids.png", LABELS)
    with pytest.raises(InputError, match="values are 0, 1, 2 of 255"):
        read_mask(ids)
    labels = read_mask(ids, options=MaskOptions(kind="labels"))
    np.testing.assert_array_equal(labels, LABELS > 0)


def test_the_kind_that_is_asked_for_decides(tmp_path):
    path = save(tmp_path / "m.png", painted((255, 255, 255)))
    for kind, expected in {
        "paint": HOLE,
        "transparency": ~HOLE,
        "grey": HOLE,
    }.items():
        mask = read_mask(path, options=MaskOptions(kind=kind))
        np.testing.assert_array_equal(mask, expected)
    opaque = save(tmp_path / "opaque.png", WHITE)
    for kind in ("paint", "transparency"):
        with pytest.raises(
            InputError, match=f"no transparent part, as {kind} requires"
        ):
            read_mask(opaque, options=MaskOptions(kind=kind))


def test_what_is_unusual_is_said_and_marked_to_be_said_once(tmp_path, caplog):
    read_mask(save(tmp_path / "usual.png", WHITE))
    assert not caplog.messages
    with caplog.at_level(logging.WARNING):
        read_mask(save(tmp_path / "m.png", WHITE // 255))
        read_hole(save(tmp_path / "white.png", 255 - WHITE), PHOTO)
    assert (
        "only the values 0 and 1: the larger is taken as the hole" in caplog.messages[0]
    )
    assert "mostly hole, and so is its border" in caplog.messages[1]
    assert "--invert-mask" in caplog.messages[1]
    assert all(record.once for record in caplog.records)


def test_the_hole_of_a_photo_is_inverted_then_grown(tmp_path):
    path = save(tmp_path / "m.png", 255 - WHITE)
    hole = read_hole(path, PHOTO, MaskOptions(invert=True, dilate=2))
    expected = np.zeros((64, 96), bool)
    expected[8:32, 8:42] = True
    np.testing.assert_array_equal(hole, expected)


def test_without_a_mask_the_transparent_part_is_the_hole():
    np.testing.assert_array_equal(read_hole(None, Photo(SCENE, 255 - WHITE)), HOLE)
    with pytest.raises(InputError, match="no transparent part to fill; give a mask"):
        read_hole(None, PHOTO)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_made_on_unrotated_pixels_turns_with_its_photo(orientation, caplog):
    stored = fit_mask(HOLE, upright(HOLE, orientation).shape, orientation, "m.png")
    expected = upright(HOLE, orientation) if orientation >= 5 else HOLE
    np.testing.assert_array_equal(stored, expected)
    assert not caplog.messages


def test_a_mask_of_another_size_is_resized_and_said_so(tmp_path, caplog):
    path = save(tmp_path / "m.png", np.array([[0, 255]], np.uint8))
    with caplog.at_level(logging.WARNING):
        mask = read_mask(path)
        wide, square = (fit_mask(mask, size, 1, path) for size in ((2, 4), (4, 4)))
    assert wide.tolist() == [[False, False, True, True]] * 2
    assert square.tolist() == [[False, False, True, True]] * 4
    assert caplog.messages == [
        f"mask {path} is 2 x 1: resized to the photo's 4 x 2",
        f"mask {path} is 2 x 1: stretched to the photo's 4 x 4",
    ]


@pytest.mark.parametrize("pixels", [0, 1, 2, 9])
def test_a_hole_grows_by_whole_pixels_on_all_sides(pixels):
    mask = np.zeros((7, 9), bool)
    mask[3, 4] = mask[0, 0] = True
    y, x = np.mgrid[:7, :9]
    from_middle = np.maximum(abs(y - 3), abs(x - 4))
    expected = (from_middle <= pixels) | (np.maximum(y, x) <= pixels)
    np.testing.assert_array_equal(grow_hole(mask, pixels), expected)
