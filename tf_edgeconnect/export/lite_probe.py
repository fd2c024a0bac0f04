"""Runs a TFLite file in a process of its own, so that only its memory is measured.

`python -m tf_edgeconnect.export.lite_probe FILE PAIRS RESULTS THREADS`: an npz of
`image` uint8 `(B, N, N, 3)` and `mask` uint8 `(B, N, N, 1)` enters; an npz leaves of
`inpainted`, `edges`, the `seconds` of each photo and `peak`, the process's largest
memory in bytes (0 where the system does not tell).
"""

import sys
import time
from pathlib import Path

import numpy as np

from tf_edgeconnect.inference.backends.tflite import open_file


def main(file: str, pairs: str, results: str, threads: str) -> None:
    """Runs each photo once, after one run that does not count."""
    given = np.load(pairs)
    interpreter, _ = open_file(Path(file), int(threads))
    fill = interpreter.get_signature_runner("serving_default")
    fill(image=given["image"][:1], mask=given["mask"][:1])
    inpainted, edges, seconds = [], [], []
    for image, mask in zip(given["image"], given["mask"], strict=True):
        start = time.perf_counter()
        filled = fill(image=image[None], mask=mask[None])
        seconds.append(time.perf_counter() - start)
        inpainted.append(filled["inpainted"][0])
        edges.append(filled["edges"][0])
    np.savez(
        results, inpainted=inpainted, edges=edges, seconds=seconds, peak=_peak_memory()
    )


def _peak_memory() -> int:
    # getrusage's figure includes that of the process that started this one.
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(1024 * int(e.split()[1]) for e in lines if e.startswith("VmHWM"))


if __name__ == "__main__":
    main(*sys.argv[1:])
