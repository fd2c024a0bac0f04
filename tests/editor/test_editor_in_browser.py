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
    return np.asarray(Image.open(io.BytesIO(data)))


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


def test_the_page_asks_no_other_machine_and_raises_no_error(page, server):
    # What the test before this one has done counts too.
    Editor(page, server)
    strangers = [
        one for one in page.requests if not one.startswith((server, "blob:", "data:"))
    ]
    assert [one for one in strangers if one != "about:blank"] == []
    assert page.faults == []
