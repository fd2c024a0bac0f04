"""Instance normalization with the rounding of the published networks."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("tf_edgeconnect")
class InstanceNormalization(keras.layers.Layer):
    """Gives each channel of each image mean 0 and variance 1; no weights.

    Equal to `GroupNormalization(groups=-1, center=False, scale=False)`, whose sums over
    height and width at once run through all pixels in float32 one after the other and
    lose digits on large maps; this layer sums columns first and then rows.

    Args:
        epsilon: added to the variance.

    Reference:
        Ulyanov et al. 2016, arXiv:1607.08022.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """Normalizes `(B, H, W, C)`, in float32 whatever the compute dtype."""
        x = ops.cast(inputs, "float32")
        x = x - _mean(x)
        x = x * ops.rsqrt(_mean(ops.square(x)) + self.epsilon)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the input."""
        return input_shape

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "epsilon": self.epsilon}


def _mean(x):
    return ops.mean(ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)
