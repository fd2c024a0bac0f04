"""`Inpainter.load` on an exported SavedModel."""

import keras
import numpy as np
import pytest

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.saved_model import export_saved_model
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import save_networks
from tf_edgeconnect.photos.reading import Photo, read_photo
from tf_edgeconnect.photos.writing import write_photo

RNG = np.random.default_rng(5)
IMAGE = RNG.integers(0, 256, (19, 26, 3), np.uint8)
HOLE = np.zeros((19, 26), bool)
HOLE[5:12, 8:20] = True
GIVEN = np.where(np.arange(26) % 6 == 0, np.uint8(200), np.uint8(0))
GIVEN = np.broadcast_to(GIVEN, HOLE.shape).copy()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The Keras inpainter, and the folder of versions exported from it."""
    keras.utils.set_random_seed(1)
    options = {"filters": 2, "residual_blocks": 0, "initializer": "he"}
    folder = tmp_path_factory.mktemp("model") / "weights"
    networks = {
        "edge_generator": edge_generator(**options),
        "inpaint_generator": inpaint_generator(**options),
    }
    save_networks(folder, networks, {"stage": "joint", "step": 3, "sigma": 2.0})
    output = tmp_path_factory.mktemp("exported")
    export_saved_model(folder, output, warmup_sizes=(), max_megapixels=600e-6)
    return Inpainter.load(folder), output


@pytest.fixture(scope="module")
def exported(pair):
    return Inpainter.load(pair[1])


def test_an_export_fills_as_the_networks_it_was_made_from(pair, exported):
    for given in (None, GIVEN):
        ours, expected = (one(IMAGE, HOLE, given) for one in (exported, pair[0]))
        assert np.abs(ours.image.astype(int) - expected.image).max() <= 1
        assert np.abs(ours.edges.astype(int) - expected.edges).max() <= 1
        np.testing.assert_array_equal(ours.image[~HOLE], IMAGE[~HOLE])
    lines = exported.predict_edges(IMAGE, HOLE)
    np.testing.assert_array_equal(lines, exported(IMAGE, HOLE).edges)
    none = np.zeros_like(HOLE)
    np.testing.assert_array_equal(exported(IMAGE, none).edges, pair[0](IMAGE, none)[1])


def test_an_export_has_no_keras_models_and_says_where_it_is_from(pair, exported):
    assert exported.edge_generator is None and exported.inpaint_generator is None
    assert "(stage joint, step 3)" in exported.description
    assert str(pair[1] / "1") in exported.description


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
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    assert (filled[hole] != image[hole]).any()


def test_edges_are_checked_as_a_whole_not_in_parts(pair, exported):
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


def test_a_damaged_export_is_refused(pair, tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"nothing")
    with pytest.raises(InputError, match="does not load: .*export the model again"):
        Inpainter.load(tmp_path)


def test_inpaint_takes_the_latest_version(pair, tmp_path, capsys):
    (pair[1] / "10").mkdir(exist_ok=True)  # not complete: passed over
    photo, mask, out = (tmp_path / name for name in ("a.png", "m.png", "out.png"))
    write_photo(photo, Photo(IMAGE))
    write_photo(mask, Photo(255 * HOLE[..., None].astype(np.uint8)))
    command = ["inpaint", *map(str, (photo, mask)), "-o", str(out)]
    assert run([*command, "--model", str(pair[1])]) == 0
    np.testing.assert_array_equal(read_photo(out).pixels[~HOLE], IMAGE[~HOLE])
    assert "exported from" in capsys.readouterr().err
