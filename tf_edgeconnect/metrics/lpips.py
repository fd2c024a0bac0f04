"""LPIPS: the perceptual distance of two pictures by the activations of AlexNet."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from tf_edgeconnect.models.alexnet import (
    FILTERS,
    REMEDY,
    SMALLEST_SIDE,
    WHAT,
    alexnet_features,
)
from tf_edgeconnect.models.arrays import read_arrays

_EPSILON = 1e-10  # of the norm over channels, as published


class Lpips:
    """The learned perceptual distance of two pictures, version 0.1 on AlexNet.

    Args:
        weights: an `.npz` of AlexNet (see `alexnet_features`) and of the linear heads,
            `NetLinLayer_<i>.Conv_0.kernel`, i from 0 to 4.

    Raises:
        InputError: the file is missing or holds other weights.

    Example:
        `Lpips("lpips_alexnet.npz")(photos, filled)`

    Reference:
        Zhang et al., arXiv:1801.03924, equation 1.
    """

    def __init__(self, weights: str | Path):
        shapes = {
            f"NetLinLayer_{i}.Conv_0.kernel": (1, 1, filters, 1)
            for i, filters in enumerate(FILTERS)
        }
        arrays = read_arrays(weights, shapes, WHAT, REMEDY)
        heads = [arrays[name].reshape(-1) for name in shapes]
        features = alexnet_features(weights)
        target = keras.Input((None, None, 3), name="target")
        predicted = keras.Input((None, None, 3), name="predicted")
        layers = zip(features(target), features(predicted), heads, strict=True)
        distance = sum(_distance(*layer) for layer in layers)
        self._model = keras.Model([target, predicted], distance, name="lpips")

    def __call__(self, target, predicted) -> np.ndarray:
        """Returns the distance of each pair of two batches.

        Args:
            target: `(B, H, W, 3)`, [0, 1], H and W at least 31.
            predicted: `(B, H, W, 3)`, [0, 1].

        Returns:
            `(B,)`, 0 for equal images.

        Raises:
            ValueError: the shapes differ, or a side is too short.
        """
        target, predicted = (np.asarray(a, "float32") for a in (target, predicted))
        if target.shape != predicted.shape or min(target.shape[1:3]) < SMALLEST_SIDE:
            raise ValueError(
                f"lpips: expected two batches of one shape with sides of at least "
                f"{SMALLEST_SIDE} pixels, got {target.shape} and {predicted.shape}"
            )
        return np.asarray(self._model.predict_on_batch([target, predicted]))


def _distance(target, predicted, head):
    """Returns the distance of a layer's activations, `(B, h, w, C)`; head `(C,)`."""
    difference = ops.square(_normalize(target) - _normalize(predicted))
    return ops.mean(ops.sum(difference * head, axis=-1), axis=(1, 2))


def _normalize(features):
    norm = ops.sqrt(ops.sum(ops.square(features), axis=-1, keepdims=True))
    return features / (norm + _EPSILON)
