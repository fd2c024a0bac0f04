"""What the editor's server and its painters answer, without a browser."""

import io
import json
import urllib.error
import urllib.request

import keras
import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect import inpaint_generator
from tf_edgeconnect.client import ServingError
from tf_edgeconnect.editor import server as server_module
from tf_edgeconnect.editor.painters import LocalPainter, RemotePainter
from tf_edgeconnect.editor.server import EditorServer
from tf_edgeconnect.editor.shelf import Shelf
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode_png

RNG = np.random.default_rng(4)
SIZE = 10, 14


class Halves:
    """Paints every hole with half of the drawing's white; notes what it was asked."""

    description = "halves"
    sigma = 2.0
    sigma_is_fixed = None

    def __init__(self):
        self.asked = []

    def lines(self, image, hole, sigma):
        self.asked.append(sigma)
        return np.where(hole, 90, 255).astype(np.uint8)

    def fill(self, image, hole, drawing, sigma):
        return np.repeat(drawing[..., None] // 2, 3, axis=-1)

    def sketch(self, image, sigma):
        return np.full(image.shape[:2], 255, np.uint8)


@pytest.fixture
def painter():
    return Halves()


@pytest.fixture
def ask(painter):
    with EditorServer(painter) as server:

        def ask(path, body=b"", kind="image/png"):
            request = urllib.request.Request(
                f"http://127.0.0.1:{server.port}/{path}",
                data=body,
                headers={"Content-Type": kind},
                method="GET" if body is None else "POST",
            )
            try:
                with urllib.request.urlopen(request) as answer:
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, json.load(error)["error"]

        yield ask


def photo_of(pixels):
    return encode_png(Photo(pixels))


def sketch(line=200):
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[..., 0] = line  # outside the hole, too
    pixels[2:5, 3:9, 1] = 255
    return pixels


def put(ask, pixels):
    return json.loads(ask("photo?name=a.png", photo_of(pixels))[1])["photo"]


@pytest.mark.parametrize(("channels", "dtype"), [(3, "uint8"), (1, "uint16")])
def test_known_pixels_and_the_kind_of_a_photo_come_back(ask, channels, dtype):
    top = np.iinfo(dtype).max
    before = RNG.integers(0, top, (*SIZE, channels), dtype, endpoint=True)
    name = put(ask, before)
    status, data = ask(f"fill?photo={name}&sigma=2.0", photo_of(sketch()))
    assert status == 200
    after = np.asarray(Image.open(io.BytesIO(data))).reshape(before.shape)
    hole = sketch()[..., 1] > 0
    np.testing.assert_array_equal(after[~hole], before[~hole])
    assert (after[hole] == top * 100 // 255).all()  # half of 200


def test_lines_are_found_with_the_sigma_that_is_asked_for(ask, painter):
    name = put(ask, np.zeros((*SIZE, 3), np.uint8))
    status, data = ask(f"lines?photo={name}&sigma=3.5", photo_of(sketch()))
    assert status == 200 and painter.asked == [3.5]
    hole = sketch()[..., 1] > 0
    expected = np.where(hole, 90, 255)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), expected)
    assert "sigma" in ask(f"lines?photo={name}&sigma=9", photo_of(sketch()))[1]


def test_a_fixed_sigma_is_used_whatever_is_asked_for(ask, painter):
    painter.sigma_is_fixed = "for a reason"
    name = put(ask, np.zeros((*SIZE, 3), np.uint8))
    ask(f"lines?photo={name}&sigma=3.5", photo_of(sketch()))
    assert painter.asked == [2.0]


def test_the_sketch_of_another_photo_has_the_size_asked_for(ask):
    name = put(ask, np.zeros((*SIZE, 3), np.uint8))
    status, data = ask(f"sketch?photo={name}&sigma=2.0&width=21&height=15")
    assert status == 200 and Image.open(io.BytesIO(data)).size == (21, 15)
    status, sentence = ask(f"sketch?photo={name}&sigma=2.0&width=0&height=15")
    assert status == 400 and "0 x 15" in sentence


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
def test_a_bad_file_is_told_in_one_sentence(ask, body, sentence):
    status, answer = ask("photo?name=holiday.jpg", body)
    assert status == 400 and sentence in answer


def test_a_sketch_without_a_hole_or_of_another_size_is_refused(ask):
    name = put(ask, np.zeros((*SIZE, 3), np.uint8))
    nothing = photo_of(np.zeros((*SIZE, 3), np.uint8))
    assert "no hole yet" in ask(f"fill?photo={name}&sigma=2.0", nothing)[1]
    other = photo_of(np.zeros((3, 3, 3), np.uint8))
    assert ask(f"fill?photo={name}&sigma=2.0", other)[0] == 400


def test_a_photo_is_given_to_who_knows_its_name(ask):
    pixels = [np.full((*SIZE, 3), value, np.uint8) for value in (10, 20)]
    names = [put(ask, one) for one in pixels]
    for name, one in zip(names, pixels, strict=True):
        status, data = ask(f"photo?photo={name}", None)
        assert status == 200
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), one)
    assert ask("photo?photo=guessed", None) == (410, "the photo is no longer here")


def test_large_uploads_and_forms_of_other_sites_are_refused(ask, monkeypatch):
    monkeypatch.setattr(server_module, "MAX_UPLOAD", 1000)
    assert ask("photo?name=a.png", bytes(1001))[0] == 413
    assert ask("photo?name=a.png", b"x", kind="text/plain")[0] == 400


def test_an_endpoint_that_fails_is_told(ask, painter, monkeypatch):
    def fail(*arguments):
        raise ServingError("UNAVAILABLE", "no server there")

    monkeypatch.setattr(painter, "lines", fail)
    name = put(ask, np.zeros((*SIZE, 3), np.uint8))
    status, sentence = ask(f"lines?photo={name}&sigma=2.0", photo_of(sketch()))
    assert status == 502 and sentence.endswith("UNAVAILABLE: no server there")


def test_a_fault_of_ours_is_told_and_shown_in_the_terminal(
    ask, painter, monkeypatch, capsys
):
    monkeypatch.setattr(painter, "lines", lambda *arguments: 1 / 0)
    name = put(ask, np.zeros((*SIZE, 3), np.uint8))
    status, sentence = ask(f"lines?photo={name}&sigma=2.0", photo_of(sketch()))
    assert status == 500 and "terminal" in sentence
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_samples_open_and_strange_names_do_not(ask):
    about = json.loads(ask("about", None)[1])
    assert about["samples"] and about["model"] == "halves"
    assert ask(f"sample?name={about['samples'][0]}", None)[0] == 200
    opened = json.loads(ask(f"sample?name={about['samples'][0]}")[1])
    assert opened["width"] > 100
    assert ask("sample?name=../secret")[0] == 410
    assert ask("../shelf.py", None)[0] == 404


def test_the_shelf_drops_what_was_used_longest_ago():
    shelf = Shelf(max_bytes=2 * 300)
    photos = [Photo(np.full((10, 10, 3), value, np.uint8)) for value in range(3)]
    first, second = map(shelf.put, photos[:2])
    shelf.get(first)
    third = shelf.put(photos[2])
    assert shelf.get(second) is None
    assert shelf.get(first) is photos[0] and shelf.get(third) is photos[2]


def test_the_shelf_refuses_what_a_page_cannot_hold():
    wide = Photo(np.broadcast_to(np.uint8(0), (1, 50_000_001, 1)))
    with pytest.raises(InputError, match="50 megapixels"):
        Shelf().put(wide)


class Network:
    """Stands for an `Inpainter`."""

    edge_generator = inpaint_generator = None

    def __init__(self, edge=None, inpaint=None, sigma=2.0, description="stub"):
        self.sigma, self.description = sigma, description

    def predict_edges(self, image, hole):
        return self.sigma


def test_each_sigma_has_an_inpainter_of_its_own():
    painter = LocalPainter(Network(sigma=1.5))
    assert painter.sigma == 1.5 and painter.sigma_is_fixed is None
    assert [painter.lines(None, None, s) for s in (3.0, 1.5, 3.0)] == [3.0, 1.5, 3.0]


def test_sigma_is_switched_off_where_it_cannot_be_honoured():
    assert "without known lines" in LocalPainter(Network(sigma=-1.0)).sigma_is_fixed
    assert "own" in RemotePainter(None, "host:1").sigma_is_fixed


def test_a_large_photo_is_filled_as_inpaint_does():
    keras.utils.set_random_seed(5)
    options = {"filters": 4, "residual_blocks": 1, "initializer": "he"}
    inpainter = Inpainter(None, inpaint_generator(**options))
    image = RNG.integers(0, 255, (300, 900, 3), np.uint8)
    hole = np.zeros(image.shape[:2], bool)
    hole[100:130, 40:90] = hole[200:210, 800:880] = True
    drawing = np.zeros(hole.shape, np.uint8)
    drawing[110, 40:90] = 255
    filled = LocalPainter(inpainter).fill(image, hole, drawing, 2.0)
    np.testing.assert_array_equal(filled, inpainter(image, hole, drawing).image)
    assert (filled[hole] != image[hole]).any()


class Endpoint:
    """Stands for a `Client`: edges are 77 wherever it is asked."""

    def predict_edges(self, image, mask):
        assert image.shape[:3] == mask.shape[:3] and max(image.shape[1:3]) <= 512
        return np.full(mask.shape, 77, np.uint8)


@pytest.mark.parametrize(("height", "known"), [(40, 77), (1200, 0)])
def test_an_endpoint_draws_the_lines_of_large_photos_in_the_hole_only(height, known):
    hole = np.zeros((height, 600 if height > 40 else 40), bool)
    hole[10:20, 10:20] = True
    image = np.zeros((*hole.shape, 3), np.uint8)
    lines = RemotePainter(Endpoint(), "host:1").lines(image, hole, 2.0)
    assert (lines[hole] == 77).all() and (lines[~hole] == known).all()
