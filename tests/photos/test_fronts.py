"""The same mask files through each front: the same hole, or an error."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps
from starlette.testclient import TestClient

from tests.photos.test_masks import HOLE, MASKS, REFUSED, SCENE, save
from tests.web.test_editor import Halves, hole_of
from tf_edgeconnect.data.masks import mask_sampler
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.pictures import read_picture
from tf_edgeconnect.export.files import decode_hole, require_decodable
from tf_edgeconnect.inference.files import fill_file
from tf_edgeconnect.photos.jobs import Job
from tf_edgeconnect.photos.reading import read_photo
from tf_edgeconnect.web.editor import Editor

# What `serving_bytes` of an export sees as the others do: docs/guide/masks.md.
IN_A_GRAPH = {
    "8 bit",
    "JPEG",
    "one bit",
    "16 bit, 0 and 65535",
    "grey palette",
    "grey palette, white first",
    "white, black and transparent",
}


def by_inpaint(folder, mask):
    job = Job(folder / "photo.png", mask, folder / "out.png")
    fill_file(Halves(), job)
    return (read_photo(job.output).pixels == 30).all(-1)  # `Halves` paints 30


def by_evaluate(folder, mask):
    item = {"image": "photo.png", "mask": mask.name}
    return read_picture(item, {"images": folder, "masks": folder}, None).hole


def by_the_editor(folder, mask):
    client = TestClient(Editor(Halves()).app(), "http://127.0.0.1")
    answer = client.post("photo?name=a", content=(folder / "photo.png").read_bytes())
    query = f"mask?photo={answer.json()['photo']}&name={mask.name}"
    answer = client.post(query, content=mask.read_bytes())
    if answer.status_code == 400:
        raise InputError(answer.json()["error"])
    return hole_of(answer)


def by_training(folder, mask):
    """Training sees squares: each pixel is the mean of those it covers."""
    return mask_sampler({"external": 1}, 32, folder=mask)([0, 0])[..., 0].numpy() > 0


def by_serving_bytes(folder, mask):
    try:
        files = [(folder / "photo.png").read_bytes()], [mask.read_bytes()]
        _, (contents,) = judged(*map(tf.constant, files))
    except tf.errors.InvalidArgumentError as error:
        raise InputError(error.message) from None
    return decode_hole(contents)[..., 0].numpy() > 0


@tf.function
def judged(photos, masks):
    return require_decodable(photos, masks, 10**6)


@pytest.fixture
def folder(tmp_path):
    save(tmp_path / "photo.png", SCENE)
    return tmp_path


@pytest.mark.parametrize("kind", MASKS)
def test_every_front_sees_the_same_hole(folder, kind):
    name, picture = MASKS[kind]
    mask = save(folder / name, picture)
    for front in (by_inpaint, by_evaluate, by_the_editor):
        np.testing.assert_array_equal(front(folder, mask), HOLE, front.__name__)
    share = HOLE.reshape(32, 2, 32, 3).mean((1, 3))
    np.testing.assert_array_equal(by_training(folder, mask), share > 0.5)
    if kind in IN_A_GRAPH:
        np.testing.assert_array_equal(by_serving_bytes(folder, mask), HOLE)
    else:
        with pytest.raises(InputError, match="is not (white on black|a PNG or JPEG)"):
            by_serving_bytes(folder, mask)


@pytest.mark.parametrize("kind", REFUSED)
def test_every_front_refuses_what_is_no_mask(folder, kind):
    picture, words = REFUSED[kind]
    floats = getattr(picture, "dtype", None) == np.float32
    mask = save(folder / f"m.{'tif' if floats else 'png'}", picture)
    for front in (by_inpaint, by_evaluate, by_the_editor, by_training):
        with pytest.raises(InputError, match=words):
            front(folder, mask)
    with pytest.raises(InputError, match="is not (white on black|a PNG or JPEG)"):
        by_serving_bytes(folder, mask)


def test_a_graph_refuses_paint_that_is_not_quite_white(folder):
    shades = np.random.default_rng(0).integers(232, 256, HOLE.shape, np.uint8)
    mask = save(folder / "m.png", np.dstack([shades] * 3 + [np.uint8(255) * HOLE]))
    assert not (by_evaluate(folder, mask) == HOLE).all()  # read as transparency
    with pytest.raises(InputError, match="is not white on black"):
        by_serving_bytes(folder, mask)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_graph_turns_png_and_jpeg_as_their_exif_says(folder, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    for name in ("m.png", "m.jpg"):
        save(folder / name, np.uint8(255) * HOLE, exif=exif)
        contents = (folder / name).read_bytes()
        with Image.open(folder / "m.png") as image:
            upright = np.asarray(ImageOps.exif_transpose(image))
        hole = decode_hole(tf.constant(contents))[..., 0].numpy()
        np.testing.assert_array_equal(hole, upright > 127)
