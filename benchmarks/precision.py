"""What each precision of an export loses against the networks in float32.

    python benchmarks/precision.py [--model small] [--photos SOURCE] [--size 256]

Measured inside the holes of ten photos, each with an irregular hole. SavedModels: PSNR
in dB of the filled photo and of the completed edges; the target is 45 dB for bfloat16.
TFLite: also PSNR against the true photos, known edge pixels that differ, size on disk,
median latency of the file and of the Keras call, and the peak memory of a process that
runs it. `--model` is a preset, a run directory or a weights folder; without `--photos`,
those of scikit-image.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tf_edgeconnect import presets
from tf_edgeconnect.export.networks import (
    SAVED_MODEL,
    exported_graph,
    load_for_export,
)
from tf_edgeconnect.export.portable import LITE_PRECISIONS, export_tflite
from tf_edgeconnect.export.report import load_examples


def psnr(errors: list[np.ndarray]) -> str:
    """PSNR of all errors together, dB."""
    mean = np.mean(np.square(np.concatenate(errors)))
    return "equal" if mean == 0 else f"{10 * np.log10(255**2 / mean):.1f}"


def print_saved_models(model: str, photos: str | None, size: int) -> None:
    """Prints a row for each number type."""
    inpainter, examples = load_for_export(model), load_examples(photos, size)
    print(f"{Path(model).name}, {len(examples.pairs)} {examples.origin}\n")
    print("| SavedModel | photo, dB | target | edges, dB | largest difference of 255 |")
    print("|---" * 5 + "|")
    for dtype, target in (("float32", ""), ("bfloat16", "45"), ("float16", "")):
        fill = tf.function(exported_graph(inpainter, SAVED_MODEL["cpu"], dtype).fill)
        pictures, edges = [], []
        for image, mask in examples.pairs:
            hole = mask[..., 0]
            expected = inpainter(image, hole, large="full")
            filled, completed = fill(image, mask.astype(np.float32))
            wanted = expected.edges.reshape(completed.shape)
            pictures.append(filled.numpy()[hole].astype(float) - expected.image[hole])
            edges.append(completed.numpy()[hole].astype(float) - wanted[hole])
        largest = max(np.abs(error).max() for error in pictures)
        print(
            f"| {dtype} | {psnr(pictures)} | {target} | {psnr(edges)} "
            f"| {largest:.0f} |",
            flush=True,
        )


def print_tflite(model: str, photos: str | None, size: int) -> None:
    """Exports each precision to a scratch folder and prints a row for each."""
    print(
        "\n| TFLite | MB | PSNR to Keras | to the photos | Keras to the photos "
        "| known edges differ | ms | Keras ms | peak MB |"
    )
    print("|---" * 9 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for precision in LITE_PRECISIONS:
            report = export_tflite(
                model,
                Path(folder, f"{precision}.tflite"),
                size=size,
                precision=precision,
                photos=photos,
                progress=lambda line: print(line, file=sys.stderr),
            ).report
            print(
                f"| {precision} | {report.bytes / 1e6:.1f} "
                f"| {report.compared.psnr:.1f} | {report.psnr:.2f} "
                f"| {report.keras_psnr:.2f} | {report.known_edges_differ} "
                f"| {1000 * report.seconds:.0f} | {1000 * report.keras_seconds:.0f} "
                f"| {report.peak / 1e6:.0f} |",
                flush=True,
            )


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=presets.DEFAULT)
    parser.add_argument("--photos")
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    options = parser.parse_args()
    print_saved_models(options.model, options.photos, options.size)
    print_tflite(options.model, options.photos, options.size)


if __name__ == "__main__":
    main()
