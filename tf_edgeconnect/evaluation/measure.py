"""The figures of one picture, in either protocol.

A photo and what was made of it enter, both uint8. A large picture is measured in bands
of rows, whose figures give that of the whole, so memory does not grow with it. L1 is in
percent in both protocols.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tf_edgeconnect.evaluation.manifest import SMALLEST_SIDE, Protocol
from tf_edgeconnect.evaluation.systems import Filled
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.metrics import image, published
from tf_edgeconnect.metrics.lpips import Lpips
from tf_edgeconnect.models.alexnet import SMALLEST_SIDE as LPIPS_SMALLEST_SIDE
from tf_edgeconnect.photos.reading import GRAY_WEIGHTS

BAND_PIXELS = 1_000_000  # SSIM takes some 350 bytes a pixel
# LPIPS takes some 190 bytes a pixel, and has no bands: it sees far.
LPIPS_MAX_PIXELS = 16_000_000

Metric = Callable[[np.ndarray, np.ndarray], np.ndarray]


class _Metrics(NamedTuple):
    """What a protocol measures; `l1_weight` is what a band counts in L1."""

    l1: Metric
    l1_weight: Callable[[np.ndarray, np.ndarray], float]
    psnr: Metric
    ssim: Metric


def _relative_l1(target: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return 100 * published.relative_l1(target, predicted)


def _pixels(target: np.ndarray, predicted: np.ndarray) -> float:
    return target.size


def _brightness(target: np.ndarray, predicted: np.ndarray) -> float:
    return float(((target + predicted) @ np.array(GRAY_WEIGHTS)).sum())


METRICS: dict[Protocol, _Metrics] = {
    "standard": _Metrics(image.l1, _pixels, image.psnr, image.ssim),
    "edgeconnect": _Metrics(_relative_l1, _brightness, published.psnr, published.ssim),
}


def measure(
    target: np.ndarray,
    predicted: np.ndarray,
    protocol: Protocol,
    lpips: Lpips | None = None,
) -> dict[str, float | None]:
    """Measures a whole completed picture.

    Args:
        target: uint8 `(H, W, 3)`, the photo.
        predicted: uint8 `(H, W, 3)`, what was made of it.
        protocol: "standard" or "edgeconnect".
        lpips: measures LPIPS where the picture is neither too large nor too small.

    Returns:
        `l1` in percent (NaN, in the edgeconnect protocol, of two black pictures),
        `psnr` in dB, `ssim`, and `lpips` or None.
    """
    metrics = METRICS[protocol]

    def squared_error(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 10 ** (np.asarray(metrics.psnr(a, b), np.float64) / -10)

    overlap = SMALLEST_SIDE[protocol] - 1
    error = _over_bands(squared_error, target, predicted)
    return {
        "l1": _over_bands(metrics.l1, target, predicted, weight=metrics.l1_weight),
        "psnr": float(-10 * np.log10(error)),
        "ssim": _over_bands(metrics.ssim, target, predicted, overlap),
        "lpips": None if lpips is None else _lpips(lpips, target, predicted),
    }


def edge_counts(filled: Filled, hole: np.ndarray) -> tuple[float, float, float] | None:
    """Compares drawn edges with Canny's inside the hole.

    Args:
        filled: what a system made of a picture.
        hole: bool `(H, W)`.

    Returns:
        True positives, false positives, false negatives; None without edges.
    """
    if filled.edges is None or filled.true_edges is None:
        return None
    drawn, true = filled.edges[hole] > HALF_GRAY, filled.true_edges[hole] > HALF_GRAY
    return (
        float(np.count_nonzero(drawn & true)),
        float(np.count_nonzero(drawn & ~true)),
        float(np.count_nonzero(~drawn & true)),
    )


def _over_bands(
    metric: Metric,
    target: np.ndarray,
    predicted: np.ndarray,
    overlap: int = 0,
    weight: Callable[[np.ndarray, np.ndarray], float] | None = None,
) -> float:
    """The mean of a metric over bands, each by its weight (by default its new rows)."""
    figures, weights = [], []
    for a, b in _bands(target, predicted, overlap):
        weighs = len(a) - overlap if weight is None else weight(a, b)
        if weighs > 0:
            figures.append(float(metric(a[None], b[None])[0]))
            weights.append(weighs)
    return float(np.average(figures, weights=weights)) if figures else float("nan")


def _bands(
    target: np.ndarray, predicted: np.ndarray, overlap: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cuts both into bands of rows in [0, 1]; each repeats `overlap` rows of the last.

    A window of `overlap` + 1 rows is then whole in exactly one band.
    """
    height, width = target.shape[:2]
    step = max(1, BAND_PIXELS // width - overlap)
    for top in range(0, height - overlap, step):
        rows = slice(top, top + step + overlap)
        yield target[rows] / 255, predicted[rows] / 255


def _lpips(lpips: Lpips, target: np.ndarray, predicted: np.ndarray) -> float | None:
    height, width = target.shape[:2]
    if min(height, width) < LPIPS_SMALLEST_SIDE or height * width > LPIPS_MAX_PIXELS:
        return None
    a, b = (np.asarray(x[None], np.float32) / 255 for x in (target, predicted))
    return float(lpips(a, b)[0])
