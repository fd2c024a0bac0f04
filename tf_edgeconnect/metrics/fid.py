"""FID: Inception features of pictures, and the Frechet distance of two sets of them.

Each picture is resized whole to a square of 299 pixels (Pillow's antialiased bicubic on
8 bits). FID needs a few thousand pictures; with fewer it is too high.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from tf_edgeconnect.models.inception import FEATURES, SIDE, fid_inception

ENOUGH_PICTURES = 2048  # with fewer, the covariance of the features is singular
BATCH = 16  # pictures that go through the network at once


class FidFeatures:
    """Computes the Inception features that FID compares.

    Args:
        weights: see `fid_inception`.

    Raises:
        InputError: the file is missing or holds other weights.

    Example:
        ```python
        features = FidFeatures("inception.npz")
        frechet_distance(features(photos), features(filled))
        ```
    """

    def __init__(self, weights: str | Path):
        self._network = fid_inception(weights)

    def __call__(self, pictures: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Computes the features of some pictures.

        Args:
            pictures: each `(H, W, 3)` RGB, uint8 or floats in [0, 1]; sizes may differ.

        Returns:
            `(N, 2048)` float32.
        """
        features = [np.zeros((0, FEATURES), "float32")]
        for start in range(0, len(pictures), BATCH):
            batch = pictures[start : start + BATCH]
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
    """Frechet distance of two sets of features, each modelled as a Gaussian.

    Args:
        target: `(N, D)`, N at least 2.
        predicted: `(M, D)`, M at least 2.

    Returns:
        At least 0; in float64.

    Raises:
        ValueError: a set has fewer than two pictures or values that are not finite, or
            the sets differ in their features.

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
            "frechet_distance: expected features of the same width, got "
            f"{sides[0].shape[1]} and {sides[1].shape[1]}"
        )
    means = [side.mean(axis=0) for side in sides]
    # Each covariance is F^T F. The trace of the root of the product of two covariances
    # is the sum of the singular values of F_a F_b^T, which avoids the matrix root: that
    # is inaccurate for singular matrices and may be complex.
    factors = [
        _square_factor((side - mean) / np.sqrt(len(side) - 1))
        for side, mean in zip(sides, means, strict=True)
    ]
    spread = sum(np.sum(factor**2) for factor in factors)
    shared = np.linalg.svd(factors[0] @ factors[1].T, compute_uv=False).sum()
    return max(0.0, float(np.sum((means[0] - means[1]) ** 2) + spread - 2 * shared))


def _square_factor(factor: np.ndarray) -> np.ndarray:
    """Reduces a factor with more rows than columns to a square one."""
    if len(factor) <= factor.shape[1]:
        return factor
    return cast(np.ndarray, np.linalg.qr(factor, mode="r"))
