"""What an export loses against its networks in float32, on real photos.

    python benchmarks/precision.py [--model small] [--photos SOURCE] [--size 256]

PSNR in dB inside the holes of ten photos, each with an irregular hole: of the filled
photo and of the completed edges. The target is 45 dB for bfloat16. `--model` is a
preset, a run directory or a weights folder; without `--photos`, those of scikit-image.
"""

import argparse
import os
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
from tf_edgeconnect.export.report import load_examples


def psnr(errors: list[np.ndarray]) -> str:
    """PSNR of all errors together, dB."""
    mean = np.mean(np.square(np.concatenate(errors)))
    return "equal" if mean == 0 else f"{10 * np.log10(255**2 / mean):.1f}"


def main() -> None:
    """Prints a row a number type."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default=presets.DEFAULT)
    parser.add_argument("--photos")
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    options = parser.parse_args()
    model = options.model
    if model in presets.NAMES and not Path(model).exists():
        model = presets.folder(model)
    inpainter = load_for_export(model)
    examples = load_examples(options.photos, options.size)
    where = (
        f"of {Path(options.photos).name}" if options.photos else "inside scikit-image"
    )
    print(f"{Path(options.model).name}, {len(examples.report)} photos {where}\n")
    print("| export | photo, dB | target | edges, dB | largest difference of 255 |")
    print("|---" * 5 + "|")
    for dtype, target in (("float32", ""), ("bfloat16", "45"), ("float16", "")):
        fill = tf.function(exported_graph(inpainter, SAVED_MODEL, dtype).fill)
        photos, edges = [], []
        for image, mask in examples.report:
            hole = mask[..., 0]
            expected = inpainter(image, hole, large="full")
            filled, lines = fill(image, mask.astype(np.float32))
            wanted = expected.edges.reshape(lines.shape)
            photos.append(filled.numpy()[hole].astype(float) - expected.image[hole])
            edges.append(lines.numpy()[hole].astype(float) - wanted[hole])
        largest = max(np.abs(error).max() for error in photos)
        print(
            f"| {dtype} | {psnr(photos)} | {target} | {psnr(edges)} | {largest:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
