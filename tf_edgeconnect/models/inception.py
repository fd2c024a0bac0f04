"""The Inception network of the usual FID: TensorFlow's of 2015-12-05.

Enters: pictures of 299 x 299 pixels. Leaves: 2,048 features each, the means of the last
block's maps. It is not the Inception v3 of Keras or torchvision: its average pools do
not count the padding, the last block has a max pool in the place of one, and its
classifier of 1,008 classes, which FID does not use, is left out. This module owns the
layout of the weights file: `conversion` writes it.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from tf_edgeconnect.models.storage import read_arrays

SIDE = 299
FEATURES = 2048
PREFIX = "net.layers."  # of the arrays' names

_EPSILON = 1e-3  # of its batch norms, which have no gamma
_WHAT = "FID's Inception weights"
_REMEDY = (
    "give the .npz that `tf-edgeconnect convert pt_inception-2015-12-05-6726825d.pth "
    "-o inception.npz` writes"
)


def fid_inception(
    weights: str | Path | None, name: str = "fid_inception"
) -> keras.Model:
    """The Inception network of the usual FID, up to its 2,048 pooled features.

    Args:
        weights: an `.npz` of the arrays that `array_shapes` lists: kernels OIHW, and
            beta, mean and variance of the batch norm after each. None: random weights.
        name: name of the model.

    Returns:
        A frozen model from `(B, 299, 299, 3)`, RGB in [0, 255], to `(B, 2048)`.

    Raises:
        InputError: the file is missing or holds other weights.

    Reference:
        Heusel et al., arXiv:1706.08500 (FID); Szegedy et al., arXiv:1512.00567.
    """
    # Layers
    image = keras.Input((SIDE, SIDE, 3), name="image")
    x = (image - 128.0) / 128.0
    x = _convolve(x, "conv", 32, 3, strides=2, padding="valid")
    x = _convolve(x, "conv_1", 32, 3, padding="valid")
    x = _convolve(x, "conv_2", 64, 3)
    x = layers.MaxPooling2D(3, 2)(x)
    x = _convolve(x, "conv_3", 80, 1, padding="valid")
    x = _convolve(x, "conv_4", 192, 3, padding="valid")
    x = layers.MaxPooling2D(3, 2)(x)  # 35 x 35
    for block, pooled in (("mixed", 32), ("mixed_1", 64), ("mixed_2", 64)):
        x = _fine_block(x, block, pooled)
    x = _first_reduction(x, "mixed_3")  # 17 x 17
    for number, inner in ((4, 128), (5, 160), (6, 160), (7, 192)):
        x = _middle_block(x, f"mixed_{number}", inner)
    x = _second_reduction(x, "mixed_8")  # 8 x 8
    x = _coarse_block(x, "mixed_9", layers.AveragePooling2D)
    x = _coarse_block(x, "mixed_10", layers.MaxPooling2D)
    features = layers.GlobalAveragePooling2D()(x)

    # Model
    model = keras.Model(image, features, name=name)
    model.trainable = False
    if weights is not None:
        _load(model, weights)
    return model


def _fine_block(x, block, pooled):
    one = _tower(x, f"{block}.conv", (64, 1))
    five = _tower(x, f"{block}.tower.conv", (48, 1), (64, 5))
    three = _tower(x, f"{block}.tower_1.conv", (64, 1), (96, 3), (96, 3))
    pool = layers.AveragePooling2D(3, 1, "same")(x)
    pool = _tower(pool, f"{block}.tower_2.conv", (pooled, 1))
    return layers.Concatenate()([one, five, three, pool])


def _first_reduction(x, block):
    three = _convolve(x, f"{block}.conv", 384, 3, strides=2, padding="valid")
    twice = _tower(x, f"{block}.tower.conv", (64, 1), (96, 3))
    twice = _convolve(twice, f"{block}.tower.conv_2", 96, 3, strides=2, padding="valid")
    return layers.Concatenate()([three, twice, layers.MaxPooling2D(3, 2)(x)])


def _middle_block(x, block, inner):
    wide, tall = (inner, (1, 7)), (inner, (7, 1))
    one = _tower(x, f"{block}.conv", (192, 1))
    seven = _tower(x, f"{block}.tower.conv", (inner, 1), wide, (192, (7, 1)))
    twice = _tower(
        x, f"{block}.tower_1.conv", (inner, 1), tall, wide, tall, (192, (1, 7))
    )
    pool = layers.AveragePooling2D(3, 1, "same")(x)
    pool = _tower(pool, f"{block}.tower_2.conv", (192, 1))
    return layers.Concatenate()([one, seven, twice, pool])


def _second_reduction(x, block):
    three = _tower(x, f"{block}.tower.conv", (192, 1))
    three = _convolve(
        three, f"{block}.tower.conv_1", 320, 3, strides=2, padding="valid"
    )
    name = f"{block}.tower_1.conv"
    seven = _tower(x, name, (192, 1), (192, (1, 7)), (192, (7, 1)))
    seven = _convolve(seven, f"{name}_3", 192, 3, strides=2, padding="valid")
    return layers.Concatenate()([three, seven, layers.MaxPooling2D(3, 2)(x)])


def _coarse_block(x, block, pooling):
    one = _convolve(x, f"{block}.conv", 320, 1)
    three = _convolve(x, f"{block}.tower_conv", 384, 1)
    three_wide = _convolve(three, f"{block}.tower_mixed_conv", 384, (1, 3))
    three_high = _convolve(three, f"{block}.tower_mixed_conv_1", 384, (3, 1))
    twice = _tower(x, f"{block}.tower_1_conv", (448, 1), (384, 3))
    twice_wide = _convolve(twice, f"{block}.tower_1_mixed_conv", 384, (1, 3))
    twice_high = _convolve(twice, f"{block}.tower_1_mixed_conv_1", 384, (3, 1))
    pool = _convolve(pooling(3, 1, "same")(x), f"{block}.tower_2_conv", 192, 1)
    return layers.Concatenate()(
        [one, three_wide, three_high, twice_wide, twice_high, pool]
    )


def _tower(x, name, *filters_and_kernels):
    """Applies convolutions called NAME, NAME_1, NAME_2 and so on."""
    for number, (filters, kernel) in enumerate(filters_and_kernels):
        x = _convolve(x, f"{name}_{number}" if number else name, filters, kernel)
    return x


def _convolve(x, name, filters, kernel, *, strides=1, padding="same"):
    # Batch norm is folded into kernel and bias by `_load`.
    return layers.Conv2D(
        filters, kernel, strides, padding, activation="relu", name=name
    )(x)


def array_shapes() -> dict[str, tuple[int, ...]]:
    """Lists the arrays of a weights file: name to shape."""
    return _array_shapes(_convolutions(fid_inception(None)))


def _array_shapes(convolutions):
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in convolutions:
        height, width, inputs, outputs = layer.kernel.shape
        name = f"{PREFIX}{layer.name}"
        shapes[f"{name}.weight"] = (outputs, inputs, height, width)
        shapes |= {f"{name}.{part}": (outputs,) for part in ("beta", "mean", "var")}
    return shapes


def _convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]


def _load(model, weights):
    convolutions = _convolutions(model)
    arrays = read_arrays(weights, _array_shapes(convolutions), _WHAT, _REMEDY)
    for layer in convolutions:
        kernel, beta, mean, variance = (
            arrays[f"{PREFIX}{layer.name}.{part}"].astype("float32")
            for part in ("weight", "beta", "mean", "var")
        )
        scale = 1 / np.sqrt(variance + _EPSILON)
        kernel = kernel.transpose(2, 3, 1, 0)  # from OIHW
        layer.set_weights([kernel * scale, beta - mean * scale])
