"""Reflection padding, which Keras has as an operation but not as a layer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tf_edgeconnect")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads height and width by mirroring them, the border pixel not repeated.

    Args:
        padding: pixels added on each of the four sides; both sides of the input must be
            larger than this.

    Example:
        `ReflectionPadding2D(3)` turns `(B, 256, 256, C)` into `(B, 262, 262, C)`.
    """

    def __init__(self, padding: int, **kwargs):
        super().__init__(**kwargs)
        if padding < 1:
            raise ValueError(f"`padding` must be 1 or more, got {padding}")
        self.padding = padding

    def call(self, inputs):
        """Returns `(B, H + 2 * padding, W + 2 * padding, C)`."""
        sides = (self.padding, self.padding)
        return ops.pad(inputs, ((0, 0), sides, sides, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        """Returns the padded shape; unknown sizes stay unknown."""
        batch, height, width, channels = input_shape
        grown = [s if s is None else s + 2 * self.padding for s in (height, width)]
        return (batch, *grown, channels)

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "padding": self.padding}
