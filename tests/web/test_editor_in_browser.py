"""The editor as a person uses it: headless Chromium, a real page, a real server.

`EDITOR_PICTURES=folder` keeps pictures of what is seen.
"""

import io
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from PIL import Image

from tests.web.browser import MISSING, find_chromium, open_page
from tests.web.story import Story
from tf_edgeconnect import edge_generator, inpaint_generator
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.keras import KerasBackend
from tf_edgeconnect.web.editor import Editor
from tf_edgeconnect.web.serve import LocalServer

pytestmark = pytest.mark.skipif(find_chromium() is None, reason=MISSING)

SIZE = 96, 64  # width, height
HOLE = [(0.3, 0.3), (0.7, 0.7)]


@pytest.fixture(scope="module")
def server():
    keras.utils.set_random_seed(3)
    options = {"filters": 4, "residual_blocks": 1, "initializer": "he"}
    networks = edge_generator(**options), inpaint_generator(**options)
    editor = Editor(Inpainter(KerasBackend(*networks)))
    with LocalServer(editor.app(), "127.0.0.1") as server:
        yield server.url


BANDS = 20, 40  # rows


class Bands:
    """Stands for an `Inpainter`: predicts two soft edges, paints region by region."""

    description, sigma, takes_sigma, on_region = "bands", 2.0, False, None

    def __init__(self):
        self.told, self.may_go_on = threading.Event(), threading.Event()

    def predict_edges(self, image, mask, *, sigma=None):
        beside = np.arange(SIZE[1])[:, None] - np.array(BANDS)
        return np.uint8(150 * np.exp(-((beside / 2) ** 2)).max(1))[:, None] * mask

    def paint(self, image, mask, edges, *, sigma=None):
        self.on_region(2, 5)
        self.told.set()
        assert self.may_go_on.wait(60)
        return image


@pytest.fixture(scope="module")
def bands():
    """The address of an editor of `Bands`, and its inpainter."""
    inpainter = Bands()
    with LocalServer(Editor(inpainter).app(), "127.0.0.1") as server:
        yield SimpleNamespace(url=server.url, inpainter=inpainter)


@pytest.fixture(scope="module")
def seen():
    """What the page asked for, and what its console holds of errors."""
    return {"requests": [], "faults": []}


@pytest.fixture(scope="module")
def page(seen):
    def note(message):
        if message.type == "error":
            seen["faults"].append(message.text)

    with open_page() as page:
        page.on("request", lambda request: seen["requests"].append(request.url))
        page.on("pageerror", lambda error: seen["faults"].append(str(error)))
        page.on("console", note)
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
        page.screenshot(path=path / f"{name}.png")


def kept(story, what):
    picture = Image.open(io.BytesIO(story.keep(what)))
    return np.asarray(picture.convert("RGB"))


def test_a_stroke_changes_the_filling_and_nothing_outside_the_hole(page, server, photo):
    before = np.asarray(Image.open(photo))
    story = Story(page, server)
    keep(page, "1_welcome")
    story.give("photo", photo)
    story.choose("rectangle")
    story.draw(HOLE, SIZE)
    keep(page, "2_hole")
    story.press("find")
    keep(page, "3_lines")
    story.press("fill")
    keep(page, "4_filled")
    first = kept(story, "photo")
    hole = kept(story, "mask")[..., 0] > 127
    lines = kept(story, "lines")[..., 0]

    story.press("edit-again")
    story.choose("pencil")
    story.draw([(0.1, 0.5), (0.5, 0.4), (0.9, 0.5)], SIZE)
    keep(page, "5_stroke")
    story.press("fill")
    keep(page, "6_filled_along_it")
    second = kept(story, "photo")
    drawn = kept(story, "lines")[..., 0]

    assert 0.1 < hole.mean() < 0.25
    for filled in (first, second):
        np.testing.assert_array_equal(filled[~hole], before[~hole])
    assert (drawn[hole] > lines[hole]).any()
    np.testing.assert_array_equal(drawn[~hole], lines[~hole])
    assert (first[hole] != second[hole]).any()
    assert page.locator("#cards button").count() == 2


def test_kept_files_can_be_loaded_again(page, server, photo, tmp_path):
    story = Story(page, server)
    story.give("photo", photo)
    story.choose("brush")
    story.draw([(0.4, 0.4), (0.6, 0.6)], SIZE)
    story.press("find")
    story.draw([(0.3, 0.45), (0.7, 0.5)], SIZE)
    saved = {what: kept(story, what) for what in ("mask", "lines")}
    assert (saved["mask"] > 0).any() and (saved["lines"] > 0).any()

    story.give("photo", photo)
    assert not kept(story, "mask").any()
    for what, pixels in saved.items():
        Image.fromarray(pixels).save(tmp_path / f"{what}.png")
        story.give(what, tmp_path / f"{what}.png")
    np.testing.assert_array_equal(kept(story, "mask"), saved["mask"])
    hole = saved["mask"] > 0
    np.testing.assert_array_equal(kept(story, "lines")[hole], saved["lines"][hole])
    story.press("undo")
    assert not kept(story, "lines").any()
    story.press("undo")
    assert not kept(story, "mask").any()
    Image.new("L", (50, 50), 255).save(tmp_path / "square.png")
    story.give("mask", tmp_path / "square.png")
    note = "Mask square.png is 50 x 50: stretched to the photo's 96 x 64"
    assert page.text_content("#status") == note


def test_a_sketch_of_another_photo_goes_into_the_hole(page, server, photo, tmp_path):
    square = np.zeros((64, 96), np.uint8)
    square[20:44, 30:66] = 255
    Image.fromarray(square).save(tmp_path / "other.png")
    story = Story(page, server)
    story.give("photo", photo)
    story.choose("rectangle")
    story.draw([(0, 0), (0.5, 1)], SIZE)
    story.give("sketch", tmp_path / "other.png")
    story.set("sketch-size", 0.9)
    story.wait()
    story.draw([(0.5, 0.5), (0.4, 0.5)], SIZE)
    keep(page, "7_sketch")
    story.press("put")
    lines = kept(story, "lines")[..., 0] > 127
    # A square of 36 x 24, nine tenths as large, its middle a tenth left of the photo's.
    middle, left = round(0.4 * SIZE[0]), round(0.4 * SIZE[0] - 18 * 0.9)
    rows, columns = np.nonzero(lines)
    assert abs(columns.min() - left) <= 2 and columns.max() < SIZE[0] / 2
    assert abs(rows.min() - (32 - 12 * 0.9)) <= 2 and middle in columns


def test_a_thing_is_selected_corrected_and_undone(page, server, tmp_path):
    thing = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    thing[20:44, 30:66] = 200, 60, 40
    Image.fromarray(thing).save(tmp_path / "thing.png")
    true = thing[..., 0] > 0
    story = Story(page, server)
    story.give("photo", tmp_path / "thing.png")
    story.draw([(0.25, 0.2), (0.5, 0.4), (0.75, 0.8)], SIZE)
    story.wait()
    keep(page, "9_selected")
    first = kept(story, "mask")[..., 0] > 127
    assert first[true].all() and first.sum() < 2 * true.sum()
    story.set("brush-size", 40)
    story.choose("remove")
    story.draw([(0.35, 0.5), (0.65, 0.5)], SIZE)
    story.wait()
    second = kept(story, "mask")[..., 0] > 127
    assert not second[32, 36:60].any() and not (second & ~first).any()
    story.choose("add")
    story.draw([(0.45, 0.5), (0.55, 0.5)], SIZE)
    story.wait()
    assert (kept(story, "mask")[32, 45:52] > 0).all()
    for expected in (second, first):
        story.press("undo")
        np.testing.assert_array_equal(kept(story, "mask")[..., 0] > 127, expected)
    story.press("undo")
    assert not kept(story, "mask").any()
    assert not page.is_visible("#refine")
    story.draw([(0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.3)], SIZE)
    story.wait()
    assert kept(story, "mask")[..., 0][true].all()  # a loop does, too


def test_a_hole_comes_from_transparency_grows_and_inverts(
    page, server, photo, tmp_path
):
    story = Story(page, server)
    image = Image.open(photo).convert("RGBA")
    image.paste((0, 0, 0, 0), (10, 10, 20, 30))
    image.save(tmp_path / "clear.png")
    story.give("photo", tmp_path / "clear.png")
    transparent = np.zeros((SIZE[1], SIZE[0]), bool)
    transparent[10:30, 10:20] = True

    def hole():
        return kept(story, "mask")[..., 0] > 127

    story.press("transparent")
    np.testing.assert_array_equal(hole(), transparent)
    story.press("grow")
    assert hole().sum() == 22 * 12
    story.press("shrink")
    np.testing.assert_array_equal(hole(), transparent)
    story.press("invert")
    np.testing.assert_array_equal(hole(), ~transparent)
    story.press("clear-hole")
    assert not hole().any()


def test_erasing_a_line_clears_what_is_soft_around_it_alone(page, bands, photo):
    story = Story(page, bands.url)
    story.give("photo", photo)
    story.choose("rectangle")
    story.draw([(0.1, 0.1), (0.9, 0.9)], SIZE)
    story.press("find")
    keep(page, "10_lines")
    hole = kept(story, "mask")[..., 0] > 127
    soft = bands.inpainter.predict_edges(None, hole)
    np.testing.assert_array_equal(kept(story, "lines")[hole][:, 0], soft[hole])
    story.choose("rubber")
    story.set("pencil-size", 3)
    row = (BANDS[0] + 0.5) / SIZE[1]
    story.draw([(0.05, row), (0.95, row)], SIZE)
    keep(page, "11_line_erased")
    left = kept(story, "lines")[..., 0]
    assert not left[:28][hole[:28]].any()
    np.testing.assert_array_equal(left[32:][hole[32:]], soft[32:][hole[32:]])
    story.press("undo")
    np.testing.assert_array_equal(kept(story, "lines")[hole][:, 0], soft[hole])


def test_a_bar_shows_how_many_regions_have_run(page, bands, photo):
    story = Story(page, bands.url)
    story.give("photo", photo)
    story.choose("rectangle")
    story.draw(HOLE, SIZE)
    page.click("#fill")
    page.wait_for_selector("#progress[value='2'][max='5']")
    assert "2 of 5 regions" in page.text_content("#status")
    keep(page, "12_progress")
    bands.inpainter.may_go_on.set()
    story.wait()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    story.press("copy")
    assert page.text_content("#status") == "Copied"
    copied = page.evaluate(
        "async () => (await navigator.clipboard.read())[0].types.join()"
    )
    assert copied == "image/png"


def test_every_tool_has_a_key_that_its_tooltip_shows(page, server, photo):
    story = Story(page, server)
    story.give("photo", photo)
    tools = page.locator("[data-tool]").all()
    for tool in tools:
        assert tool.get_attribute("title").endswith(
            f"({tool.get_attribute('aria-keyshortcuts')})"
        )
        if tool.is_visible():
            page.keyboard.press(tool.get_attribute("aria-keyshortcuts").lower())
            assert tool.get_attribute("aria-pressed") == "true"
    story.draw([(0.4, 0.4), (0.6, 0.6)], SIZE)  # moves the photo
    assert not kept(story, "mask").any()
    page.keyboard.press("r")
    story.draw(HOLE, SIZE)
    assert kept(story, "mask").any()
    page.keyboard.press("Control+z")
    assert not kept(story, "mask").any()


def test_a_finger_draws_two_zoom_and_one_beside_a_pen_moves(page, server, photo):
    story = Story(page, server)
    story.give("photo", photo)
    story.choose("brush")
    client = page.context.new_cdp_session(page)
    box = page.locator("#canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind, *places):
        points = [{"x": x + dx, "y": y + dy, "id": i} for i, (dx, dy) in places]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0, (0, 0)))
    touch("touchMove", (0, (20, 0)))
    touch("touchStart", (0, (20, 0)), (1, (60, 0)))
    touch("touchMove", (0, (-60, 0)), (1, (100, 0)))
    touch("touchEnd")
    assert not kept(story, "mask").any()  # what the first drew is taken back
    touch("touchStart", (0, (0, 0)))
    touch("touchMove", (0, (20, 0)))
    touch("touchEnd")
    assert kept(story, "mask").any()

    def pen(kind, dx, **buttons):
        place = {"x": x + dx, "y": y, "pointerType": "pen", "button": "left"}
        client.send("Input.dispatchMouseEvent", {"type": kind, **place, **buttons})

    story.press("clear-hole")
    pen("mousePressed", 0, buttons=1, clickCount=1)
    touch("touchStart", (0, (90, 90)))  # the hand that holds the pen
    pen("mouseMoved", 20, buttons=1)
    touch("touchEnd")
    pen("mouseReleased", 20)
    drawn = kept(story, "mask")
    assert drawn.any()
    touch("touchStart", (0, (0, 0)))
    touch("touchMove", (0, (0, 40)))  # moves the photo from now on
    touch("touchEnd")
    np.testing.assert_array_equal(kept(story, "mask"), drawn)


def test_a_sample_is_filled_after_two_clicks(page, server):
    story = Story(page, server)
    story.sample(4)
    story.press("fill")
    assert page.locator("#cards button").count() == 1


def test_a_bad_file_is_refused_in_one_sentence(page, server, seen, tmp_path):
    (tmp_path / "notes.jpg").write_text("no photo")
    Story(page, server)
    page.set_input_files("#photo-file", tmp_path / "notes.jpg")
    page.wait_for_selector("#trouble")
    keep(page, "8_bad_file")
    sentence = page.text_content("#trouble")
    assert sentence == "Photo notes.jpg is not an image that can be read."
    seen["faults"].clear()  # the browser notes the refusal, too


def test_the_page_asks_no_other_machine_and_raises_no_error(page, server, seen):
    # What the tests before this one have done counts too.
    Story(page, server)
    page.click("text=API")
    assert page.url == f"{server}api/" and page.locator("code").count() > 4
    own = ("http://127.0.0.1:", "blob:", "data:")
    assert [url for url in seen["requests"] if not url.startswith(own)] == []
    assert seen["faults"] == []
