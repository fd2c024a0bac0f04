"""An exported SavedModel, loaded through a Session as TF Serving loads it."""

import io
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps
from tensorflow.core.protobuf import saved_model_pb2

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.networks import (
    SAVED_MODEL,
    exported_graph,
    load_for_export,
)
from tf_edgeconnect.export.saved_model import export_saved_model, save_graph
from tf_edgeconnect.export.version import new_version, publish
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.graph import on_arrays
from tf_edgeconnect.models.storage import load_networks, save_networks

from .conftest import MAX_PIXELS
from .sent import ANSWERED, BAD, EDGES, GOOD, JPEG, OTHER, SMALL, TURNED

RUNNER = Path(__file__).with_name("session_runner.py")


def upright(contents):
    """What a viewer shows of a file."""
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(contents))))


@pytest.fixture(scope="module")
def for_processors(weights, tmp_path_factory):
    """An export with `device="cpu"`, in short floats."""
    output = tmp_path_factory.mktemp("cpu")
    return export_saved_model(
        weights, output, device="cpu", precision="bfloat16", warmup_sizes=()
    )


@pytest.fixture(scope="module")
def answers(exported, for_processors, tmp_path_factory):
    """All requests to one Session in a process of its own; a good one ends them.

    There another Session loads the export for processors.
    """
    requests = {**ANSWERED, **{k: v[:2] for k, v in BAD.items()}}
    requests["last"] = good = ("serving_default", GOOD)
    folder = tmp_path_factory.mktemp("session")
    sent, received = folder / "requests", folder / "answers"
    exports = [
        (str(exported.path), list(requests.values())),
        (str(for_processors.path), [good]),
    ]
    sent.write_bytes(pickle.dumps(exports))
    done = subprocess.run(
        [sys.executable, str(RUNNER), str(sent), str(received)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (*usual, of_processors) = sum(pickle.loads(received.read_bytes()), [])
    return {**dict(zip(requests, usual, strict=True)), "processors": of_processors}


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


def test_given_edges_guide_as_in_the_inpainter(answers, inpainter):
    expected = inpainter(**GOOD, edges=EDGES)
    assert close(answers["edges given"]["inpainted"], expected.image)


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


def test_an_inpainter_of_the_export_fills_as_the_networks(exported, inpainter):
    loaded = Inpainter.load(exported.path)
    image, mask = GOOD["image"], GOOD["mask"]
    for edges in (None, EDGES):
        ours, expected = (one(image, mask, edges) for one in (loaded, inpainter))
        assert close(ours.image, expected.image) and close(ours.edges, expected.edges)
        known = mask[..., 0] == 0
        np.testing.assert_array_equal(ours.image[known], image[known])
    edges = loaded.predict_edges(image, mask)
    np.testing.assert_array_equal(edges, loaded(image, mask).edges)
    none = np.zeros_like(mask)
    edges = [one(image, none).edges for one in (loaded, inpainter)]
    np.testing.assert_array_equal(*edges)


def operations(exported):
    """Kinds of operations in the graphs of an export."""
    saved = saved_model_pb2.SavedModel.FromString(
        (exported.path / "saved_model.pb").read_bytes()
    )
    functions = saved.meta_graphs[0].graph_def.library.function
    return {node.op for function in functions for node in function.node_def}


def test_only_an_export_for_processors_has_operations_made_for_them(
    exported, for_processors
):
    made_for_them = {"FusedBatchNormV3", "DepthToSpace"}
    assert not made_for_them & operations(exported)
    assert made_for_them <= operations(for_processors)
    assert "SpaceToBatchND" not in operations(exported) | operations(for_processors)
    assert exported.facts["device"] == "any"
    assert "made for: any device" in exported.printed  # by a bare export


def test_weights_are_stored_once(exported, weights):
    networks, _ = load_networks(weights)
    expected = 0
    for network in networks.values():
        names = {layer.name for layer in network.layers}
        for variable in network.variables:
            layer = variable.path.split("/")[-2]
            subtracted = variable.name == "bias" and f"{layer}_norm" in names
            if variable.name not in ("u", "v") and not subtracted:
                expected += int(np.prod(variable.shape))
    reader = tf.train.load_checkpoint(str(exported.path / "variables" / "variables"))
    shapes = reader.get_variable_to_shape_map()
    stored = [name for name in shapes if name.endswith("VARIABLE_VALUE")]
    assert sum(int(np.prod(shapes[name])) for name in stored) == expected
    data = exported.path / "variables" / "variables.data-00000-of-00001"
    assert 4 * expected <= data.stat().st_size < 4 * expected + 5000


def test_the_command_prints_what_the_next_version_holds(exported):
    assert exported.code == 0 and exported.path.name == "2"
    assert "(stage joint, step 7)" in exported.printed
    assert (
        "signature inpaint_with_edges: image uint8, mask uint8, edges uint8 -> "
        "inpainted uint8\n"
    ) in exported.printed
    assert "at 100x100: " in exported.printed  # photos that MAX_PIXELS allow
    assert " MB on disk, float32\n" in exported.printed
    assert exported.printed.endswith(f"wrote {exported.path}\n")
    assert (exported.path / "config.yaml").read_text() == "seed: 3\n"
    others = exported.path.parent
    assert sorted(path.name for path in others.iterdir()) == ["1", "2"]
    assert not list((others / "1").iterdir())


def test_what_lies_beside_the_model(exported):
    facts = exported.facts
    assert facts["max_pixels"] == MAX_PIXELS
    assert facts["signatures"]["inpaint_with_edges"]["inputs"]["edges"] == {
        "dtype": "uint8",
        "shape": [None, None, None, 1],
    }
    card = (exported.path / "README.md").read_text()
    assert "`serving_bytes`" in card and "10,000" in card and "step 7" in card


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
    assert sorted(seen) == sorted(exported.facts["signatures"])


def squared_error(filled, inpainter):
    """Of the holes of `GOOD`, against the networks as trained."""
    hole = GOOD["mask"][..., 0] > 0
    expected = inpainter(**GOOD).image
    return np.mean((filled[hole] - expected[hole] * 1.0) ** 2)


def test_bfloat16_is_stored_and_stays_close(for_processors, answers, inpainter):
    path = str(for_processors.path / "variables" / "variables")
    kinds = tf.train.load_checkpoint(path).get_variable_to_dtype_map()
    stored = [kind for name, kind in kinds.items() if name.endswith("VARIABLE_VALUE")]
    assert set(stored) == {tf.bfloat16}
    assert 0 < squared_error(answers["processors"]["inpainted"], inpainter) < 4


def test_float16_stays_close(inpainter):
    graph = exported_graph(inpainter, SAVED_MODEL["cpu"], "float16")
    variables = [*graph.edge_generator.variables, *graph.inpaint_generator.variables]
    assert {v.dtype for v in variables} == {"float16"}
    filled = on_arrays(graph.fill)(GOOD["image"], GOOD["mask"] > 0)[0]
    assert 0 < squared_error(filled, inpainter) < 4


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
