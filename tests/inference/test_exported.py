"""`Inpainter.load` on an exported SavedModel."""

import numpy as np
import pytest

from tests.stand_in import save_stand_in
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.photos.reading import Photo, read_photo
from tf_edgeconnect.photos.writing import write_photo

RNG = np.random.default_rng(5)
IMAGE = RNG.integers(0, 256, (19, 26, 3), np.uint8)
HOLE = np.zeros((19, 26), bool)
HOLE[5:12, 8:20] = True


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of versions of a small export that takes 600 pixels at once."""
    return save_stand_in(tmp_path_factory.mktemp("exported"), 600)


@pytest.fixture(scope="module")
def exported(folder):
    return Inpainter.load(folder)


def test_an_export_has_no_keras_models_and_says_where_it_is_from(folder, exported):
    assert exported.edge_generator is None and exported.inpaint_generator is None
    assert "exported from a stand-in" in exported.description
    assert str(folder / "1") in exported.description


def test_what_an_export_cannot_do_is_said(exported):
    with pytest.raises(InputError, match="published needs the run directory"):
        exported(IMAGE, HOLE, published=True)
    tall = np.zeros((40, 40, 3), np.uint8), np.eye(40) > 0
    with pytest.raises(InputError, match=r"image must have 1 to 600 pixels.*1600"):
        exported(*tall, large="full")
    with pytest.raises(InputError, match="got 1600"):
        exported.predict_edges(*tall, large="full")
    with pytest.raises(InputError, match="has its own sigma"):
        exported(IMAGE, HOLE, sigma=1.0)


def test_a_photo_over_the_bound_of_an_export_runs_in_parts(exported):
    image = RNG.integers(0, 256, (40, 40, 3), np.uint8)
    hole = np.zeros((40, 40), bool)
    hole[5:9, 30:36] = True
    filled = exported(image, hole).image
    np.testing.assert_array_equal(filled, np.where(hole[..., None], 255 - image, image))


def test_edges_are_checked_as_a_whole_not_in_parts(exported):
    image = RNG.integers(0, 256, (40, 40, 3), np.uint8)
    edges = np.zeros((40, 40), np.uint8)
    edges[:24, :24] = 255  # 36 % of all edges, and all that one part sees
    beside = np.zeros((40, 40), bool)
    beside[8:14, 8:14] = True
    for hole in (beside, np.ones((40, 40), bool)):
        result = exported(image, hole, edges, large="tile")
        np.testing.assert_array_equal(result.image[~hole], image[~hole])
        np.testing.assert_array_equal(result.edges[hole], edges[hole])
    with pytest.raises(InputError, match="64% white, so they seem inverted"):
        exported(image, beside, 255 - edges)


def test_a_damaged_export_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"nothing")
    with pytest.raises(InputError, match="does not load: .*export the model again"):
        Inpainter.load(tmp_path)


def test_inpaint_takes_the_latest_version(folder, tmp_path, capsys):
    (folder / "10").mkdir(exist_ok=True)  # not complete: passed over
    photo, mask, out = (tmp_path / name for name in ("a.png", "m.png", "out.png"))
    write_photo(photo, Photo(IMAGE))
    write_photo(mask, Photo(255 * HOLE[..., None].astype(np.uint8)))
    command = ["inpaint", *map(str, (photo, mask)), "-o", str(out)]
    assert run([*command, "--model", str(folder)]) == 0
    np.testing.assert_array_equal(read_photo(out).pixels[~HOLE], IMAGE[~HOLE])
    assert "exported from" in capsys.readouterr().err
