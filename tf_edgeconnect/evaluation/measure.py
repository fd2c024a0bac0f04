"""Computes the metrics of one picture in either protocol, and the features for FID.

A large picture is measured in bands of rows, so that memory does not grow with its
size.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from tf_edgeconnect.atomic import new_file
from tf_edgeconnect.evaluation.manifest import SMALLEST_SIDE, Protocol
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.metrics import image, published
from tf_edgeconnect.metrics.fid import FidFeatures, to_square
from tf_edgeconnect.metrics.lpips import SMALLEST_SIDE as LPIPS_SMALLEST_SIDE
from tf_edgeconnect.metrics.lpips import Lpips
from tf_edgeconnect.photos.decoding import gray_of

BAND_PIXELS = 1_000_000  # SSIM takes some 350 bytes a pixel
# LPIPS takes some 190 bytes a pixel, and cannot be computed in bands.
LPIPS_MAX_PIXELS = 16_000_000

Metric = Callable[[np.ndarray, np.ndarray], np.ndarray]


def measure(
    target: np.ndarray,
    predicted: np.ndarray,
    protocol: Protocol,
    lpips: Lpips | None = None,
) -> dict[str, float | None]:
    """Measures a whole completed picture.

    Args:
        target: uint8 `(H, W, 3)`, the photo.
        predicted: uint8 `(H, W, 3)`, the filled photo.
        protocol: "standard" or "edgeconnect".
        lpips: computes LPIPS unless the picture is too large or too small for it.

    Returns:
        `l1` in percent (NaN for two black pictures in the edgeconnect protocol),
        `psnr` in dB, `ssim`, and `lpips` or None.
    """
    metrics = image if protocol == "standard" else published

    def l1_weight(a: np.ndarray, b: np.ndarray) -> float:
        """The denominator of a band's L1."""
        return a.size if protocol == "standard" else float(gray_of(a + b).sum())

    def squared_error(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 10 ** (np.asarray(metrics.psnr(a, b), np.float64) / -10)

    overlap = SMALLEST_SIDE[protocol] - 1
    error = _over_bands(squared_error, target, predicted)
    return {
        "l1": _over_bands(metrics.l1, target, predicted, weight=l1_weight),
        "psnr": float(-10 * np.log10(error)),
        "ssim": _over_bands(metrics.ssim, target, predicted, overlap),
        "lpips": None if lpips is None else _lpips(lpips, target, predicted),
    }


def edge_histogram(
    edges: np.ndarray, true_edges: np.ndarray, hole: np.ndarray
) -> list[list[int]]:
    """Counts the pixels of a hole by the strength of the predicted edge.

    Args:
        edges: uint8 `(H, W)`, predicted edges.
        true_edges: uint8 `(H, W)`, Canny edges of the whole photo.
        hole: bool `(H, W)`.

    Returns:
        256 counts of pixels without a true edge, and 256 of pixels with one.
    """
    truth = true_edges[hole] > HALF_GRAY
    return [
        np.bincount(edges[hole][truth == is_edge], minlength=256).tolist()
        for is_edge in (False, True)
    ]


class FeatureCache:
    """Computes the features that FID compares, and caches them on disk.

    A file is named by a hash of the pictures, so evaluations can share a folder.

    Args:
        folder: of the files; made if missing.
        weights: file of the Inception network, loaded when first needed.
        key: SHA-256 of the weights.
    """

    def __init__(self, folder: Path, weights: Path, key: str):
        self._folder = folder / key[:16]
        self._network = functools.cache(lambda: FidFeatures(weights))

    def __call__(self, pictures: Iterable[np.ndarray]) -> np.ndarray:
        """Computes the features of uint8 `(H, W, 3)` pictures: `(N, 2048)` float32."""
        squares = np.stack([to_square(picture) for picture in pictures])
        squares = squares.astype(np.uint8)
        name = hashlib.sha256(squares.tobytes()).hexdigest()
        path = self._folder / f"{name}.npy"
        if not path.exists():
            with new_file(path) as partial, partial.open("wb") as file:
                np.save(file, self._network()(squares))
        return np.load(path)


def _over_bands(
    metric: Metric,
    target: np.ndarray,
    predicted: np.ndarray,
    overlap: int = 0,
    weight: Callable[[np.ndarray, np.ndarray], float] | None = None,
) -> float:
    """Returns the weighted mean of a metric over bands of rows.

    Bands overlap by `overlap` rows, so that each window of `overlap` + 1 rows is in
    exactly one. By default a band's weight is its number of new rows.
    """
    values, weights = [], []
    step = max(1, BAND_PIXELS // target.shape[1] - overlap)
    for top in range(0, len(target) - overlap, step):
        rows = slice(top, top + step + overlap)
        a, b = target[rows] / 255, predicted[rows] / 255
        band_weight = len(a) - overlap if weight is None else weight(a, b)
        if band_weight > 0:
            values.append(float(metric(a[None], b[None])[0]))
            weights.append(band_weight)
    return float(np.average(values, weights=weights)) if values else float("nan")


def _lpips(lpips: Lpips, target: np.ndarray, predicted: np.ndarray) -> float | None:
    height, width = target.shape[:2]
    if min(height, width) < LPIPS_SMALLEST_SIDE or height * width > LPIPS_MAX_PIXELS:
        return None
    a, b = (np.asarray(x[None], np.float32) / 255 for x in (target, predicted))
    return float(lpips(a, b)[0])
