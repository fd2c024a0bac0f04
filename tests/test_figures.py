"""Sheets of pictures."""

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect import figures
from tf_edgeconnect.figures import (
    Row,
    drawn_edges,
    grid,
    photo_with_hole,
    save,
    sheet,
)

RNG = np.random.default_rng(3)
IMAGE = RNG.random((12, 16, 3))
MASK = np.zeros((12, 16, 1))
MASK[3:9, 4:12] = 1
EDGE = np.zeros((12, 16, 1))
EDGE[6] = 1


def colours_in(picture) -> set:
    return {tuple(colour) for colour in np.asarray(picture).reshape(-1, 3).tolist()}


def test_known_edges_are_black_and_predicted_edges_blue():
    drawn = drawn_edges(EDGE, MASK)
    hole = MASK[..., 0] == 1
    line = EDGE[..., 0] == 1
    assert (drawn[line & hole] == figures.PREDICTED_EDGE).all()
    assert (drawn[line & ~hole] == figures.KNOWN_EDGE).all()
    assert (drawn[~line & ~hole] == 255).all()


def test_faint_edges_are_drawn_with_thin_ink():
    faint = drawn_edges(EDGE * 0.5, np.zeros_like(MASK))[6, 0]
    expected = (255 + np.array(figures.KNOWN_EDGE)) / 2
    np.testing.assert_allclose(faint, expected, atol=0.5)


def test_the_hole_is_painted_and_the_rest_is_the_photo():
    painted = photo_with_hole(IMAGE, MASK)
    hole = MASK[..., 0] == 1
    assert (painted[hole] == figures.HOLE).all()
    np.testing.assert_array_equal(painted[~hole], np.round(IMAGE * 255)[~hole])


@pytest.mark.parametrize(
    "mask",
    [
        MASK * 1.0,
        (MASK * 255).astype(np.uint8),
        MASK.astype(np.uint8),
        MASK[..., 0] == 1,
    ],
)
def test_bytes_and_floats_draw_the_same_sheet(mask):
    whole = np.round(IMAGE * 255)
    expected = np.asarray(sheet([Row(whole / 255, MASK, EDGE, whole / 255)], tile=16))
    row = Row(whole.astype(np.uint8), mask, (EDGE * 255).astype(np.uint8), whole / 255)
    np.testing.assert_array_equal(np.asarray(sheet([row], tile=16)), expected)


def test_a_sheet_holds_every_picture_unscaled_when_it_fits():
    row = Row(IMAGE, MASK, EDGE, IMAGE[::-1])
    page = np.asarray(sheet([row], tile=16))
    wanted = np.round(IMAGE[::-1] * 255)
    found = [
        (y, x)
        for y in range(page.shape[0] - 11)
        for x in range(page.shape[1] - 15)
        if np.array_equal(page[y : y + 12, x : x + 16], wanted)
    ]
    assert len(found) == 1


def test_columns_nobody_has_are_left_out():
    full = sheet([Row(IMAGE, MASK, EDGE, IMAGE)], tile=40)
    short = sheet([Row(IMAGE, MASK, EDGE)], tile=40)
    assert full.width - short.width == 40 + figures.GAP


def test_a_row_without_what_another_has_is_left_blank():
    page = sheet([Row(IMAGE, MASK, EDGE), Row(IMAGE, MASK)], tile=40)
    both = sheet([Row(IMAGE, MASK, EDGE), Row(IMAGE, MASK, EDGE)], tile=40)
    assert page.size == both.size
    assert figures.KNOWN_EDGE in colours_in(page)


def test_rows_of_several_sizes_gray_and_labels_fit_together():
    rows = [
        Row(IMAGE, MASK, EDGE, IMAGE, label="first"),
        Row(RNG.random((30, 20, 1)), np.ones((30, 20)), label="second"),
    ]
    page = sheet(rows, tile=32, title="a title")
    assert page.mode == "RGB"
    assert page.width == 2 * figures.MARGIN + 4 * 32 + 3 * figures.GAP


def test_wrong_rows_are_refused():
    with pytest.raises(ValueError, match="at least one row"):
        sheet([])
    with pytest.raises(ValueError, match="mask of a row must be"):
        sheet([Row(IMAGE, MASK[1:])])


def test_save_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "deep" / "sample.png"
    for colour in ("red", "blue"):
        save(path, Image.new("RGB", (2, 2), colour))
    assert colours_in(Image.open(path)) == {(0, 0, 255)}
    assert [file.name for file in path.parent.iterdir()] == ["sample.png"]


def test_a_grid_lays_out_pictures_row_by_row():
    white, black = np.ones((8, 8)), np.zeros((8, 8))
    rows = [[white, black, white], [black, None]]
    pixels = np.asarray(grid(rows, captions=[["one", "two"], ["three"]], tile=40))
    margin, step = figures.MARGIN + 20, 40 + figures.GAP
    row = figures.GAP + figures.CAPTION_GAP + 40 + figures.SMALL_SIZE
    centres = [
        [tuple(pixels[margin + row * y, margin + step * x]) for x in range(3)]
        for y in range(2)
    ]
    white, black = (255,) * 3, (0,) * 3
    assert centres == [[white, black, white], [black, figures.PAPER, figures.PAPER]]


def test_a_caption_is_cut_to_its_picture_and_one_alone_to_the_row():
    page = grid([[MASK] * 2], captions=[["a long name of a file " * 4, ""]], tile=60)
    assert page.width == 2 * figures.MARGIN + 2 * 60 + figures.GAP
    pixels = np.asarray(page)[figures.MARGIN + 50 :]
    start = figures.MARGIN + 60 + 1
    assert (pixels[:, start : start + figures.GAP - 2] == figures.PAPER).all()
    page = grid([[MASK] * 2], captions=[["a long name of a file " * 4]], tile=60)
    pixels = np.asarray(page)[figures.MARGIN + 50 :]
    assert (pixels[:, start : start + figures.GAP - 2] != figures.PAPER).any()
    assert (pixels[:, -figures.MARGIN + 1 :] == figures.PAPER).all()
