"""Measures exports: cost, and difference from the networks."""

import contextlib
import dataclasses
import io
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.images import crop_resize, square
from tf_edgeconnect.data.masks import mask_sampler
from tf_edgeconnect.data.samples import SampleSource
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.metrics.image import psnr

REPORTED, CALIBRATED = 10, 20
TOLERATED_LOSS = 1.0  # dB
_SEED = 20

Pair = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Exported:
    """A written export.

    Attributes:
        path: the file, or the folder of the version.
        facts: content of its `model.json` or metadata.
        lines: for the user.
        report: the measurements of a file.
    """

    path: Path
    facts: dict[str, Any]
    lines: list[str]
    report: "FileReport | None" = None


class Examples(NamedTuple):
    """Photos uint8 `(1, N, N, 3)` with irregular holes bool `(1, N, N, 1)`.

    Attributes:
        pairs: of photo and hole.
        origin: where the photos come from, in words.
    """

    pairs: list[Pair]
    origin: str


def load_examples(
    photos: str | Path | None, size: int, count: int | None = None
) -> Examples:
    """Loads photos to measure on, cut to squares, with a hole in each; always the same.

    Args:
        photos: as `open_source` takes it; None: those inside scikit-image.
        size: side of the squares, pixels.
        count: how many photos, if there are enough; None: `REPORTED`.

    Raises:
        InputError: there is no such source, or a photo is not readable.
    """
    count = count or REPORTED
    if photos is None:
        pairs = _pairs(SampleSource("held-out"), np.arange(count), size)
        return Examples(pairs, "photos inside scikit-image")
    source = open_source(str(photos))
    pairs = _pairs(source, _spread(len(source), count), size)
    return Examples(pairs, f"photos of {photos}")


def load_calibration(photos: str | Path | None, size: int) -> list[Pair]:
    """Loads other photos than `load_examples`, if there are enough."""
    source: Source
    if photos is None:
        source = SampleSource("train")
        return _pairs(source, _spread(len(source), CALIBRATED), size)
    source = open_source(str(photos))
    reported = _spread(len(source), REPORTED)
    others = np.setdiff1d(np.arange(len(source)), reported)
    others = others[_spread(len(others), CALIBRATED)] if len(others) else reported
    return _pairs(source, others, size)


def _spread(length: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, length - 1, min(count, length)).astype(int))


def _pairs(source: Source, indices: np.ndarray, size: int) -> list[Pair]:
    draw = mask_sampler({"irregular": 1}, size, hole_ratio=(0.1, 0.4))
    pairs = []
    for index in indices:
        try:
            photo = source.read(tf.constant(int(index), tf.int64))
        except tf.errors.OpError:
            raise InputError(
                f"photo {source.name(int(index))} is damaged; repair or remove it"
            ) from None
        box = square(tf.shape(photo), size, "center", tf.zeros(2, tf.int32))
        pixels = np.round(crop_resize(photo, box, size).numpy() * 255)
        mask = draw(tf.constant([_SEED, index], tf.int32)).numpy()
        pairs.append((pixels.astype(np.uint8)[None], mask[None] > 0))
    return pairs


@dataclasses.dataclass(frozen=True)
class Compared:
    """Differences from the Keras networks, inside the holes.

    Attributes:
        photos: how many, and where from.
        size: side of the photos, pixels.
        largest: difference of a channel of a pixel, grey levels.
        psnr: of the export's fills against those of Keras, dB, the photos' mean.
    """

    photos: str
    size: int
    largest: int
    psnr: float

    def __str__(self) -> str:
        """Describes the differences in one clause."""
        close = f"PSNR {self.psnr:.1f} dB"
        if self.largest == 0:
            close = "equal"
        return (
            f"against the Keras networks in float32, in the holes of {self.photos} at "
            f"{self.size}x{self.size}: {close}, largest difference {self.largest} of "
            "255"
        )


def compared(
    fill: Callable[[np.ndarray, np.ndarray], np.ndarray],
    inpainter: Inpainter,
    pairs: list[Pair],
) -> Compared:
    """Compares the fills of an export with those of the networks."""
    filled = np.concatenate([fill(*pair) for pair in pairs])
    keras = np.concatenate([inpainter.paint(*pair) for pair in pairs])
    masks = np.concatenate([mask for _, mask in pairs])
    return _compared(filled, keras, masks, f"{len(pairs)} photos")


def _compared(
    filled: np.ndarray, keras: np.ndarray, masks: np.ndarray, photos: str
) -> Compared:
    off = np.abs(filled.astype(int) - keras) * masks
    return Compared(photos, masks.shape[1], int(off.max()), _psnr(keras, filled, masks))


def _psnr(target: np.ndarray, other: np.ndarray, masks: np.ndarray) -> float:
    # A photo without a hole has none.
    unit = np.float32(1 / 255)
    values = psnr(target * unit, other * unit, masks.astype(np.float32))
    return float(np.nanmean(values))


@dataclasses.dataclass(frozen=True)
class FileReport:
    """Measurements of a TFLite or ONNX file beside Keras.

    Attributes:
        operations: how many of each kind.
        notes: further lines on them.
        bytes: of the file.
        compared: fills against those of Keras.
        psnr: of the file's fills against the true photos, dB.
        keras_psnr: of the Keras networks' fills against the true photos, dB.
        known_edges_differ: pixels outside the holes with another edge than in Keras.
        seconds: median of a call.
        keras_seconds: median of a call of the `Inpainter`.
        peak: peak memory of a process that runs the file, bytes; 0: not known.
    """

    operations: Counter[str]
    notes: list[str]
    bytes: int
    compared: Compared
    psnr: float
    keras_psnr: float
    known_edges_differ: int
    seconds: float
    keras_seconds: float
    peak: int

    def lines(self, precision: str) -> list[str]:
        """Describes the measurements, one line each."""
        counts = ", ".join(f"{name} {n}" for name, n in self.operations.most_common())
        peak = f"{self.peak / 1e6:.0f} MB" if self.peak else "not known on this system"
        loss = self.keras_psnr - self.psnr
        lines = [
            f"operations: {self.operations.total()}, all built in: {counts}",
            *self.notes,
            f"size: {self.bytes / 1e6:.1f} MB on disk, {precision}",
            f"{self.compared}; {self.known_edges_differ} known edge pixels differ",
            f"against the true photos: PSNR {self.psnr:.2f} dB, Keras "
            f"{self.keras_psnr:.2f} dB",
            f"latency: {1000 * self.seconds:.0f} ms, the Keras call "
            f"{1000 * self.keras_seconds:.0f} ms",
            f"peak memory of a process that runs it: {peak}",
        ]
        if loss > TOLERATED_LOSS:
            lines.append(
                f"warning: {precision} loses {loss:.1f} dB against float32 on these "
                "photos; float16 is half the size of float32 and loses next to nothing"
            )
        return lines


def measure(
    path: Path,
    inpainter: Inpainter,
    examples: Examples,
    operations: Counter[str],
    notes: list[str],
) -> FileReport:
    """Runs a file and the networks it was made from on the same photos."""
    images, masks = (np.concatenate(part) for part in zip(*examples.pairs, strict=True))
    found = _run_apart(path, images, masks)
    keras, edges, keras_seconds = _run_keras(inpainter, examples.pairs)
    photos = f"{len(images)} {examples.origin}"
    return FileReport(
        operations,
        notes,
        path.stat().st_size,
        _compared(found["inpainted"], keras, masks, photos),
        _psnr(images, found["inpainted"], masks),
        _psnr(images, keras, masks),
        int(np.sum((found["edges"] != edges) & ~masks)),
        float(np.median(found["seconds"])),
        keras_seconds,
        int(found["peak"]),
    )


def _run_apart(
    path: Path, images: np.ndarray, masks: np.ndarray
) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        pairs, results = Path(folder, "pairs.npz"), Path(folder, "results.npz")
        np.savez(pairs, images=images, masks=masks)
        command = [sys.executable, "-m", "tf_edgeconnect.export.probe"]
        command += map(str, [path, pairs, results])
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{path} does not run: {done.stderr.strip()[-2000:]}")
        return dict(np.load(results))


def _run_keras(
    inpainter: Inpainter, pairs: list[Pair]
) -> tuple[np.ndarray, np.ndarray, float]:
    for _ in range(2):
        inpainter(*pairs[0])  # the second call traces
    filled, edges, seconds = [], [], []
    for pair in pairs:
        start = time.perf_counter()
        result = inpainter(*pair)
        seconds.append(time.perf_counter() - start)
        filled.append(result.image)
        edges.append(result.edges)
    return np.concatenate(filled), np.concatenate(edges), float(np.median(seconds))


def tflite_operations(contents: bytes) -> tuple[Counter[str], list[str]]:
    """Counts the operations of a TFLite file; notes those a GPU delegate refuses."""
    listing = io.StringIO()
    with contextlib.redirect_stdout(listing):
        tf.lite.experimental.Analyzer.analyze(
            model_content=contents, gpu_compatibility=True
        )
    text = listing.getvalue()
    refused = sorted(set(re.findall(r"GPU COMPATIBILITY WARNING: (.*)", text)))
    note = "on a phone's GPU: " + ("; ".join(refused) or "all operations are supported")
    return Counter(re.findall(r"Op#\d+ (\w+)\(", text)), [note]
