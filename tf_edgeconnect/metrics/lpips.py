"""LPIPS: the perceptual distance of two pictures by the activations of AlexNet."""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from tf_edgeconnect.models.storage import read_arrays

FILTERS = (64, 192, 384, 256, 256)
SMALLEST_SIDE = 31  # leaves 7 pixels to the first pool and 3 to the second
WHAT = "LPIPS weights"
REMEDY = (
    "give an .npz of LPIPS' AlexNet with AlexNet_0.Conv_0.kernel (HWIO) and .bias to "
    "Conv_4 and NetLinLayer_0.Conv_0.kernel to NetLinLayer_4"
)

# ImageNet's mean and deviation as LPIPS has them, for pictures in [-1, 1].
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)


def alexnet_features(
    weights: str | Path, name: str = "alexnet_features"
) -> keras.Model:
    """Builds an AlexNet, with its preprocessing, that returns five activations.

    Args:
        weights: an `.npz` that has `AlexNet_0.Conv_<i>.kernel` (HWIO) and `.bias`, i
            from 0 to 4.
        name: name of the model.

    Returns:
        A frozen model from `(B, H, W, 3)`, RGB in [0, 1], sides of at least
        `SMALLEST_SIDE`, to a list of five activations `(B, h, w, FILTERS[i])`.

    Raises:
        InputError: the file is missing or holds other weights.

    Reference:
        Krizhevsky, arXiv:1404.5997.
    """
    # Layers
    image = keras.Input((None, None, 3), name="image")
    x = ((2 * image - 1) - ops.array(_SHIFT)) / ops.array(_SCALE)
    x = layers.ZeroPadding2D(2)(x)
    first = layers.Conv2D(FILTERS[0], 11, 4, activation="relu", name="Conv_0")(x)
    x = layers.MaxPooling2D(3, 2)(first)
    second = _convolve(x, 1, 5)
    x = layers.MaxPooling2D(3, 2)(second)
    third = _convolve(x, 2, 3)
    fourth = _convolve(third, 3, 3)
    fifth = _convolve(fourth, 4, 3)

    # Model
    model = keras.Model(image, [first, second, third, fourth, fifth], name=name)
    model.trainable = False
    _load(model, weights)
    return model


def _convolve(x, number, side):
    return layers.Conv2D(
        FILTERS[number], side, padding="same", activation="relu", name=f"Conv_{number}"
    )(x)


def _load(model, weights):
    variables: dict[str, keras.Variable] = {}
    for number in range(len(FILTERS)):
        layer = model.get_layer(f"Conv_{number}")
        prefix = f"AlexNet_0.Conv_{number}"
        variables |= {f"{prefix}.kernel": layer.kernel, f"{prefix}.bias": layer.bias}
    shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
    for name, array in read_arrays(weights, shapes, WHAT, REMEDY).items():
        variables[name].assign(array)


_EPSILON = 1e-10  # of the norm over channels, as published


def lpips_model(weights: str | Path) -> keras.Model:
    """Builds the learned perceptual distance, version 0.1 on AlexNet, as a model.

    Args:
        weights: an `.npz` of AlexNet (see `alexnet_features`) and of the linear heads,
            `NetLinLayer_<i>.Conv_0.kernel`, i from 0 to 4.

    Returns:
        A frozen model from two batches `(B, H, W, 3)` in [0, 1], the target and the
        prediction, to the distance of each pair, float32 `(B,)`.

    Raises:
        InputError: the file is missing or holds other weights.

    Reference:
        Zhang et al., arXiv:1801.03924, equation 1.
    """
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
    model = keras.Model([target, predicted], distance, name="lpips")
    model.trainable = False
    model.architecture = dict(weights=str(weights))
    return model


class Lpips:
    """The metric LPIPS: the distance of pictures as NumPy arrays.

    Args:
        weights: see `lpips_model`.

    Example:
        `Lpips("lpips_alexnet.npz")(photos, filled)`
    """

    def __init__(self, weights: str | Path):
        self._model = lpips_model(weights)

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
                "lpips: expected two batches of the same shape with sides of at least "
                f"{SMALLEST_SIDE} pixels, got {target.shape} and {predicted.shape}"
            )
        return np.asarray(self._model.predict_on_batch([target, predicted]))


def _distance(target, predicted, head):
    """Returns the distance of a layer's activations, `(B, h, w, C)`; head `(C,)`."""
    target, predicted = (ops.cast(each, "float32") for each in (target, predicted))
    difference = ops.square(_normalize(target) - _normalize(predicted))
    return ops.mean(ops.sum(difference * head, axis=-1), axis=(1, 2))


def _normalize(features):
    norm = ops.sqrt(ops.sum(ops.square(features), axis=-1, keepdims=True))
    return features / (norm + _EPSILON)
