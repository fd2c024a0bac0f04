"""FID: how far the features of filled photos, as a set, lie from those of true ones.

Enters: whole pictures of any size. Leaves: their Inception features, and the Frechet
distance of two sets of features. Each picture is resized whole to a square of 299
pixels, antialiased bicubic (Pillow's, on 8 bits). A few thousand pictures are needed:
fewer give a figure that is too high.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from tf_edgeconnect.models.inception import FEATURES, SIDE, fid_inception

ENOUGH_PICTURES = 2048  # below it the covariance of the features has no full rank


class FidFeatures:
    """The features that FID compares.

    Args:
        weights: see `fid_inception`.
        batch_size: pictures that go through the network at once.

    Raises:
        InputError: the file is missing or holds other weights.

    Example:
        ```python
        features = FidFeatures("inception.npz")
        frechet_distance(features(photos), features(filled))
        ```
    """

    def __init__(self, weights: str | Path, batch_size: int = 16):
        self._network = fid_inception(weights)
        self._batch_size = batch_size

    def __call__(self, pictures: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Computes the features of pictures.

        Args:
            pictures: each `(H, W, 3)` RGB, uint8 or floats in [0, 1]; sizes may differ.

        Returns:
            `(N, 2048)` float32.
        """
        features = [np.zeros((0, FEATURES), "float32")]
        for start in range(0, len(pictures), self._batch_size):
            batch = pictures[start : start + self._batch_size]
            squares = np.stack([to_square(picture) for picture in batch])
            features.append(self._network.predict_on_batch(squares))
        return np.concatenate(features)


def to_square(picture: np.ndarray) -> np.ndarray:
    """Resizes a whole picture for the Inception network.

    Args:
        picture: `(H, W, 3)` RGB, uint8 or floats in [0, 1].

    Returns:
        `(299, 299, 3)` float32, whole numbers from 0 to 255.
    """
    picture = np.asarray(picture)
    if picture.dtype != np.uint8:
        picture = np.round(picture * 255.0).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(image, "float32")


def frechet_distance(target, predicted) -> float:
    """Frechet distance of two sets of features, each taken for a Gaussian.

    Args:
        target: `(N, D)`, N at least 2.
        predicted: `(M, D)`, M at least 2.

    Returns:
        At least 0; in float64.

    Raises:
        ValueError: fewer than two pictures on a side, or features that do not compare
            or are not finite.

    Reference:
        Heusel et al., arXiv:1706.08500, equation 6; covariances over n - 1.
    """
    sides = [np.asarray(features, "float64") for features in (target, predicted)]
    for side in sides:
        if side.ndim != 2 or len(side) < 2 or not np.isfinite(side).all():
            raise ValueError(
                "frechet_distance: expected finite features of two pictures or more, "
                f"(N, D), got {side.shape}"
            )
    if sides[0].shape[1] != sides[1].shape[1]:
        raise ValueError(
            "frechet_distance: expected features of one width, got "
            f"{sides[0].shape[1]} and {sides[1].shape[1]}"
        )
    means = [side.mean(axis=0) for side in sides]
    # A factor F of each covariance, F^T F. The trace of the root of the product of two
    # covariances is the sum of the singular values of F_a F_b^T: no root of a matrix
    # that is singular, as that of few pictures is, and nothing imaginary.
    factors = [
        _small((side - mean) / np.sqrt(len(side) - 1))
        for side, mean in zip(sides, means, strict=True)
    ]
    spread = sum(np.sum(factor**2) for factor in factors)
    shared = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    return max(0.0, float(np.sum((means[0] - means[1]) ** 2) + spread - 2 * shared))


def _small(factor: np.ndarray) -> np.ndarray:
    """Brings a factor of more rows than columns down to a square one."""
    if len(factor) <= factor.shape[1]:
        return factor
    return cast(np.ndarray, np.linalg.qr(factor, mode="r"))
