"""What the editor answers, without a browser and without networks."""

import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode_png
from tf_edgeconnect.web import editor
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

    def paint(self, image, mask, edges, *, sigma=None):
        self.asked.append(sigma)
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
    return encode_png(Photo(pixels))


def pixels_of(answer):
    assert answer.headers["Content-Type"] == "image/png", answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)))


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


def test_edges_are_predicted_with_the_sigma_that_is_asked_for(client, inpainter):
    name = put(client)
    answer = client.post(f"edges?photo={name}&sigma=3.5", content=photo_of(sketch()))
    np.testing.assert_array_equal(pixels_of(answer), np.where(MASK, 90, 255))
    assert inpainter.asked == [3.5]
    answer = client.post(f"edges?photo={name}&sigma=9", content=photo_of(sketch()))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("sigma must be one of 1, 1.5, 2,")


@pytest.mark.parametrize(
    ("sigma", "takes_sigma", "reason"),
    [
        (-1.0, True, "this model was trained without known edges"),
        (None, False, "the model's own sigma is used"),
    ],
)
def test_sigma_is_off_where_it_cannot_be_honoured(
    inpainter, sigma, takes_sigma, reason
):
    inpainter.sigma, inpainter.takes_sigma = sigma, takes_sigma
    client = TestClient(Editor(inpainter).app(), "http://127.0.0.1")
    assert client.get("about").json()["sigma_is_fixed"] == reason
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
        ("width=0&height=15", "cannot be 0 x 15"),
        ("width=99999&height=99999", "cannot be 99999 x 99999"),
        ("width=-3&height=-5", "expected a width and a height in pixels"),
        ("", "expected a width and a height in pixels"),
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
    assert answer.json() == {"error": "the photo is no longer here"}


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
        opened = client.post(f"sample?name={sample}").json()
        height, width = pixels_of(client.get(f"sample?name={sample}")).shape[:2]
        assert (opened["width"], opened["height"]) == (width, height)
    assert client.post("sample?name=../secret").status_code == 410


def test_the_page_is_given_and_no_other_file(client):
    assert "<!DOCTYPE html>" in client.get("/").text
    for name, kind in [("page.css", "text/css"), ("page.js", "text/javascript")]:
        assert client.get(name).headers["Content-Type"].startswith(kind)
    for name in ("../editor.py", "..%2Feditor.py", "editor.py"):
        assert client.get(name).status_code == 404
