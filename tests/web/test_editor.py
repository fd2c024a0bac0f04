"""What the editor answers, without a browser and without networks."""

import io
import tempfile
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tf_edgeconnect.errors import ServingError
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode
from tf_edgeconnect.web import api, editor
from tf_edgeconnect.web.editor import Editor

RNG = np.random.default_rng(4)
SIZE = 10, 14


class Halves:
    """Stands for an `Inpainter`: paints every hole with half of the edges' white."""

    description = "halves"
    sigma = 2.0
    takes_sigma = True

    def __init__(self):
        self.asked = []

    def predict_edges(self, image, mask, *, sigma=None):
        self.asked.append(sigma)
        return np.where(mask, 90, 255).astype(np.uint8)

    def paint(self, image, mask, edges=None, *, sigma=None, **options):
        self.asked.append(sigma)
        edges = np.full(mask.shape, 60, np.uint8) if edges is None else edges
        return np.repeat(edges[..., None] // 2, 3, axis=-1)

    def photo_edges(self, image, *, sigma=None):
        self.asked.append(sigma)
        return np.full(image.shape[:2], 255, np.uint8)


@pytest.fixture
def inpainter():
    return Halves()


@pytest.fixture
def client(inpainter):
    return TestClient(Editor(inpainter).app(), "http://127.0.0.1")


def photo_of(pixels):
    return encode(Photo(pixels), "PNG")


def pixels_of(answer):
    assert answer.headers["Content-Type"] == "image/png", answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def hole_of(answer):
    """A mask as the page takes it: what is opaque."""
    assert answer.headers["Content-Type"] == "image/png", answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("LA"))[..., 1] > 0


def sketch(edge=200):
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[..., 0] = edge  # outside the hole, too
    pixels[2:5, 3:9, 1] = 255
    return pixels


MASK = sketch()[..., 1] > 0


def put(client, pixels=None):
    pixels = np.zeros((*SIZE, 3), np.uint8) if pixels is None else pixels
    return client.post("photo?name=a.png", content=photo_of(pixels)).json()["photo"]


@pytest.mark.parametrize(("channels", "dtype"), [(3, "uint8"), (1, "uint16")])
def test_known_pixels_and_the_kind_of_a_photo_come_back(client, channels, dtype):
    top = np.iinfo(dtype).max
    before = RNG.integers(0, top, (*SIZE, channels), dtype, endpoint=True)
    name = put(client, before)
    answer = client.post(f"fill?photo={name}&sigma=2", content=photo_of(sketch()))
    after = pixels_of(answer).reshape(before.shape)
    np.testing.assert_array_equal(after[~MASK], before[~MASK])
    assert (after[MASK] == top * 100 // 255).all()  # half of 200
    answer = client.post(
        f"fill?photo={name}&sigma=2&predicted=1", content=photo_of(sketch())
    )
    after = pixels_of(answer).reshape(before.shape)
    assert (after[MASK] == top * 30 // 255).all()  # half of 60, not of the sketch's


@pytest.mark.parametrize(("grow", "box"), [(1, (1, 6, 2, 10)), (-1, (3, 4, 4, 8))])
def test_a_hole_grows_and_shrinks(client, grow, box):
    name, expected = put(client), np.zeros(SIZE, bool)
    top, bottom, left, right = box
    expected[top:bottom, left:right] = True
    answer = client.post(f"mask?photo={name}&grow={grow}", content=mask_file())
    np.testing.assert_array_equal(hole_of(answer), expected)


def test_the_transparent_part_of_a_photo_becomes_the_hole(client):
    pixels = np.full((*SIZE, 4), 200, np.uint8)
    pixels[..., 3] = ~MASK * np.uint8(255)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    opened = client.post("photo?name=a.png", content=stream.getvalue()).json()
    assert opened["has_hole"]
    answer = client.post(f"mask?photo={opened['photo']}")
    np.testing.assert_array_equal(hole_of(answer), MASK)
    opened = client.post("photo?name=a.png", content=photo_of(sketch())).json()
    assert not opened["has_hole"]
    assert not hole_of(client.post(f"mask?photo={opened['photo']}")).any()


def test_a_mask_of_another_shape_is_stretched_and_that_is_said(client):
    name, square = (
        put(client),
        encode(Photo(np.eye(6, dtype=np.uint8)[..., None] * 255), "PNG"),
    )
    answer = client.post(f"mask?photo={name}&name=é.png", content=square)
    assert hole_of(answer).shape == SIZE
    note = "mask é.png is 6 x 6: stretched to the photo's 14 x 10"
    assert unquote(answer.headers["X-Note"]) == note
    answer = client.post(f"mask?photo={name}&name=a.png", content=mask_file())
    assert answer.headers["X-Note"] == ""


def test_the_photo_fades_into_the_fill_over_a_feather(client):
    name = put(client, np.full((*SIZE, 3), 20, np.uint8))
    hard, soft = (
        pixels_of(
            client.post(
                f"fill?photo={name}&sigma=2&feather={feather}",
                content=photo_of(sketch()),
            )
        )[..., 0]
        for feather in (0, 1)
    )
    assert (hard[MASK] == 100).all()
    assert soft[2, 3] == 60 and soft[3, 5] == 100  # at the border, and inside it
    np.testing.assert_array_equal(soft[~MASK], hard[~MASK])


SQUARE = np.zeros((60, 80), bool)
SQUARE[20:40, 30:50] = True


def test_what_is_marked_is_selected_and_strokes_correct_it(client):
    name = put(client, np.dstack([SQUARE * np.uint8(255)] * 3))
    marks = {"around": [[22, 12], [58, 12], [58, 48], [22, 48]]}

    def select(margin=0):
        answer = client.post(f"select?photo={name}&margin={margin}", json=marks)
        part, whole = hole_of(answer), np.zeros_like(SQUARE)
        left, top = (int(answer.headers[each]) for each in ("X-Left", "X-Top"))
        whole[top : top + part.shape[0], left : left + part.shape[1]] = part
        assert part.any(0).all() and part.any(1).all()  # cut to its size
        return whole

    found, wide = select(), select(margin=2)
    assert found[SQUARE].all() and found.sum() < 2 * SQUARE.sum()
    assert wide[found].all() and wide.sum() > found.sum()
    marks["strokes"] = [{"adds": False, "size": 6, "points": [[32, 30], [48, 30]]}]
    assert not select()[30, 34:46].any()
    marks["strokes"] = [{"adds": False, "size": 99, "points": [[22, 30], [58, 30]]}]
    assert not hole_of(client.post(f"select?photo={name}", json=marks)).any()


@pytest.mark.parametrize(
    ("query", "marks", "sentence"),
    [
        ("", "", "marks : Invalid JSON: EOF while parsing a value at line 1 column 0"),
        ("", '{"around": []}', "nothing is marked: draw a rectangle around an object"),
        (
            "",
            '{"around": [[1, NaN]]}',
            "marks around.0.1: Input should be a finite number",
        ),
        ("&margin=-1", "{}", "margin must be 0 to 500 pixels, got '-1'"),
    ],
    ids=["nothing", "no corners", "no number", "a margin inwards"],
)
def test_what_cannot_be_selected_is_refused(client, query, marks, sentence):
    answer = client.post(f"select?photo={put(client)}{query}", content=marks)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


def test_regions_are_counted_while_a_photo_fills(client, inpainter):
    name, seen = put(client), []

    def paint(image, mask, edges, **options):
        inpainter.on_region(2, 5)
        for other in (name, "another"):
            seen.append(client.get(f"progress?photo={other}").json())
        return image

    inpainter.paint = paint
    client.post(f"fill?photo={name}&sigma=2", content=photo_of(sketch()))
    seen.append(client.get(f"progress?photo={name}").json())
    assert seen == [{"done": 2, "of": 5}, {}, {}]


def test_edges_are_predicted_with_the_sigma_that_is_asked_for(client, inpainter):
    name = put(client)
    answer = client.post(f"edges?photo={name}&sigma=3.5", content=photo_of(sketch()))
    np.testing.assert_array_equal(pixels_of(answer)[..., 0], np.where(MASK, 90, 255))
    assert inpainter.asked == [3.5]
    answer = client.post(f"edges?photo={name}&sigma=9", content=photo_of(sketch()))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("sigma must be one of 1, 1.5, 2,")


def test_sigma_is_off_where_the_model_has_its_own(client, inpainter):
    assert client.get("about").json()["sigma_is_fixed"] is False
    inpainter.takes_sigma = False
    assert client.get("about").json()["sigma_is_fixed"] is True
    name = put(client)
    for path in ("edges", "fill"):
        client.post(f"{path}?photo={name}&sigma=3.5", content=photo_of(sketch()))
    client.post(f"photo_edges?photo={name}&sigma=3.5&width=9&height=9")
    assert inpainter.asked == [None, None, None]


def test_the_edges_of_another_photo_have_the_size_asked_for(client):
    name = put(client)
    answer = client.post(f"photo_edges?photo={name}&sigma=2&width=21&height=15")
    assert pixels_of(answer).shape == (15, 21)
    for size, words in [
        ("width=0&height=15", "width must be 1 to 50000000 pixels, got '0'"),
        ("width=99999&height=99999", "cannot be 99999 x 99999"),
        ("width=3&height=-5", "height must be 1 to 50000000 pixels, got '-5'"),
        ("width=3&height=4.5", "height must be 1 to 50000000 pixels, got '4.5'"),
        ("", "width must be"),
    ]:
        answer = client.post(f"photo_edges?photo={name}&sigma=2&{size}")
        assert answer.status_code == 400 and words in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"nonsense", "photo holiday.jpg is not an image that can be read"),
        (
            photo_of(RNG.integers(0, 255, (9, 9, 3), np.uint8))[:90],
            "damaged or cut short",
        ),
    ],
    ids=["no image", "cut short"],
)
def test_a_bad_file_is_refused_in_one_sentence(client, body, sentence):
    answer = client.post("photo?name=holiday.jpg", content=body)
    assert answer.status_code == 400 and sentence in answer.json()["error"]


def test_a_photo_that_no_page_can_hold_is_refused(client, monkeypatch):
    monkeypatch.setattr(editor, "MAX_PIXELS", 139)
    answer = client.post("photo?name=a.png", content=photo_of(sketch()))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("the photo is 14 x 10: the editor takes")


def test_a_sketch_without_a_hole_or_of_another_size_is_refused(client):
    name = put(client)
    nothing = photo_of(np.zeros((*SIZE, 3), np.uint8))
    other = photo_of(np.zeros((3, 3, 3), np.uint8))
    for body, words in [(nothing, "no hole yet"), (other, "the sketch is (3, 3)")]:
        answer = client.post(f"fill?photo={name}&sigma=2", content=body)
        assert answer.status_code == 400 and words in answer.json()["error"]


def test_a_photo_is_given_to_who_knows_its_name(client):
    pixels = [np.full((*SIZE, 3), value, np.uint8) for value in (10, 20)]
    names = [put(client, one) for one in pixels]
    for name, one in zip(names, pixels, strict=True):
        assert len(name) >= 22  # 128 random bits
        np.testing.assert_array_equal(pixels_of(client.get(f"photo?photo={name}")), one)
    answer = client.get("photo?photo=guessed")
    assert answer.status_code == 410
    assert answer.json() == {"error": "the photo is no longer on the server"}


def test_photos_used_longest_ago_go_where_memory_ends(client, monkeypatch):
    monkeypatch.setattr(editor, "MAX_PHOTO_BYTES", 2 * 3 * SIZE[0] * SIZE[1])
    first, second = put(client), put(client)
    client.get(f"photo?photo={first}")
    third = put(client)
    found = [client.get(f"photo?photo={name}").status_code for name in (first, third)]
    assert found == [200, 200]
    assert client.get(f"photo?photo={second}").status_code == 410
    large = put(client, np.zeros((SIZE[0], SIZE[1] * 3, 3), np.uint8))
    assert client.get(f"photo?photo={large}").status_code == 200


def test_samples_open_and_strange_names_do_not(client):
    about = client.get("about").json()
    assert about["samples"] and about["model"] == "halves"
    for sample in about["samples"]:
        shape = pixels_of(client.get(f"sample?name={sample}")).shape
        assert shape[-1] == 3 and min(shape[:2]) >= 300
    assert client.get("sample?name=../secret").status_code == 410


def test_the_page_is_given_and_no_other_file(client):
    assert "<!DOCTYPE html>" in client.get("/").text
    for name, kind in [("page.css", "text/css"), ("page.js", "text/javascript")]:
        assert client.get(name).headers["Content-Type"].startswith(kind)
    for name in ("../editor.py", "..%2Feditor.py", "editor.py"):
        assert client.get(name).status_code == 404


def ask(client, **files):
    return client.post("/api/v1/inpaint", files=files)


def mask_file():
    return encode(Photo(MASK[..., None] * np.uint8(255)), "PNG")


def test_a_program_gets_a_photo_filled_as_inpaint_fills_it(client):
    before = RNG.integers(0, 2**16, (*SIZE, 1), np.uint16)
    answer = ask(client, photo=photo_of(before), mask=mask_file())
    after = pixels_of(answer)[..., None]
    np.testing.assert_array_equal(after[~MASK], before[~MASK])
    assert (after[MASK] == 30 * 257).all()
    edges = photo_of(np.full((*SIZE, 1), 100, np.uint8))
    answer = ask(client, photo=photo_of(before), mask=mask_file(), edges=edges)
    assert (pixels_of(answer)[MASK] == 50 * 257).all()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"photo": b"x"}, "got files ['photo'] of ['photo']"),
        ({"photo": b"x", "mask": b"x", "hat": b"x"}, "got files ['hat', 'mask', 'ph"),
        ({"photo": ("me.jpg", b"x"), "mask": b"x"}, "photo me.jpg is not an image"),
        ({"photo": photo_of(sketch()), "mask": ("m.png", b"")}, "mask m.png is "),
        (
            {"photo": photo_of(sketch()), "mask": photo_of(np.zeros((*SIZE, 3), "u1"))},
            "mask upload has no hole to fill; in a mask, white is the hole",
        ),
    ],
    ids=["no mask", "a file too many", "no image", "an empty mask", "no hole"],
)
def test_what_a_program_sends_wrongly_is_refused_in_one_sentence(
    client, files, sentence
):
    answer = ask(client, **files)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"] and "\n" not in answer.json()["error"]
    assert tempfile.gettempdir() not in answer.json()["error"]
    assert "--" not in answer.json()["error"]  # an option of the command line


def test_a_program_that_sends_no_form_is_refused(client):
    answer = client.post("/api/v1/inpaint", content=photo_of(sketch()))
    assert answer.status_code == 400 and "curl -F photo=@FILE" in answer.json()["error"]
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = client.post("/api/v1/inpaint", content=b"--y", headers=kind)
    assert answer.status_code == 400
    answer = client.post("/api/v1/inpaint", data={"photo": "x", "mask": "y"})
    assert answer.json()["error"].endswith("got 'application/x-www-form-urlencoded'")
    files = {"photo": (None, "x"), "mask": ("m.png", b"")}
    answer = client.post("/api/v1/inpaint", files=files)
    assert "got files ['mask'] of ['mask', 'photo']" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/inpaint", "POST"),
        ("HEAD", "/api/v1/inpaint", "POST"),
        ("POST", "/about", "GET, HEAD"),
        ("PUT", "/photo", "GET, HEAD, POST"),
        ("GET", "/fill", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(client, method, path, allowed):
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert sorted(answer.headers["Allow"].split(", ")) == allowed.split(", ")
    assert answer.headers["Cache-Control"] == "no-store"


def test_heads_are_answered_without_a_body(client):
    for path in ("/", "/api/", "/api/v1/openapi.json", "/about", "/page.js"):
        answer = client.head(path)
        assert answer.status_code == 200 and int(answer.headers["Content-Length"]) > 99


def test_forms_of_other_sites_reach_no_program(client, inpainter):
    answer = client.post(
        "/api/v1/inpaint",
        files={"photo": photo_of(sketch()), "mask": mask_file()},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403 and inpainter.asked == []


def test_a_server_that_gives_no_picture_is_named(client, inpainter, monkeypatch):
    def fail(*arguments, **options):
        raise ServingError("UNAVAILABLE", "no server there")

    monkeypatch.setattr(inpainter, "paint", fail)
    answer = ask(client, photo=photo_of(sketch()), mask=mask_file())
    assert answer.status_code == 502
    assert answer.json()["error"].endswith("UNAVAILABLE: no server there")


def test_the_interface_is_described(client):
    described = client.get("/api/v1/openapi.json").json()
    assert set(described["paths"]) == {"/api/v1/inpaint"}
    body = described["paths"]["/api/v1/inpaint"]["post"]["requestBody"]
    (schema,) = [kind["schema"] for kind in body["content"].values()]
    assert tuple(schema["properties"]) == api.FILES
    page = client.get("/api/")
    assert all(f"<code>{name}</code>" in page.text for name in api.FILES)
