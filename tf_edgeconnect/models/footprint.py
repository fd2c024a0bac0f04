"""How much memory a network takes, counted from its layers."""

import math

import keras

from tf_edgeconnect.models.blocks import count_parameters

FLOAT_BYTES = 4


def parameter_bytes(network: keras.Model) -> int:
    """Returns the bytes of the weights in float32."""
    return FLOAT_BYTES * count_parameters(network.variables)


def activation_bytes(network: keras.Model, size: int) -> int:
    """Returns the bytes of all layers' outputs for one square image in float32.

    Args:
        network: functional, one input `(B, H, W, C)`.
        size: side of the image in pixels.
    """
    channels = network.input_shape[-1]
    fixed = keras.models.clone_model(
        network, input_tensors=keras.Input((size, size, channels))
    )
    shapes = [layer.output.shape[1:] for layer in fixed.layers]
    return FLOAT_BYTES * sum(math.prod(shape) for shape in shapes)
