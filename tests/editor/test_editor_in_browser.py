"""The editor as a person uses it: headless Chromium, a real page, a real server.

`EDITOR_PICTURES=folder` keeps pictures of what is seen.
"""

import io
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tests.editor.chromium import MISSING, Page, find_chromium
from tests.editor.story import Editor
from tf_edgeconnect import edge_generator, inpaint_generator
from tf_edgeconnect.editor.painters import LocalPainter
from tf_edgeconnect.editor.server import EditorServer
from tf_edgeconnect.inference import Inpainter

pytestmark = pytest.mark.skipif(find_chromium() is None, reason=MISSING)

SIZE = 96, 64  # width, height
HOLE = [(0.3, 0.3), (0.7, 0.7)]


@pytest.fixture(scope="module")
def server():
    keras.utils.set_random_seed(3)
    options = {"filters": 4, "residual_blocks": 1, "initializer": "he"}
    networks = edge_generator(**options), inpaint_generator(**options)
    with EditorServer(LocalPainter(Inpainter(*networks))) as server:
        yield f"http://127.0.0.1:{server.port}/"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with Page(tmp_path_factory.mktemp("downloads")) as page:
        yield page


@pytest.fixture
def photo(tmp_path):
    rows, columns = np.mgrid[: SIZE[1], : SIZE[0]]
    pixels = np.stack([rows * 3, columns * 2, (rows // 8 + columns // 8) % 2 * 200], -1)
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def keep(page, name):
    folder = os.environ.get("EDITOR_PICTURES")
    if folder:
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / f"{name}.png").write_bytes(page.picture())


def downloaded(page, what):
    page.click(f"#keep-{what}")
    ending = "filled" if what == "photo" else what
    data = page.downloaded(f"photo_{ending}.png")
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_a_stroke_changes_the_filling_and_nothing_outside_the_hole(page, server, photo):
    before = np.asarray(Image.open(photo))
    editor = Editor(page, server)
    keep(page, "1_welcome")
    editor.load(photo)
    editor.choose("rectangle")
    editor.draw(HOLE, SIZE)
    keep(page, "2_hole")
    editor.press("find")
    keep(page, "3_lines")
    editor.press("fill")
    keep(page, "4_filled")
    first = downloaded(page, "photo")
    hole = downloaded(page, "mask")[..., 0] > 127
    lines = downloaded(page, "lines")[..., 0]

    editor.press("edit-again")
    editor.choose("pencil")
    editor.draw([(0.1, 0.5), (0.5, 0.4), (0.9, 0.5)], SIZE)
    keep(page, "5_stroke")
    editor.press("fill")
    keep(page, "6_filled_along_it")
    second = downloaded(page, "photo")
    drawn = downloaded(page, "lines")[..., 0]

    assert 0.1 < hole.mean() < 0.25
    for filled in (first, second):
        np.testing.assert_array_equal(filled[~hole], before[~hole])
    assert (drawn[hole] > lines[hole]).any()
    np.testing.assert_array_equal(drawn[~hole], lines[~hole])
    assert (first[hole] != second[hole]).any()
    assert page.run("document.querySelectorAll('#cards button').length") == 2


def test_kept_files_can_be_loaded_again(page, server, photo, tmp_path):
    editor = Editor(page, server)
    editor.load(photo)
    editor.draw([(0.4, 0.4), (0.6, 0.6)], SIZE)
    editor.press("find")
    editor.draw([(0.3, 0.45), (0.7, 0.5)], SIZE)
    kept = {what: downloaded(page, what) for what in ("mask", "lines")}
    assert (kept["mask"] > 0).any() and (kept["lines"] > 0).any()

    editor.load(photo)
    assert not downloaded(page, "mask").any()
    for what, pixels in kept.items():
        Image.fromarray(pixels).save(tmp_path / f"{what}.png")
        editor.give(what, tmp_path / f"{what}.png")
    np.testing.assert_array_equal(downloaded(page, "mask"), kept["mask"])
    hole = kept["mask"] > 0
    np.testing.assert_array_equal(downloaded(page, "lines")[hole], kept["lines"][hole])
    editor.press("undo")
    assert not downloaded(page, "lines").any()
    editor.press("undo")
    assert not downloaded(page, "mask").any()


def test_a_sketch_of_another_photo_goes_into_the_hole(page, server, photo, tmp_path):
    square = np.zeros((64, 96), np.uint8)
    square[20:44, 30:66] = 255
    Image.fromarray(square).save(tmp_path / "other.png")
    editor = Editor(page, server)
    editor.load(photo)
    editor.choose("rectangle")
    editor.draw([(0, 0), (0.5, 1)], SIZE)
    editor.give("sketch", tmp_path / "other.png")
    editor.set("sketch-size", 0.9)
    editor.wait()
    editor.draw([(0.5, 0.5), (0.4, 0.5)], SIZE)
    keep(page, "7_sketch")
    editor.press("put")
    lines = downloaded(page, "lines")[..., 0] > 127
    # A square of 36 x 24, nine tenths as large, its middle a tenth left of the photo's.
    middle, left = round(0.4 * SIZE[0]), round(0.4 * SIZE[0] - 18 * 0.9)
    rows, columns = np.nonzero(lines)
    assert abs(columns.min() - left) <= 2 and columns.max() < SIZE[0] / 2
    assert abs(rows.min() - (32 - 12 * 0.9)) <= 2 and middle in columns


def test_a_sample_is_filled_after_two_clicks(page, server):
    editor = Editor(page, server)
    editor.sample(4)
    editor.press("fill")
    assert page.run("document.querySelectorAll('#cards button').length") == 1


def test_a_bad_file_is_told_in_one_sentence(page, server, tmp_path):
    (tmp_path / "notes.jpg").write_text("no photo")
    Editor(page, server)
    page.give("#photo-file", tmp_path / "notes.jpg")
    page.wait("!document.getElementById('trouble').hidden")
    keep(page, "8_bad_file")
    sentence = page.run("document.getElementById('trouble').textContent")
    assert sentence == "Photo notes.jpg is not an image that can be read."
    page.faults.clear()  # the browser notes the refusal, too


def test_the_page_asks_no_other_machine_and_raises_no_error(page, server):
    # What the tests before this one have done counts too.
    Editor(page, server)
    strangers = [
        one for one in page.requests if not one.startswith((server, "blob:", "data:"))
    ]
    assert [one for one in strangers if one != "about:blank"] == []
    assert page.faults == []
