"""An exported SavedModel, loaded through a Session as TF Serving loads it."""

import io
import json
import logging
import os
import pickle
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.networks import load_for_export
from tf_edgeconnect.export.saved_model import export_saved_model, save_graph
from tf_edgeconnect.export.version import new_version, publish
from tf_edgeconnect.models.storage import load_networks, save_networks

from .conftest import MAX_PIXELS

RNG = np.random.default_rng(3)
RUNNER = Path(__file__).with_name("session_runner.py")


def request(*shape):
    """A batch of photos and masks `(B, H, W)` with a hole in the middle."""
    batch, height, width = shape
    image = RNG.integers(0, 256, (*shape, 3), np.uint8)
    mask = np.zeros((batch, height, width, 1), np.uint8)
    mask[:, height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 255
    return {"image": image, "mask": mask}


def file_of(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(np.squeeze(pixels)).save(file, kind)
    return file.getvalue()


def strings(*items):
    return np.array(items, object)


def run(exported, requests, folder):
    sent, received = folder / "requests", folder / "answers"
    sent.write_bytes(pickle.dumps(requests))
    done = subprocess.run(
        [sys.executable, str(RUNNER), str(exported.path), str(sent), str(received)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return pickle.loads(received.read_bytes())


GOOD = request(2, 13, 18)
SMALL = request(1, 5, 3)
OTHER = request(1, 24, 32)
DRAWING = np.where(np.arange(18) % 6 == 0, 200, 0).astype(np.uint8)
DRAWING = np.broadcast_to(DRAWING[:, None], (2, 13, 18, 1)).copy()
PHOTO, MASK = file_of(OTHER["image"]), file_of(OTHER["mask"])
JPEG = file_of(SMALL["image"], "JPEG")


def turned(orientation, order):
    """A JPEG of `OTHER` whose pixels lie as a camera held that way stores them."""
    image = Image.fromarray(OTHER["image"][0])
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.endian = order
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif.tobytes())
    return file.getvalue()


TURNED = {6: turned(6, "<"), 3: turned(3, ">")}


def upright(contents):
    """What a viewer shows of a file."""
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(contents))))


def bomb():
    """A short PNG whose header says 30000 x 30000."""
    head = b"IHDR" + (30000).to_bytes(4, "big") * 2 + PHOTO[24:29]
    return PHOTO[:12] + head + zlib.crc32(head).to_bytes(4, "big") + PHOTO[33:]


def eight(bad):
    """Eight strings, the bad one at index 5."""
    pair = [PHOTO] * 8
    pair[5] = bad
    return {"image_bytes": strings(*pair), "mask_bytes": strings(*[MASK] * 8)}


SIZE_WORDS = "mask must have the batch, height and width of image, [2 13 18], got"
RANK_WORDS = "image_must_be_batch_height_width_3_channels"
# name -> (signature, inputs, words of the answer)
BAD = {
    "photo without a batch": (
        "serving_default",
        {**GOOD, "image": GOOD["image"][0]},
        RANK_WORDS,
    ),
    "five axes": ("predict_edges", {**GOOD, "image": GOOD["image"][None]}, RANK_WORDS),
    "grey photo": ("serving_default", {**GOOD, "image": GOOD["mask"]}, RANK_WORDS),
    "mask of three channels": (
        "serving_default",
        {**GOOD, "mask": GOOD["image"]},
        "mask_must_be_batch_height_width_1_channels",
    ),
    "flat mask": (
        "inpaint_with_edges",
        {**GOOD, "mask": GOOD["mask"][..., 0], "edges": DRAWING},
        "mask_must_be_batch_height_width_1_channels",
    ),
    "smaller mask": (
        "serving_default",
        {**GOOD, "mask": GOOD["mask"][:, :12]},
        SIZE_WORDS,
    ),
    "one mask for two photos": (
        "predict_edges",
        {**GOOD, "mask": GOOD["mask"][:1]},
        SIZE_WORDS,
    ),
    "narrower edges": (
        "inpaint_with_edges",
        {**GOOD, "edges": DRAWING[:, :, :17]},
        "edges must have the batch, height and width of image, [2 13 18], got",
    ),
    "no pixels": (
        "serving_default",
        {name: value[:, :0] for name, value in GOOD.items()},
        "image must have 1 to 90000 pixels, batch x height x width, got 0",
    ),
    "too many pixels": (
        "serving_default",
        request(1, 301, 300),
        "image must have 1 to 90000 pixels, batch x height x width, got 90300",
    ),
    "mask of zeros and ones": (
        "serving_default",
        {**GOOD, "mask": GOOD["mask"] // 255},
        "mask holds 0 and 1 only",
    ),
    "inverted drawing": (
        "inpaint_with_edges",
        {**GOOD, "edges": np.stack([DRAWING[0], 255 - DRAWING[1]])},
        "edges[1] is mostly white",
    ),
    "no picture": (
        "serving_bytes",
        eight(b"no picture"),
        "image_bytes[5] is not a PNG or JPEG file",
    ),
    "empty string": (
        "serving_bytes",
        eight(b""),
        "image_bytes[5] is not a PNG or JPEG file",
    ),
    "cut PNG": (
        "serving_bytes",
        eight(PHOTO[:-60]),
        "image_bytes[5] is damaged or cut off",
    ),
    "cut JPEG": (
        "serving_bytes",
        eight(JPEG[:-20]),
        "image_bytes[5] is damaged or cut off",
    ),
    "header alone": (
        "serving_bytes",
        eight(PHOTO[:20]),
        "image_bytes[5] is damaged or cut off",
    ),
    "bomb": (
        "serving_bytes",
        eight(bomb()),
        "image_bytes[5] is of 900000000 pixels, expected 90000 or fewer",
    ),
    "mask of another size": (
        "serving_bytes",
        eight(JPEG),
        "mask_bytes[5] must have the height and width of its photo",
    ),
    "two bad ones": (
        "serving_bytes",
        {"image_bytes": strings(b"", PHOTO), "mask_bytes": strings(MASK, b"")},
        "image_bytes[0] is not a PNG or JPEG file; "
        "mask_bytes[1] is not a PNG or JPEG file",
    ),
    "fewer masks": (
        "serving_bytes",
        {"image_bytes": strings(PHOTO, PHOTO), "mask_bytes": strings(MASK)},
        "image_bytes and mask_bytes must be as many, got 2 and 1",
    ),
    "nested strings": (
        "serving_bytes",
        {"image_bytes": strings(PHOTO)[None], "mask_bytes": strings(MASK)},
        "image_bytes_must_be_a_list_of_strings",
    ),
}
ANSWERED = {
    "default": ("serving_default", GOOD),
    "small": ("serving_default", SMALL),
    "edges": ("predict_edges", GOOD),
    "drawn": ("inpaint_with_edges", {**GOOD, "edges": DRAWING}),
    "bytes": (
        "serving_bytes",
        {
            "image_bytes": strings(PHOTO, JPEG),
            "mask_bytes": strings(MASK, file_of(SMALL["mask"])),
        },
    ),
    "turned": (
        "serving_bytes",
        {
            "image_bytes": strings(*TURNED.values()),
            "mask_bytes": strings(file_of(OTHER["mask"][0].swapaxes(0, 1)), MASK),
        },
    ),
}


@pytest.fixture(scope="module")
def answers(exported, tmp_path_factory):
    """All requests to one Session in a process of its own; a good one ends them."""
    requests = {**ANSWERED, **{k: v[:2] for k, v in BAD.items()}}
    requests["last"] = ("serving_default", GOOD)
    folder = tmp_path_factory.mktemp("session")
    return dict(
        zip(requests, run(exported, list(requests.values()), folder), strict=True)
    )


def close(ours, expected):
    off = np.abs(ours.astype(int) - expected.reshape(ours.shape))
    return off.max() <= 1


@pytest.mark.parametrize(("name", "sent"), [("default", GOOD), ("small", SMALL)])
def test_photos_are_filled_as_by_the_inpainter(answers, inpainter, name, sent):
    answer, expected = answers[name], inpainter(**sent)
    assert close(answer["inpainted"], expected.image)
    assert close(answer["edges"], expected.edges)
    known = sent["mask"][..., 0] == 0
    np.testing.assert_array_equal(answer["inpainted"][known], sent["image"][known])


def test_edges_are_completed_as_by_the_inpainter(answers, inpainter):
    assert close(answers["edges"]["edges"], inpainter.predict_edges(**GOOD))


def test_drawn_edges_guide_as_in_the_inpainter(answers, inpainter):
    expected = inpainter(**GOOD, edges=DRAWING)
    assert close(answers["drawn"]["inpainted"], expected.image)


def test_strings_of_several_sizes_are_filled_one_by_one(answers, inpainter):
    photos = [OTHER["image"][0], np.array(Image.open(io.BytesIO(JPEG)))]
    holes = [OTHER["mask"][0], SMALL["mask"][0]]
    filled = answers["bytes"]["inpainted_bytes"]
    for contents, photo, hole in zip(filled, photos, holes, strict=True):
        with Image.open(io.BytesIO(contents)) as image:
            assert image.format == "PNG"
            result = np.array(image)
        known = hole[..., 0] == 0
        np.testing.assert_array_equal(result[known], photo[known])
        assert close(result, inpainter(photo, hole).image)


def test_jpegs_are_filled_upright(answers, inpainter):
    holes = [OTHER["mask"][0].swapaxes(0, 1), OTHER["mask"][0]]
    filled = answers["turned"]["inpainted_bytes"]
    for contents, source, hole in zip(filled, TURNED.values(), holes, strict=True):
        photo = upright(source)
        result = np.array(Image.open(io.BytesIO(contents)))
        known = hole[..., 0] == 0
        np.testing.assert_array_equal(result[known], photo[known])
        assert close(result, inpainter(photo, hole).image)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_an_invalid_argument_with_a_sentence(answers, name):
    kind, message = answers[name]
    assert kind == "InvalidArgumentError"
    assert BAD[name][2] in message


def test_a_good_request_after_all_bad_ones_is_answered(answers):
    np.testing.assert_array_equal(
        answers["last"]["inpainted"], answers["default"]["inpainted"]
    )


def test_weights_are_stored_once(exported, weights):
    networks, _ = load_networks(weights)
    expected = sum(
        int(np.prod(variable.shape))
        for network in networks.values()
        for variable in network.variables
        if variable.name not in ("u", "v")
    )
    reader = tf.train.load_checkpoint(str(exported.path / "variables" / "variables"))
    shapes = reader.get_variable_to_shape_map()
    stored = [name for name in shapes if name.endswith("VARIABLE_VALUE")]
    assert sum(int(np.prod(shapes[name])) for name in stored) == expected
    data = exported.path / "variables" / "variables.data-00000-of-00001"
    assert 4 * expected <= data.stat().st_size < 4 * expected + 5000


def test_what_lies_beside_the_model(exported):
    facts = json.loads((exported.path / "model.json").read_text())
    assert facts == exported.facts
    assert facts["max_pixels"] == MAX_PIXELS
    assert facts["signatures"]["inpaint_with_edges"]["inputs"]["edges"] == {
        "dtype": "uint8",
        "shape": [None, None, None, 1],
    }
    card = (exported.path / "README.md").read_text()
    assert "`serving_bytes`" in card and "90,000" in card and "step 7" in card
    assert exported.lines[-1] == f"wrote {exported.path}"


def test_warm_up_holds_each_signature_at_each_size(exported):
    api = pytest.importorskip(
        "tensorflow_serving.apis.prediction_log_pb2",
        reason="needs pip install tensorflow-serving-api",
    )
    path = exported.path / "assets.extra" / "tf_serving_warmup_requests"
    seen = []
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        sent = api.PredictionLog.FromString(record).predict_log.request
        seen.append(sent.model_spec.signature_name)
        for name, value in sent.inputs.items():
            assert name in exported.facts["signatures"][seen[-1]]["inputs"]
            assert tf.make_ndarray(value).shape[0] == 1
    assert seen == list(exported.facts["signatures"])


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_short_floats_are_stored_and_stay_close(weights, tmp_path, precision):
    exported = export_saved_model(
        weights, tmp_path, precision=precision, warmup_sizes=()
    )
    data = exported.path / "variables" / "variables.data-00000-of-00001"
    # 2 bytes a number, but 4 in the two last convolutions.
    short = 2 * exported.facts["parameters"]
    last = 2 * (7 * 7 * 4 * (1 + 3) + 1 + 3)
    assert short + last <= data.stat().st_size < short + last + 5000
    assert "PSNR" in exported.facts["comparison"]


def test_versions_count_up_and_are_never_overwritten(tmp_path):
    for number in ("1", "2"):
        with new_version(tmp_path) as partial:
            (partial / "who").write_text(number)
            (tmp_path / "notes").mkdir(exist_ok=True)
            assert publish(partial, tmp_path) == tmp_path / number
    assert (tmp_path / "1" / "who").read_text() == "1"
    (tmp_path / "10").mkdir()
    with new_version(tmp_path) as partial:
        # Another export is ready between the look at the folder and the renaming.
        rename, os.rename = os.rename, lambda *paths: taken(*paths)

        def taken(*paths):
            os.rename = rename
            (tmp_path / "11").mkdir()
            (tmp_path / "11" / "who").write_text("the other")
            rename(*paths)

        assert publish(partial, tmp_path) == tmp_path / "12"
    assert (tmp_path / "11" / "who").read_text() == "the other"


def test_a_version_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(OSError), new_version(tmp_path) as partial:
        (partial / "half").touch()
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_refused(exported, weights, tmp_path):
    for stage, kept in (("edge", "inpaint_generator"), ("inpaint", "edge_generator")):
        networks, meta = load_networks(weights, (kept,))
        save_networks(tmp_path / stage, networks, {"sigma": 2.0})
        with pytest.raises(InputError, match=f"no {stage} generator.*train it with"):
            load_for_export(tmp_path / stage)
    with pytest.raises(InputError, match="is an export or a server"):
        export_saved_model(exported.path, tmp_path / "x")
    with pytest.raises(InputError, match="precision must be one of .* got 'int8'"):
        export_saved_model(weights, tmp_path / "x", precision="int8")
    with pytest.raises(InputError, match="warm-up size 301"):
        export_saved_model(
            weights, tmp_path / "x", warmup_sizes=(301,), max_megapixels=0.09
        )
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", exported.path):
        with pytest.raises(InputError, match=str(output)), new_version(output):
            pass


def test_saving_is_silent_where_tensorflow_would_tell_the_folder(inpainter, tmp_path):
    # As in a notebook, where TensorFlow's logger starts at INFO.
    told, logger = [], tf.get_logger()
    handler, level = logging.Handler(), logger.level
    handler.emit = told.append
    logger.addHandler(handler)
    logger.setLevel("INFO")
    double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec([])])
    try:
        tf.saved_model.save(tf.Module(), str(tmp_path / "plain"))
        assert told  # else this test shows nothing
        told.clear()
        save_graph(inpainter, {"double": double}, tmp_path / "ours")
        assert told == [] and logger.level == logging.INFO
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
