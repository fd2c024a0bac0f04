"""What a TFLite file costs and how far it is from the networks it was made from."""

import dataclasses
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from tf_edgeconnect.export.examples import Examples, Pair
from tf_edgeconnect.export.lite_file import operations
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.backends.tflite import usable_threads
from tf_edgeconnect.metrics.image import PSNR_LIMIT, psnr

TOLERATED_LOSS = 1.0  # dB


@dataclasses.dataclass(frozen=True)
class LiteReport:
    """Figures; PSNR is inside the holes, the mean over the photos, in dB.

    Attributes:
        operations: how many of each kind.
        bytes: of the file.
        photos: how many, and where from.
        size: side of the photos, pixels.
        psnr_to_keras: of the file's fills against those of the Keras networks.
        largest: difference of a channel of a pixel, grey levels.
        psnr: of the file's fills against the true photos.
        keras_psnr: of the Keras networks' fills against the true photos.
        known_edges_differ: pixels outside the holes with another edge than in Keras.
        seconds: median of a call of the file's `serving_default`.
        keras_seconds: median of a call of the `Inpainter`.
        threads: of the TFLite interpreter.
        peak: largest memory of the process that ran the file, bytes; 0: not known.
    """

    operations: Counter[str]
    bytes: int
    photos: str
    size: int
    psnr_to_keras: float
    largest: int
    psnr: float
    keras_psnr: float
    known_edges_differ: int
    seconds: float
    keras_seconds: float
    threads: int
    peak: int

    def lines(self, precision: str) -> list[str]:
        """For people."""
        counts = ", ".join(f"{name} {n}" for name, n in self.operations.most_common())
        close = f"PSNR {self.psnr_to_keras:.1f} dB"
        if self.psnr_to_keras >= PSNR_LIMIT:
            close = "equal"
        peak = f"{self.peak / 1e6:.0f} MB" if self.peak else "not known on this system"
        loss = self.keras_psnr - self.psnr
        lines = [
            f"operations, all built in: {counts}",
            f"size: {self.bytes / 1e6:.1f} MB on disk, {precision}",
            f"against Keras, in the holes of {self.photos} at {self.size}x{self.size}: "
            f"{close}, largest difference {self.largest} of 255; "
            f"{self.known_edges_differ} known edge pixels differ",
            f"against the true photos: PSNR {self.psnr:.2f} dB, Keras "
            f"{self.keras_psnr:.2f} dB",
            f"latency: {1000 * self.seconds:.0f} ms with {self.threads} threads, the "
            f"Keras call {1000 * self.keras_seconds:.0f} ms",
            f"peak memory of a process that runs it: {peak}",
        ]
        if loss > TOLERATED_LOSS:
            lines.append(
                f"warning: {precision} loses {loss:.1f} dB against float32 on these "
                "photos; float16 is half the size of float32 and loses next to nothing"
            )
        return lines


def measure(path: Path, inpainter: Inpainter, examples: Examples) -> LiteReport:
    """Runs a file and the networks it was made from on the same photos.

    Args:
        path: of the TFLite file.
        inpainter: the networks.
        examples: its `report` is used.

    Returns:
        The figures.
    """
    images, masks = (
        np.concatenate(part) for part in zip(*examples.report, strict=True)
    )
    threads = usable_threads()
    lite = _run_apart(path, images, masks, threads)
    keras, edges, keras_seconds = _run_keras(inpainter, examples.report)

    def mean_psnr(target: np.ndarray, other: np.ndarray) -> float:
        values = psnr(target / np.float32(255), other / np.float32(255), masks)
        return float(np.mean(values))

    hole = masks[..., 0] > 0
    differences = lite["inpainted"][hole].astype(int) - keras[hole]
    return LiteReport(
        operations=operations(path.read_bytes()),
        bytes=path.stat().st_size,
        photos=f"{len(images)} {examples.origin}",
        size=images.shape[1],
        psnr_to_keras=mean_psnr(keras, lite["inpainted"]),
        largest=int(np.abs(differences).max(initial=0)),
        psnr=mean_psnr(images, lite["inpainted"]),
        keras_psnr=mean_psnr(images, keras),
        known_edges_differ=int(np.sum((lite["edges"] != edges)[~hole])),
        seconds=float(np.median(lite["seconds"])),
        keras_seconds=keras_seconds,
        threads=threads,
        peak=int(lite["peak"]),
    )


def _run_apart(
    path: Path, images: np.ndarray, masks: np.ndarray, threads: int
) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        pairs, results = Path(folder, "pairs.npz"), Path(folder, "results.npz")
        np.savez(pairs, image=images, mask=(255 * masks).astype(np.uint8))
        module = "tf_edgeconnect.export.lite_probe"
        command = [sys.executable, "-m", module, path, pairs, results, threads]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{path} does not run: {done.stderr.strip()[-2000:]}")
        return dict(np.load(results))


def _run_keras(
    inpainter: Inpainter, pairs: list[Pair]
) -> tuple[np.ndarray, np.ndarray, float]:
    inputs = [(image, mask > 0) for image, mask in pairs]
    inpainter(*inputs[0])  # traces
    filled, edges, seconds = [], [], []
    for pair in inputs:
        start = time.perf_counter()
        result = inpainter(*pair)
        seconds.append(time.perf_counter() - start)
        filled.append(result.image)
        edges.append(result.edges)
    return np.concatenate(filled), np.concatenate(edges), float(np.median(seconds))
