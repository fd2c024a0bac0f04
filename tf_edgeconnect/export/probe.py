"""Runs an exported file in a process of its own, so that only its memory is measured.

`python -m tf_edgeconnect.export.probe FILE PAIRS RESULTS`: an npz of `images` uint8
`(B, N, N, 3)` and `masks` bool `(B, N, N, 1)` enters; an npz leaves of `inpainted`,
`edges`, the `seconds` of each photo and `peak`, the process's largest memory in bytes
(0 where the system does not tell).
"""

import sys
import time
from pathlib import Path

import numpy as np

from tf_edgeconnect.inference.loading import load_backend


def main(file: str, pairs: str, results: str) -> None:
    """Runs each photo once, after one run that does not count."""
    given = np.load(pairs)
    images, masks = given["images"], given["masks"]
    backend = load_backend(file)
    backend.fill(images[:1], masks[:1])
    found, seconds = [], []
    for index in range(len(images)):
        start = time.perf_counter()
        found.append(backend.fill(images[[index]], masks[[index]]))
        seconds.append(time.perf_counter() - start)
    inpainted, edges = (np.concatenate(part) for part in zip(*found, strict=True))
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
