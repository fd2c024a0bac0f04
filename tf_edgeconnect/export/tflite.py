"""Exports a model as one TFLite file for phones.

Enters: a run directory or a weights folder. Leaves: a file of builtin operations only,
for photos of one size `N`, with these signatures (uint8, batch 1; see `signatures.py`
for what masks and edges mean):

| signature | inputs | outputs |
|---|---|---|
| `serving_default` | `image (1, N, N, 3)`, `mask (1, N, N, 1)` | `inpainted`, `edges` |
| `predict_edges` | the same | `edges` |
| `inpaint_with_edges` | and `edges (1, N, N, 1)` | `inpainted` |

They share their weights. `lite_file.py` says what the file tells of itself.
"""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from tf_edgeconnect.edges.exact import NO_EDGES, inference_edges, inference_sigma
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.examples import Examples, load_examples
from tf_edgeconnect.export.folding import plain_graph
from tf_edgeconnect.export.lite_file import (
    describe,
    halve_kernels,
    operations,
    write_new,
)
from tf_edgeconnect.export.lite_report import LiteReport, measure
from tf_edgeconnect.export.quantization import quantized_graph
from tf_edgeconnect.export.saved_model import save_graph
from tf_edgeconnect.export.source import load_for_export
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.tflite import require_litert
from tf_edgeconnect.inference.graph import (
    SIZE_MULTIPLE,
    SMALLEST_SIZE,
    InpaintGraph,
    traced,
)
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.version import __version__

LitePrecision = Literal["float32", "float16", "int8", "int8-full"]
LITE_PRECISIONS = ("float32", "float16", "int8", "int8-full")


@dataclasses.dataclass(frozen=True)
class ExportedLite:
    """One exported file.

    Attributes:
        path: of the file.
        facts: what it tells of itself.
        report: what was measured.
        lines: what to tell the user.
    """

    path: Path
    facts: dict[str, Any]
    report: LiteReport
    lines: list[str]


def export_tflite(
    model: str | Path,
    output: str | Path,
    *,
    size: int = 256,
    precision: LitePrecision = "float32",
    photos: str | Path | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> ExportedLite:
    """Writes a TFLite file and measures it.

    Args:
        model: a run directory or a weights folder with both generators.
        output: the file, `.tflite`; it must not exist.
        size: height and width of the photos it takes, pixels; a multiple of 4, at
            least 12.
        precision: `float32`; `float16`: weights; `int8`: weights, activations as they
            come (dynamic range); `int8-full`: the networks' activations too, in ranges
            that photos show.
        photos: folder of photos to measure on, and to take the ranges from; None:
            those inside scikit-image.
        progress: is told in a line what begins.

    Returns:
        Where it lies and what to tell.

    Raises:
        InputError: no such model, a generator lacks, a wrong option or output, no
            readable photos, or ai-edge-litert is not installed.
        OSError: the output cannot be written; nothing is left half-made.
    """
    output = Path(output)
    _check_options(output, size, precision)
    require_litert()
    inpainter = load_for_export(model)
    progress(f"model: {inpainter.description}")
    examples = load_examples(photos, size)
    if precision == "int8-full":
        progress(f"ranges: running {len(examples.calibration)} photos")
    facts = {
        "format": "tflite",
        "source": inpainter.description,
        "size": size,
        "precision": precision,
        "sigma": _resolved(inpainter.sigma),
        "tf_edgeconnect": __version__,
        "tensorflow": tf.__version__,
    }
    graph = _graph(inpainter, precision, examples)
    progress("converting: up to a minute or two, without a sign of life")
    contents = describe(convert(graph, size, precision), facts)
    unknown = [name for name in operations(contents) if name.startswith("CUSTOM")]
    if unknown:
        raise RuntimeError(f"the converter left custom operations: {unknown}")
    write_new(output, contents)
    progress(f"measuring: {len(examples.report)} photos, Keras and TFLite")
    report = measure(output, inpainter, examples)
    lines = [*report.lines(precision), f"wrote {output}"]
    return ExportedLite(output, facts, report, lines)


def convert(graph: InpaintGraph, size: int, precision: LitePrecision) -> bytes:
    """Converts an inference graph.

    Args:
        graph: both networks; marked by `quantized_graph` for `int8-full`.
        size: of the photos, pixels.
        precision: see `export_tflite`.

    Returns:
        The contents of a TFLite file.
    """
    # One trace of Canny, thousands of operations, serves all signatures.
    graph = dataclasses.replace(graph, find_edges=traced(edges_apart))
    signatures = _signatures(graph, size)
    with tempfile.TemporaryDirectory() as folder:
        save_graph(graph, signatures, folder)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=list(signatures)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision in ("int8", "int8-full"):
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        contents = converter.convert()
    return halve_kernels(contents) if precision == "float16" else contents


def edges_apart(gray: tf.Tensor, sigma: float, valid: tf.Tensor) -> tf.Tensor:
    """Canny's edges in a graph of their own, so that all else has fixed sizes.

    Canny's lists of pixels are as long as a photo makes them, and the delegates of
    phones' GPUs refuse a graph with any length that is not fixed. A loop's body is a
    graph apart; this one runs once.

    Args:
        gray: float32 `(1, N, N, 1)`, [0, 1].
        sigma: see `edges.exact.inference_edges`.
        valid: float32 `(1, N, N, 1)`, 1 where known.

    Returns:
        float32 `(1, N, N, 1)`, {0, 1}.
    """

    def body(done: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        edges = inference_edges(gray, sigma, valid, arithmetic="float32_pairs")
        return done + 1, tf.ensure_shape(edges, gray.shape)

    once = tf.while_loop(lambda done, _: done < 1, body, (0, tf.zeros_like(gray)))
    return once[1]


def _graph(inpainter: Inpainter, precision: str, examples: Examples) -> InpaintGraph:
    if precision == "int8-full":
        return quantized_graph(inpainter, examples.calibration)
    return plain_graph(inpainter)


def _signatures(graph: InpaintGraph, size: int) -> dict[str, Callable]:
    image = tf.TensorSpec((1, size, size, 3), tf.uint8, "image")
    mask = tf.TensorSpec((1, size, size, 1), tf.uint8, "mask")
    edges = tf.TensorSpec((1, size, size, 1), tf.uint8, "edges")

    @traced(input_signature=[image, mask])
    def serving_default(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        inpainted, lines = graph.fill(image, _holes(mask))
        return {"inpainted": inpainted, "edges": lines}

    @traced(input_signature=[image, mask])
    def predict_edges(image: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"edges": graph.completed_edges(image, _holes(mask))}

    @traced(input_signature=[image, mask, edges])
    def inpaint_with_edges(
        image: tf.Tensor, mask: tf.Tensor, edges: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        inpainted, _ = graph.fill_along(image, _holes(mask), edges)
        return {"inpainted": inpainted}

    functions = (serving_default, predict_edges, inpaint_with_edges)
    return {function.__name__: function for function in functions}


def _holes(mask: tf.Tensor) -> tf.Tensor:
    # In float32: TFLite compares no uint8.
    return tf.cast(tf.cast(mask, tf.float32) > HALF_GRAY, tf.float32)


def _resolved(sigma: float) -> float:
    return sigma if sigma == NO_EDGES else inference_sigma(sigma)


def _check_options(output: Path, size: int, precision: str) -> None:
    if precision not in LITE_PRECISIONS:
        raise InputError(
            f"precision must be one of {', '.join(LITE_PRECISIONS)}, got {precision!r}"
        )
    if size % SIZE_MULTIPLE or size < SMALLEST_SIZE:
        raise InputError(
            f"size must be a multiple of {SIZE_MULTIPLE} and at least {SMALLEST_SIZE} "
            f"pixels, got {size}"
        )
    if output.suffix != ".tflite":
        raise InputError(f"output {output} must be the name of a .tflite file")
    if output.exists():
        raise InputError(f"output {output} exists; remove it or give another name")
