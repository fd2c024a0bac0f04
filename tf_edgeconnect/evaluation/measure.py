"""The figures of one picture, in either protocol, and the FID of many.

Photos and what was made of them enter, uint8. A large picture is measured in bands of
rows, whose figures give that of the whole, so memory does not grow with it. L1 is in
percent in both protocols.
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
from tf_edgeconnect.metrics.lpips import Lpips
from tf_edgeconnect.models.alexnet import SMALLEST_SIDE as LPIPS_SMALLEST_SIDE
from tf_edgeconnect.photos.decoding import gray_of

BAND_PIXELS = 1_000_000  # SSIM takes some 350 bytes a pixel
# LPIPS takes some 190 bytes a pixel, and has no bands: it sees far.
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
        predicted: uint8 `(H, W, 3)`, what was made of it.
        protocol: "standard" or "edgeconnect".
        lpips: measures LPIPS where the picture is neither too large nor too small.

    Returns:
        `l1` in percent (NaN, in the edgeconnect protocol, of two black pictures),
        `psnr` in dB, `ssim`, and `lpips` or None.
    """
    metrics = image if protocol == "standard" else published

    def l1(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if protocol == "standard":
            return image.l1(a, b)
        return 100 * published.relative_l1(a, b)

    def l1_weight(a: np.ndarray, b: np.ndarray) -> float:
        """What a band counts in L1: its values, or the brightness of both."""
        if protocol == "standard":
            return a.size
        return float(gray_of(a + b).sum())

    def squared_error(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return 10 ** (np.asarray(metrics.psnr(a, b), np.float64) / -10)

    overlap = SMALLEST_SIDE[protocol] - 1
    error = _over_bands(squared_error, target, predicted)
    return {
        "l1": _over_bands(l1, target, predicted, weight=l1_weight),
        "psnr": float(-10 * np.log10(error)),
        "ssim": _over_bands(metrics.ssim, target, predicted, overlap),
        "lpips": None if lpips is None else _lpips(lpips, target, predicted),
    }


def edge_histogram(
    edges: np.ndarray, true_edges: np.ndarray, hole: np.ndarray
) -> list[list[int]]:
    """Counts the pixels of a hole by how strong a predicted edge is there.

    Args:
        edges: uint8 `(H, W)`, predicted edges.
        true_edges: uint8 `(H, W)`, Canny's of the whole photo.
        hole: bool `(H, W)`.

    Returns:
        256 counts of pixels without a true edge, and 256 of those with one.
    """
    truth = true_edges[hole] > HALF_GRAY
    return [
        np.bincount(edges[hole][truth == is_edge], minlength=256).tolist()
        for is_edge in (False, True)
    ]


class FeatureCache:
    """What FID compares: features of batches of pictures, kept on disk.

    A file is named by what is in the pictures, so that several evaluations of the same
    photos may share a folder.

    Args:
        folder: made where it is missing.
        weights: file of the Inception network, loaded when first needed.
        key: tells these weights from others.
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
    """The mean of a metric over bands of rows, each by its weight.

    A band repeats `overlap` rows of the last one, so that a window of `overlap` + 1
    rows is whole in exactly one; by default its new rows are its weight.
    """
    figures, weights = [], []
    step = max(1, BAND_PIXELS // target.shape[1] - overlap)
    for top in range(0, len(target) - overlap, step):
        rows = slice(top, top + step + overlap)
        a, b = target[rows] / 255, predicted[rows] / 255
        weighs = len(a) - overlap if weight is None else weight(a, b)
        if weighs > 0:
            figures.append(float(metric(a[None], b[None])[0]))
            weights.append(weighs)
    return float(np.average(figures, weights=weights)) if figures else float("nan")


def _lpips(lpips: Lpips, target: np.ndarray, predicted: np.ndarray) -> float | None:
    height, width = target.shape[:2]
    if min(height, width) < LPIPS_SMALLEST_SIDE or height * width > LPIPS_MAX_PIXELS:
        return None
    a, b = (np.asarray(x[None], np.float32) / 255 for x in (target, predicted))
    return float(lpips(a, b)[0])
