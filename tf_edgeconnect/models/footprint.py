"""How much memory a network takes, counted from its layers."""

import math

import keras

FLOAT_BYTES = 4


def count_parameters(variables: list[keras.Variable]) -> int:
    """Returns how many numbers the variables hold."""
    return sum(math.prod(variable.shape) for variable in variables)


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


def training_bytes(networks: dict[str, keras.Model], size: int, batch_size: int) -> int:
    """Returns the bytes that training takes: weights, gradients, Adam, activations.

    Args:
        networks: by name, those of a stage.
        size: side of the photos in pixels.
        batch_size: photos that are in memory at once.
    """
    total = 0
    for name, network in networks.items():
        # A discriminator sees real and predicted pictures in one pass.
        passes = 2 if name.endswith("discriminator") else 1
        # Each weight has a gradient and Adam's two moments.
        total += 4 * parameter_bytes(network)
        total += passes * batch_size * activation_bytes(network, size)
    return total
