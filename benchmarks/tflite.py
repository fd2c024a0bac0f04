"""What each precision of a TFLite export costs and loses.

    python benchmarks/tflite.py --model runs/quickstart --size 256 [--photos SOURCE]

Exports the model in each precision to a scratch folder and prints one line for each:
size on disk, PSNR inside the holes of ten photos (against the Keras networks, and of
both against the true photos), known edge pixels that differ, median latency of it and
of the Keras call, and the peak memory of a process that runs it.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from tf_edgeconnect.export.portable import LITE_PRECISIONS, export_tflite


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--photos")
    options = parser.parse_args()
    print(
        "| precision | MB | PSNR to Keras | to the photos | Keras to the photos "
        "| known edges differ | ms | Keras ms | peak MB |"
    )
    print("|---" * 9 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for precision in LITE_PRECISIONS:
            report = export_tflite(
                options.model,
                Path(folder, f"{precision}.tflite"),
                size=options.size,
                precision=precision,
                photos=options.photos,
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


if __name__ == "__main__":
    main()
