"""The AlexNet of LPIPS.

It is the narrow AlexNet of Krizhevsky 2014 (64 filters first), without its classifier.
This module owns the names in the weights file.
"""

from pathlib import Path

import keras
from keras import layers, ops

from tf_edgeconnect.models.arrays import read_arrays

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
    """AlexNet's five activations, its preprocessing inside.

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
