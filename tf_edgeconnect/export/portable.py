"""Exports a model as one file for phones (TFLite), or for all that runs ONNX.

| file | inputs | outputs |
|---|---|---|
| as it is | `image (B, H, W, 3)`, `mask (B, H, W, 1)` | `inpainted`, `edges` |
| `edges_input` | and `edges (B, H, W, 1)` | `inpainted`, `completed_edges` |

All are uint8. Masks: white (above 127) is the hole. Canny is inside, unless `edges` is
an input: the known edges, white, and in the hole those of a person. Where the hole of a
photo has none, the edge generator draws them. TFLite's file has one signature,
`serving_default`, for one photo of one size; ONNX's takes any batch and size. Each
describes itself in JSON: in a zip archive behind the TFLite model, in ONNX's metadata.
"""

import dataclasses
import io
import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from tf_edgeconnect.atomic import write_bytes
from tf_edgeconnect.edges.exact import NO_EDGES, inference_sigma
from tf_edgeconnect.edges.portable import portable_edges
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.networks import (
    ONNX,
    TFLITE,
    Substitutes,
    exported_graph,
    load_for_export,
)
from tf_edgeconnect.export.quantization import quantized
from tf_edgeconnect.export.report import (
    Examples,
    Exported,
    load_calibration,
    load_examples,
    measure,
    tflite_operations,
)
from tf_edgeconnect.export.saved_model import save_graph
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.file import METADATA_NAME, require_litert
from tf_edgeconnect.inference.graph import (
    SIZE_MULTIPLE,
    SMALLEST_SIZE,
    InpaintGraph,
    pad,
    traced,
)
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.version import __version__

LitePrecision = Literal["float32", "float16", "int8", "int8-full"]
LITE_PRECISIONS = ("float32", "float16", "int8", "int8-full")
_OPSET = 18
_REPORTED_SIZE = 256

Progress = Callable[[str], None]


def export_tflite(
    model: str | Path,
    output: str | Path,
    *,
    size: int = 256,
    precision: LitePrecision = "float32",
    edges_input: bool = False,
    photos: str | Path | None = None,
    progress: Progress = lambda line: None,
) -> Exported:
    """Writes a TFLite file and measures it.

    Args:
        model: a run directory or a weights folder with both generators.
        output: the file, `.tflite`; it must not exist.
        size: height and width of the photos it takes, pixels; a multiple of 4, at
            least 12.
        precision: of the kernels: `float32`, `float16` or `int8` (dynamic range);
            `int8-full`: of the activations, too, in ranges measured on photos.
        edges_input: take edges instead of running Canny.
        photos: source of photos to measure on; None: those inside scikit-image.
        progress: is called with a line as each part begins.

    Raises:
        InputError: no such model, a missing generator, a wrong option or output, no
            readable photos, or a package is not installed.
        OSError: the output cannot be written; nothing is left half-made.
    """
    output = Path(output)
    if precision not in LITE_PRECISIONS:
        raise InputError(
            f"precision must be one of {', '.join(LITE_PRECISIONS)}, got {precision!r}"
        )
    if size % SIZE_MULTIPLE or size < SMALLEST_SIZE:
        raise InputError(
            f"size must be a multiple of {SIZE_MULTIPLE} and at least {SMALLEST_SIZE} "
            f"pixels, got {size}"
        )
    _check_output(output, ".tflite")
    require_litert()
    inpainter, examples = _prepared(model, photos, size, progress)
    facts = _facts(inpainter, "tflite", precision, edges_input) | {"size": size}
    shape = (1, size, size)
    contents = _tflite(inpainter, shape, edges_input)
    if precision == "int8-full":
        # Ranges are measured with the file that takes edges: they cannot be in a model
        # with a loop, such as Canny's.
        guided = contents if edges_input else _tflite(inpainter, shape, True)
        pairs = load_calibration(photos, size)
        contents = quantized(contents, precision, guided, pairs, facts["sigma"])
    elif precision != "float32":
        contents = quantized(contents, precision)
    archive = io.BytesIO(contents)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(zipfile.ZipInfo(METADATA_NAME), json.dumps(facts))
    write_bytes(output, archive.getvalue())
    progress(f"measuring: {len(examples.pairs)} photos, Keras and TFLite")
    report = measure(output, inpainter, examples, *tflite_operations(contents))
    lines = [*report.lines(precision), f"wrote {output}"]
    return Exported(output, facts, lines, report)


def export_onnx(
    model: str | Path,
    output: str | Path,
    *,
    edges_input: bool = False,
    photos: str | Path | None = None,
    progress: Progress = lambda line: None,
) -> Exported:
    """Writes an ONNX file, in float32, and measures it with ONNX Runtime.

    Arguments and errors are those of `export_tflite`; the file ends in `.onnx`.
    """
    output = Path(output)
    _check_output(output, ".onnx")
    try:
        import onnx
        import onnxruntime  # noqa: F401
        import tf2onnx
    except ImportError as error:
        raise InputError(
            f"ONNX files need onnx, onnxruntime and tf2onnx ({error}): "
            "pip install 'tf-edgeconnect[onnx]'"
        ) from None
    inpainter, examples = _prepared(model, photos, _REPORTED_SIZE, progress)
    _, function = _function(inpainter, ONNX, (None, None, None), edges_input)
    tf2onnx.logging.set_level(tf2onnx.logging.ERROR)
    proto, _ = tf2onnx.convert.from_function(
        function, input_signature=function.input_signature, opset=_OPSET
    )
    for value in [*proto.graph.input, *proto.graph.output]:
        for axis, name in enumerate(("batch", "height", "width")):
            value.type.tensor_type.shape.dim[axis].dim_param = name
    facts = _facts(inpainter, "onnx", "float32", edges_input)
    onnx.helper.set_model_props(proto, {METADATA_NAME: json.dumps(facts)})
    onnx.checker.check_model(proto)
    write_bytes(output, proto.SerializeToString())
    progress(f"measuring: {len(examples.pairs)} photos, Keras and ONNX Runtime")
    operations = Counter(node.op_type for node in proto.graph.node)
    report = measure(output, inpainter, examples, operations, [f"opset {_OPSET}"])
    lines = [*report.lines("float32"), f"wrote {output}"]
    return Exported(output, facts, lines, report)


def _prepared(
    model: str | Path, photos: str | Path | None, size: int, progress: Progress
) -> tuple[Inpainter, Examples]:
    inpainter, examples = load_for_export(model), load_examples(photos, size)
    progress(f"model: {inpainter.description}")
    progress("converting: this takes a minute or two")
    return inpainter, examples


def _facts(
    inpainter: Inpainter, kind: str, precision: str, edges_input: bool
) -> dict[str, Any]:
    sigma: Any = inpainter.sigma
    return {
        "format": kind,
        "source": inpainter.description,
        "precision": precision,
        "sigma": sigma if sigma == NO_EDGES else inference_sigma(sigma),
        "edges_input": edges_input,
        "tf_edgeconnect": __version__,
        "tensorflow": tf.__version__,
    }


def _tflite(inpainter: Inpainter, shape: tuple[int, ...], edges_input: bool) -> bytes:
    graph, function = _function(inpainter, TFLITE, shape, edges_input)
    with tempfile.TemporaryDirectory() as folder:
        save_graph(graph, {"serving_default": function}, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=["serving_default"]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        return converter.convert()


def _function(
    inpainter: Inpainter,
    substitutes: Substitutes,
    shape: tuple[int | None, ...],
    edges_input: bool,
) -> tuple[InpaintGraph, Any]:
    """Returns a graph and the `tf.function` around it."""
    graph = exported_graph(inpainter, substitutes)
    graph = dataclasses.replace(graph, find_edges=portable_edges)
    image = tf.TensorSpec((*shape, 3), tf.uint8, "image")
    mask = tf.TensorSpec((*shape, 1), tf.uint8, "mask")
    edges = tf.TensorSpec((*shape, 1), tf.uint8, "edges")

    @traced(input_signature=[image, mask])
    def fill(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        filled, completed = graph.fill(image, _holes(mask))
        return {"inpainted": filled, "edges": completed}

    @traced(input_signature=[image, mask, edges])
    def fill_along(
        image: tf.Tensor, mask: tf.Tensor, edges: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        hole = _holes(mask)
        filled, completed = _guided(graph, hole, edges).fill(image, hole)
        return {"inpainted": filled, "completed_edges": completed}

    return graph, fill_along if edges_input else fill


def _guided(graph: InpaintGraph, hole: tf.Tensor, edges: tf.Tensor) -> InpaintGraph:
    """Puts given edges in the place of Canny, and in a hole of the edge generator."""
    given = tf.cast(edges, tf.float32) / 255
    generator: Any = graph.edge_generator
    drawn = tf.reduce_max(given * hole, (1, 2, 3), keepdims=True) > 0

    def complete(inputs: tf.Tensor, training: bool) -> tf.Tensor:
        generated = generator(inputs, training=training)
        return tf.where(drawn, pad(given), generated)

    replaced: Any = {"edge_generator": complete, "find_edges": lambda *_: given}
    return dataclasses.replace(graph, **replaced)


def _holes(mask: tf.Tensor) -> tf.Tensor:
    # In float32: TFLite compares no uint8.
    return tf.cast(tf.cast(mask, tf.float32) > HALF_GRAY, tf.float32)


def _check_output(output: Path, suffix: str) -> None:
    if output.suffix != suffix:
        raise InputError(f"output {output} must be the name of a {suffix} file")
    if output.exists():
        raise InputError(f"output {output} exists; remove it or give another name")
