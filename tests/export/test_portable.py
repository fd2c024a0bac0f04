"""TFLite and ONNX files: what is in them, and what they answer."""

import dataclasses
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image
from skimage.feature import canny as skimage_canny

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export import portable, report
from tf_edgeconnect.export.portable import export_onnx, export_tflite
from tf_edgeconnect.export.report import load_examples
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.file import TFLiteBackend
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import save_networks

litert = pytest.importorskip(
    "ai_edge_litert.interpreter", reason="needs pip install ai-edge-litert"
)
onnxruntime = pytest.importorskip("onnxruntime", reason="needs pip install onnxruntime")

ROOT = Path(__file__).parents[2]
SIZE, REPORTED = 32, 3
KINDS = ["tflite", "tflite with edges", "onnx", "onnx with edges"]


@pytest.fixture(scope="module", autouse=True)
def few_photos():
    """Photos that are quick to measure."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(portable, "_REPORTED_SIZE", SIZE)
        monkeypatch.setattr(report, "REPORTED", REPORTED)
        yield


@pytest.fixture(scope="module")
def exports(weights, tmp_path_factory):
    """One file of each kind, of the tiny networks."""
    folder = tmp_path_factory.mktemp("files") / "sub"
    made = {}
    for kind in KINDS:
        name, edges_input = kind.split()[0], kind.endswith("edges")
        path = folder / f"{kind.replace(' ', '_')}.{name}"
        if name == "onnx":
            made[kind] = export_onnx(weights, path, edges_input=edges_input)
        else:
            made[kind] = export_tflite(
                weights, path, size=SIZE, edges_input=edges_input
            )
    return made


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def exported(exports, kind):
    return exports[kind]


@pytest.fixture
def loaded(exported):
    return Inpainter.load(exported.path)


@pytest.fixture(scope="module")
def photos():
    """Photos uint8 `(B, H, W, 3)` with holes bool `(B, H, W)`."""
    pairs = load_examples(None, SIZE).pairs
    images, masks = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return images, masks[..., 0]


def off_by(ours, expected):
    return np.abs(ours.astype(int) - expected).max()


def test_photos_are_filled_as_by_keras(loaded, inpainter, photos):
    images, holes = photos
    expected, ours = inpainter(images, holes), loaded(images, holes)
    assert off_by(ours.image, expected.image) <= 1
    np.testing.assert_array_equal(ours.image[~holes], images[~holes])
    np.testing.assert_array_equal(ours.edges[~holes], expected.edges[~holes])
    assert off_by(ours.edges, expected.edges) <= 1
    np.testing.assert_array_equal(loaded.predict_edges(images, holes), ours.edges)


@pytest.mark.parametrize("size", [(1, 1), (9, 31), (47, 33), (32, 80)])
def test_other_sizes_keep_known_pixels_and_their_own_edges(loaded, size):
    image = np.random.default_rng(2).integers(0, 256, (*size, 3), np.uint8)
    hole = np.zeros(size, bool)
    hole[size[0] // 3 : size[0] // 2 + 1, size[1] // 4 : size[1] // 2 + 1] = True
    filled, edges = loaded(image, hole)
    np.testing.assert_array_equal(filled[~hole], image[~hole])
    gray = image.astype(np.float32) / 255 @ np.float32([0.2125, 0.7154, 0.0721])
    known = skimage_canny(gray, 2, mask=~hole)
    np.testing.assert_array_equal(edges[~hole] > 0, known[~hole])
    assert (filled[hole] != image[hole]).any()


@pytest.mark.parametrize("value", [0, 200])
def test_given_edges_are_painted_along_or_refused(
    loaded, inpainter, photos, kind, value
):
    images, holes = photos
    edges = np.zeros(holes.shape, np.uint8)
    edges[:, ::7] = value  # 0: a hole without edges, which is another than none given
    if not kind.endswith("edges"):
        with pytest.raises(InputError, match="takes no edges; .* --edges-input"):
            loaded(images, holes, edges)
        return
    expected, ours = inpainter(images, holes, edges), loaded(images, holes, edges)
    assert off_by(ours.image, expected.image) <= 2
    assert off_by(ours.edges, expected.edges) <= 1


def test_a_photo_without_a_hole_comes_back(loaded, photos, inpainter):
    images, holes = photos
    filled, edges = loaded(images[0], np.zeros_like(holes[0]))
    np.testing.assert_array_equal(filled, images[0])
    np.testing.assert_array_equal(edges, inpainter.photo_edges(images[0]))


def test_an_onnx_file_takes_any_batch_and_size(exports, inpainter):
    session = onnxruntime.InferenceSession(exports["onnx"].path)
    shapes = {value.name: value.shape for value in session.get_inputs()}
    free = ["batch", "height", "width"]
    assert shapes == {"image": [*free, 3], "mask": [*free, 1]}
    assert {value.name for value in session.get_outputs()} == {"inpainted", "edges"}
    image = np.random.default_rng(0).integers(0, 256, (2, 21, 35, 3), np.uint8)
    mask = np.zeros((2, 21, 35, 1), np.uint8)
    mask[:, 5:12, 9:20] = 255
    (filled,) = session.run(["inpainted"], {"image": image, "mask": mask})
    assert off_by(filled, inpainter(image, mask).image) <= 1


def test_a_tflite_file_has_one_signature_of_one_size(exports):
    contents = exports["tflite with edges"].path.read_bytes()
    interpreter = litert.Interpreter(model_content=contents)
    assert interpreter.get_signature_list() == {
        "serving_default": {
            "inputs": ["edges", "image", "mask"],
            "outputs": ["completed_edges", "inpainted"],
        }
    }
    details = interpreter.get_signature_runner().get_input_details()
    assert details["image"]["shape"].tolist() == [1, SIZE, SIZE, 3]
    assert details["mask"]["dtype"] == np.uint8
    operations = exports["tflite with edges"].report.operations
    assert operations["DEPTH_TO_SPACE"] == 6  # three a network
    assert not {"WHILE", "MIRROR_PAD", "TRANSPOSE_CONV"} & set(operations)
    for exported in (exports["tflite"], exports["tflite with edges"]):
        names = exported.report.operations
        assert not [n for n in names if n.startswith(("CUSTOM", "FLEX", "Flex"))]
        assert "on a phone's GPU: all operations are supported" in exported.lines


@pytest.mark.parametrize(
    ("precision", "least", "error"),
    [("float16", 1.4, 1), ("int8", 1.2, 100), ("int8-full", 1.1, 100)],
)
def test_rounded_kernels_leave_canny_exact(
    exports, inpainter, weights, photos, tmp_path, precision, least, error
):
    pytest.importorskip("ai_edge_quantizer", reason="needs ai-edge-quantizer")
    exported = export_tflite(
        weights, tmp_path / "x.tflite", size=SIZE, precision=precision
    )
    whole = exports["tflite"].path.stat().st_size
    assert whole > least * exported.path.stat().st_size
    images, holes = photos
    ours = Inpainter.load(exported.path)(images, holes)
    expected = inpainter(images, holes)
    np.testing.assert_array_equal(ours.edges[~holes], expected.edges[~holes])
    np.testing.assert_array_equal(ours.image[~holes], images[~holes])
    # Untrained networks amplify rounding; a quantizer that spoils them gives errors in
    # the thousands.
    off = (ours.image[holes] - expected.image[holes] * 1.0) ** 2
    assert np.mean(off) < error


def test_the_kernels_of_wider_networks_are_stored_too(tmp_path):
    pytest.importorskip("ai_edge_quantizer", reason="needs ai-edge-quantizer")
    # From 17 filters on the converter leaves a computed last kernel as it is.
    networks = [make(20, 1, "quick") for make in (edge_generator, inpaint_generator)]
    save_networks(
        tmp_path / "wide", {one.name: one for one in networks}, {"sigma": 2.0}
    )
    exported = export_tflite(
        tmp_path / "wide", tmp_path / "x.tflite", size=SIZE, precision="int8-full"
    )
    assert exported.report.known_edges_differ == 0


def test_the_report_says_what_was_measured(exported, kind):
    figures, lines = exported.report, "\n".join(exported.lines)
    assert figures.known_edges_differ == 0
    assert figures.compared.psnr > 45 and figures.seconds > 0
    assert figures.bytes == exported.path.stat().st_size
    assert f"{REPORTED} photos inside scikit-image at 32x32" in lines
    assert "0 known edge pixels differ" in lines and "warning" not in lines
    worse = dataclasses.replace(figures, psnr=figures.keras_psnr - 1.4)
    assert "warning: int8 loses 1.4 dB" in worse.lines("int8")[-1]


def test_the_file_describes_itself(loaded, kind):
    assert "float32" in loaded.description and "step 7" in loaded.description
    assert loaded.backend.size == (SIZE if kind.startswith("tflite") else None)


ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BARRED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

BARRED = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Absent())
from tf_edgeconnect.cli.main import run

sys.exit(run(sys.argv[2:]))
"""


def documented_packages():
    """The packages that the guide installs for filling without TensorFlow."""
    guide = (ROOT / "docs" / "guide" / "phone.md").read_text()
    (line,) = re.findall(r"^pip install -c constraints.txt (lazy.*)$", guide, re.M)
    return line.split()


def barred_modules(packages):
    """Import names of all that is installed but these packages and what they need."""
    allowed, wanted = {"tf-edgeconnect"}, list(packages)
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name not in allowed:
            allowed.add(name)
            needs = map(Requirement, metadata.requires(name) or ())
            wanted += [n.name for n in needs if not n.marker or n.marker.evaluate()]
    return {
        module
        for module, owners in metadata.packages_distributions().items()
        if not allowed & set(map(canonicalize_name, owners))
    }


@pytest.fixture(scope="module")
def fill_elsewhere(photos, tmp_path_factory):
    """Runs `inpaint` where only the documented packages are installed."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name, pixels in zip(("photo", "mask"), photos, strict=True):
        Image.fromarray(pixels[0]).save(folder / f"{name}.png")
    barred = barred_modules(documented_packages())
    assert {"tensorflow", "keras", "skimage", "cv2"} <= barred

    def run(model):
        out = folder / f"{Path(model).name}.png"
        command = ["inpaint", folder / "photo.png", folder / "mask.png", "-o", out]
        done = subprocess.run(
            [sys.executable, "-c", ABSENT, ",".join(barred)]
            + [str(part) for part in (*command, "--model", model)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        return done, out

    return run


@pytest.mark.parametrize("name", ["tflite", "onnx"])
def test_the_documented_packages_fill_a_photo(fill_elsewhere, exports, photos, name):
    done, out = fill_elsewhere(exports[name].path)
    assert done.returncode == 0, done.stderr
    images, holes = photos
    filled = np.asarray(Image.open(out))
    np.testing.assert_array_equal(filled[~holes[0]], images[0][~holes[0]])
    expected = Inpainter.load(exports[name].path)(images[0], holes[0]).image
    np.testing.assert_array_equal(filled, expected)


@pytest.mark.parametrize(
    ("model", "words"),
    [("small", "needs tensorflow"), ("onnx with edges", "need scikit-image")],
)
def test_what_the_documented_packages_cannot_do_is_said(
    fill_elsewhere, exports, model, words
):
    done, _ = fill_elsewhere(exports[model].path if model in exports else model)
    assert done.returncode == 2 and words in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_files_are_refused(exported, tmp_path):
    suffix = exported.path.suffix
    cut, other = tmp_path / f"cut{suffix}", tmp_path / f"other{suffix}"
    cut.write_bytes(exported.path.read_bytes()[:5000])
    other.write_bytes(b"not a model at all")
    for path in (cut, other):
        with pytest.raises(
            InputError, match="is not a complete file from `tf-edgeconnect"
        ):
            Inpainter.load(path)
    absent = tmp_path / f"absent{suffix}"
    with pytest.raises(InputError, match=f"does not exist; expected a {suffix} file"):
        Inpainter.load(absent)
    absent.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        Inpainter.load(absent)


def test_a_missing_package_is_named(monkeypatch, exports):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(InputError, match=r"pip install 'tf-edgeconnect\[tflite\]'"):
        TFLiteBackend(exports["tflite"].path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'tf-edgeconnect\[onnx\]'"):
        Inpainter.load(exports["onnx"].path)


def test_wrong_options_are_refused_before_any_work(exports, weights, tmp_path):
    for options, words in (
        ({"size": 30}, "multiple of 4 and at least 12 pixels, got 30"),
        ({"size": 8}, "got 8"),
        ({"precision": "bfloat16"}, "got 'bfloat16'"),
        ({"photos": tmp_path / "none"}, "none: no such file or folder"),
    ):
        with pytest.raises(InputError, match=words):
            export_tflite(weights, tmp_path / "x.tflite", **options)
    with pytest.raises(InputError, match="must be the name of a .onnx file"):
        export_onnx(weights, tmp_path / "x.tflite")
    exported = exports["tflite"]
    with pytest.raises(InputError, match="exists; remove it"):
        export_tflite(weights, exported.path)
    assert len(list(exported.path.parent.iterdir())) == len(exports)
    assert list(tmp_path.iterdir()) == []
