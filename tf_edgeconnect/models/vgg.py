"""The VGG19 of the perceptual and style losses.

Its activations have the scale that the published loss weights are meant for; this
module owns that scale.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
from keras import ops

from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.models.storage import load_weights

# Keras' VGG19 is fed BGR from 0 to 255 minus a mean and answers with far larger
# activations than a VGG fed [0, 1], for which the published weights (style 250,
# perceptual 0.1) were chosen: used raw, style would drown every other loss. Each
# layer's activations are divided by this measured ratio of mean activations, so that
# Gram matrices fall by its square.
ACTIVATION_SCALES = {
    "relu1_1": 96.0,
    "relu2_1": 257.0,
    "relu2_2": 253.0,
    "relu3_1": 153.0,
    "relu3_4": 907.0,
    "relu4_1": 713.0,
    "relu4_4": 188.0,
    "relu5_1": 105.0,
    "relu5_2": 56.0,
}
LAYERS = tuple(ACTIVATION_SCALES)

_BGR_MEANS = (103.939, 116.779, 123.68)  # ImageNet's, as in Keras' preprocessing
_REMEDY = (
    "give a weights file of keras.applications.VGG19(include_top=False) with `--set "
    "losses.vgg_weights=FILE`, or train without it: `--set losses.perceptual=0 --set "
    "losses.style=0`"
)


def vgg_features(
    weights: str | Path = "imagenet",
    layers: Sequence[str] = LAYERS,
    name: str = "vgg_features",
) -> keras.Model:
    """Builds a frozen VGG19 up to the deepest of `layers`, with its preprocessing.

    Args:
        weights: `"imagenet"` (Keras downloads them once), the path of a weights file of
            `keras.applications.VGG19(include_top=False)`, or `"random"`: untrained
            weights, the same each time, whose activations are **not** divided by
            `ACTIVATION_SCALES`. Random weights are for tests.
        layers: names from `LAYERS`, such as `"relu1_1"`: after the ReLU of block 1's
            first convolution.
        name: name of the model.

    Returns:
        A model from `(B, H, W, 3)`, RGB in [0, 1], to a dict of layer name to
        activations, `(B, H / 2**b, W / 2**b, C)` rounded down after b blocks. Sides of
        any length; blocks 1 to 5 need at least 1, 2, 4, 8 and 16 pixels.

    Raises:
        InputError: the file is missing or holds other weights, or the download failed.
        ValueError: no layer, or an unknown one, is requested.

    Reference:
        EdgeConnect, section 3.2; Simonyan and Zisserman, arXiv:1409.1556.
    """
    unknown = sorted(set(layers) - set(LAYERS))
    if unknown or not layers:
        raise ValueError(f"layers: expected some of {LAYERS}, got {tuple(layers)}")

    # Layers
    vgg = _load_vgg19(weights)
    convolutions = {key: vgg.get_layer(_keras_name(key)) for key in layers}
    trunk = keras.Model(vgg.input, {k: c.output for k, c in convolutions.items()})
    if weights == "random":
        _draw_weights(trunk)

    # Model
    image = keras.Input((None, None, 3), name="image")
    activations = trunk(ops.flip(image, axis=-1) * 255 - ops.array(_BGR_MEANS))
    if weights != "random":
        activations = {k: a / ACTIVATION_SCALES[k] for k, a in activations.items()}
    model = keras.Model(image, activations, name=name)
    model.trainable = False

    # Config
    model.architecture = dict(weights=str(weights), layers=list(layers), name=name)
    return model


def _keras_name(layer):
    """`relu3_4` is the output of Keras' `block3_conv4`, whose activation is a ReLU."""
    block, convolution = layer.removeprefix("relu").split("_")
    return f"block{block}_conv{convolution}"


def _load_vgg19(weights):
    if weights == "imagenet":
        return _download_vgg19()
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    try:
        if weights != "random":
            load_weights(vgg, weights)
    except InputError as error:
        raise InputError(f"VGG19: {error}; {_REMEDY}") from error
    return vgg


def _download_vgg19():
    try:
        return keras.applications.VGG19(include_top=False, weights="imagenet")
    except Exception as error:  # Keras 3.15 raises a bare Exception if a download fails
        raise InputError(
            "VGG19 weights: Keras could not download them "
            f"({one_line(error)}); {_REMEDY}"
        ) from error


def _draw_weights(trunk):
    """Draws Keras' own initial weights from fixed seeds, so that a run can resume."""
    kernels = [layer.kernel for layer in trunk.layers if hasattr(layer, "kernel")]
    for seed, kernel in enumerate(kernels):
        kernel.assign(keras.initializers.GlorotUniform(seed)(kernel.shape))
