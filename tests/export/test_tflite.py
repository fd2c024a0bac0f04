"""TFLite files: what is in them, and what they answer on ai-edge-litert."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from skimage.feature import canny as skimage_canny

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.examples import load_examples
from tf_edgeconnect.export.lite_file import operations, write_new
from tf_edgeconnect.export.quantization import quantized_graph
from tf_edgeconnect.export.tflite import convert, export_tflite
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.tflite import TFLiteBackend

litert = pytest.importorskip(
    "ai_edge_litert.interpreter", reason="needs pip install ai-edge-litert"
)

SIZE = 32
FULLY_ROUNDED = ("CONV_2D", "TRANSPOSE_CONV")


@pytest.fixture(scope="module")
def exported(weights, tmp_path_factory):
    """A float16 file of the tiny networks."""
    path = tmp_path_factory.mktemp("lite") / "sub" / "tiny.tflite"
    return export_tflite(weights, path, size=SIZE, precision="float16")


@pytest.fixture(scope="module")
def lite(exported):
    return Inpainter(TFLiteBackend(exported.path, threads=1))


@pytest.fixture(scope="module")
def photos():
    """Photos uint8 `(B, H, W, 3)` with holes bool `(B, H, W)`."""
    pairs = load_examples(None, SIZE).report[:3]
    images, masks = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return images, masks[..., 0] > 0


def test_all_operations_are_built_in(exported):
    counts = operations(exported.path.read_bytes())
    assert counts["TRANSPOSE_CONV"] == 8  # two a network, each in two signatures
    assert not [name for name in counts if name.startswith("CUSTOM")]


def test_signatures_share_their_kernels(exported, inpainter):
    networks = (inpainter.edge_generator, inpainter.inpaint_generator)
    kernels = sum(
        int(np.prod(layer.kernel.shape))
        for network in networks
        for layer in network.layers
        if hasattr(layer, "kernel")
    )
    contents = exported.path.read_bytes()
    half = tf.cast(inpainter.inpaint_generator.get_layer("decoder_3").kernel, "float16")
    # TFLite's order of axes is output, height, width, input.
    stored = np.transpose(half.numpy(), (3, 0, 1, 2)).tobytes()
    assert contents.count(stored) == 1
    assert len(contents) > 2 * kernels


def test_signatures_have_named_inputs_of_one_size(exported):
    interpreter = litert.Interpreter(model_path=str(exported.path))
    pair = ["image", "mask"]
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": pair, "outputs": ["edges", "inpainted"]},
        "predict_edges": {"inputs": pair, "outputs": ["edges"]},
        "inpaint_with_edges": {
            "inputs": ["edges", *pair],
            "outputs": ["inpainted"],
        },
    }
    details = interpreter.get_signature_runner("serving_default").get_input_details()
    assert details["image"]["shape"].tolist() == [1, SIZE, SIZE, 3]
    assert details["mask"]["dtype"] == np.uint8


def test_canny_is_kept_apart_from_what_has_fixed_sizes(exported):
    # Delegates of phones' GPUs refuse a graph with any other size.
    interpreter = litert.Interpreter(
        model_path=str(exported.path),
        experimental_op_resolver_type=(
            litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
    )
    for tensor in interpreter.get_tensor_details():
        assert -1 not in tensor["shape_signature"], tensor["name"]


def test_photos_of_the_file_s_size_are_filled_as_by_keras(lite, inpainter, photos):
    images, holes = photos
    expected, ours = inpainter(images, holes), lite(images, holes)
    # float16 kernels: a few grey levels in untrained networks.
    assert np.abs(ours.image.astype(int) - expected.image).max() <= 4
    np.testing.assert_array_equal(ours.image[~holes], images[~holes])
    np.testing.assert_array_equal(ours.edges[~holes], expected.edges[~holes])
    np.testing.assert_array_equal(lite.predict_edges(images, holes), ours.edges)


def test_drawn_lines_are_painted_along(lite, inpainter, photos):
    images, holes = photos
    drawing = np.zeros(holes.shape, np.uint8)
    drawing[:, ::7] = 200
    expected, ours = inpainter(images, holes, drawing), lite(images, holes, drawing)
    assert np.abs(ours.image.astype(int) - expected.image).max() <= 4
    np.testing.assert_array_equal(ours.edges, expected.edges)


def test_drawing_what_was_predicted_gives_the_same_photo(lite, photos):
    images, holes = photos
    filled = lite(images, holes)
    again = lite(images, holes, filled.edges)
    assert np.abs(again.image.astype(int) - filled.image).max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (9, 31), (47, 33), (32, 80)])
def test_other_sizes_keep_known_pixels_and_their_own_edges(lite, size):
    image = np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)
    hole = np.zeros(size, bool)
    hole[size[0] // 3 : size[0] // 2 + 1, size[1] // 4 : size[1] // 2 + 1] = True
    filled, edges = lite(image, hole)
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    gray = image.astype(np.float32) / 255 @ np.float32([0.2125, 0.7154, 0.0721])
    known = skimage_canny(gray, 2, mask=~hole)
    np.testing.assert_array_equal(edges[~hole] > 0, known[~hole])
    assert (filled[hole] != image[hole]).any()


def test_a_photo_without_a_hole_comes_back(lite, photos, inpainter):
    images, holes = photos
    filled, edges = lite(images[0], np.zeros_like(holes[0]))
    np.testing.assert_array_equal(filled, images[0])
    np.testing.assert_array_equal(edges, inpainter.photo_edges(images[0]))


def test_fully_rounded_networks_leave_canny_exact(inpainter, photos, tmp_path):
    examples = load_examples(None, SIZE)
    graph = quantized_graph(inpainter, examples.calibration[:4])
    path = tmp_path / "int8.tflite"
    path.write_bytes(convert(graph, SIZE, "int8-full"))
    interpreter = litert.Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=(
            litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        ),
    )
    types = {t["index"]: t["dtype"] for t in interpreter.get_tensor_details()}
    rounded = [
        types[operation["outputs"][0]]
        for operation in interpreter._get_ops_details()
        if operation["op_name"] in FULLY_ROUNDED
    ]
    assert rounded and set(rounded) == {np.int8}
    images, holes = photos
    fill = interpreter.get_signature_runner("serving_default")
    for image, hole in zip(images, holes, strict=True):
        mask = 255 * hole[None, ..., None].astype(np.uint8)
        ours, expected = fill(image=image[None], mask=mask), inpainter(image, hole)
        np.testing.assert_array_equal(
            ours["edges"][0, ..., 0][~hole], expected.edges[~hole]
        )
        np.testing.assert_array_equal(ours["inpainted"][0][~hole], image[~hole])
        error = np.mean((ours["inpainted"][0][hole] - expected.image[hole] * 1.0) ** 2)
        # 28 dB, where trained ones have more than 40: untrained networks amplify
        # rounding. A quantizer that spoils them gives errors in the thousands.
        assert 0 < error < 100


def test_the_report_says_what_was_measured(exported):
    report, lines = exported.report, "\n".join(exported.lines)
    assert report.known_edges_differ == 0
    assert report.psnr_to_keras > 45 and report.seconds > 0
    assert report.bytes == exported.path.stat().st_size
    assert "10 photos inside scikit-image at 32x32" in lines
    assert "0 known edge pixels differ" in lines and "warning" not in lines


def test_a_loss_of_more_than_a_decibel_is_told(exported):
    worse = dataclasses.replace(exported.report, psnr=exported.report.keras_psnr - 1.4)
    assert "warning: int8 loses 1.4 dB" in worse.lines("int8")[-1]


def test_the_file_tells_what_it_is(lite):
    assert lite.backend.size == SIZE
    assert "float16" in lite.description and "step 7" in lite.description


def test_filling_imports_no_tensorflow(exported):
    script = (
        "import sys, numpy as np, tf_edgeconnect as ec\n"
        "lite = ec.Inpainter.load(sys.argv[1])\n"
        "lite(np.zeros((20, 40, 3), np.uint8), np.eye(20, 40) > 0)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(exported.path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_wrong_files_are_refused(exported, tmp_path):
    cut, other = tmp_path / "cut.tflite", tmp_path / "other.tflite"
    cut.write_bytes(exported.path.read_bytes()[:5000])
    other.write_bytes(b"not a model at all")
    for path in (cut, other):
        with pytest.raises(InputError, match="is not a whole file of `tf-edgeconnect"):
            Inpainter.load(path)
    with pytest.raises(InputError, match="does not exist; expected a .tflite file"):
        Inpainter.load(tmp_path / "absent.tflite")
    with pytest.raises(InputError, match="is a folder"):
        TFLiteBackend(tmp_path)


def test_a_missing_package_is_named(monkeypatch, exported):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(InputError, match=r"pip install 'tf-edgeconnect\[tflite\]'"):
        Inpainter.load(exported.path)


def test_wrong_options_are_refused_before_any_work(exported, weights, tmp_path):
    for options, words in (
        ({"size": 30}, "multiple of 4 and at least 12 pixels, got 30"),
        ({"size": 8}, "got 8"),
        ({"precision": "bfloat16"}, "got 'bfloat16'"),
        ({"photos": tmp_path / "none"}, "none: no such file or folder"),
    ):
        with pytest.raises(InputError, match=words):
            export_tflite(weights, tmp_path / "x.tflite", **options)
    with pytest.raises(InputError, match="exists; remove it"):
        export_tflite(weights, exported.path)
    before = exported.path.read_bytes()
    with pytest.raises(InputError, match="exists; remove it"):
        write_new(exported.path, b"by another process meanwhile")
    assert exported.path.read_bytes() == before
    assert list(exported.path.parent.iterdir()) == [exported.path]
    assert list(tmp_path.iterdir()) == []
