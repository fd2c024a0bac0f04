"""Networks for SavedModels: what the folded ones give, in fewer passes over the maps.

A network of `folding.py` enters; a copy leaves whose instance norms with their ReLUs,
reflection pads and last convolution are other operations for the same numbers, up to
rounding. TFLite lacks some of them, and others are slow to differentiate, so only
SavedModels have them.
"""

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.export.folding import LAST_CONVOLUTION, FloatType, plain_network
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.layers.instance_norm import InstanceNormalization
from tf_edgeconnect.layers.padding import ReflectionPadding2D

# FusedBatchNormV3 adds up one pixel after the other in float32: from this many on, the
# error of its sums is above 3e-5 standard deviations (1e-3 for a megapixel).
FUSED_NORM_PIXELS = 256 * 256
# oneDNN computes 16 output channels at a time, needed or not.
_CHANNELS_AT_ONCE = 16


def serving_graph(inpainter: Inpainter, dtype: FloatType = "float32") -> InpaintGraph:
    """Returns the inference graph of both networks, folded and made fast.

    Args:
        inpainter: the networks, both there.
        dtype: number type of hidden layers.

    Returns:
        A graph equal to the inpainter's own, up to rounding.
    """
    return InpaintGraph(
        serving_network(plain_network(inpainter.edge_generator, dtype)),
        serving_network(plain_network(inpainter.inpaint_generator, dtype)),
        inpainter.sigma,
    )


def serving_network(network: keras.Model) -> keras.Model:
    """Copies a folded generator with the layers of this module.

    Args:
        network: from `plain_network`.

    Returns:
        A functional model of the same inputs, outputs, layer names and variables.
    """
    before = {
        layer.name: layer.input._keras_history.operation.name
        for layer in network.layers
        if isinstance(layer, keras.layers.ReLU)
    }

    def clone(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if isinstance(layer, InstanceNormalization):
            relu = layer.name in before.values()
            return FusedInstanceNormalization(relu=relu, **config)
        if isinstance(layer, ReflectionPadding2D):
            return GatheredReflection(**config)
        if layer.name == LAST_CONVOLUTION:
            return BlockConv2D.from_config(config)
        source = network.get_layer(before[layer.name]) if layer.name in before else None
        if isinstance(source, InstanceNormalization):
            return keras.layers.Identity(name=layer.name, dtype=config["dtype"])
        return type(layer).from_config(config)

    copy = keras.models.clone_model(network, clone_function=clone)
    for layer in network.layers:
        if layer.weights:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


class FusedInstanceNormalization(InstanceNormalization):
    """Instance norm and the ReLU behind it, as one operation where that is exact.

    One photo is a batch, so its batch norm in training mode is its instance norm.
    Several photos, and maps too large for its sums, take the plain way.

    Args:
        relu: whether a ReLU follows.
    """

    def __init__(self, relu: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.relu = relu

    def call(self, inputs):
        """Normalizes `(B, H, W, C)`; statistics in float32."""
        shape = tf.shape(inputs)
        fits = (shape[0] == 1) & (shape[1] * shape[2] <= FUSED_NORM_PIXELS)
        plain = super().call
        return tf.cond(
            fits,
            lambda: self._rectified(self._fused(inputs)),
            lambda: self._rectified(plain(inputs)),
        )

    def _fused(self, inputs):
        channels = inputs.shape[-1]
        return tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.ones(channels),
            offset=tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        ).y

    def _rectified(self, outputs):
        return tf.nn.relu(outputs) if self.relu else outputs

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "relu": self.relu}


class GatheredReflection(ReflectionPadding2D):
    """Reflection padding by two gathers, which copy whole pixels and rows."""

    def call(self, inputs):
        """Returns `(B, H + 2 * padding, W + 2 * padding, C)`."""
        for axis in (2, 1):
            last = tf.shape(inputs)[axis] - 1
            place = tf.abs(tf.range(-self.padding, last + 1 + self.padding))
            inputs = tf.gather(inputs, last - tf.abs(last - place), axis=axis)
        return inputs


class BlockConv2D(keras.layers.Conv2D):
    """A convolution to few channels that computes blocks of `block x block` pixels.

    Its kernel holds the original one at each place of the block: a strided convolution
    gives `block**2` times the channels, of which the pixels are made. Of the original's
    1 or 3 channels oneDNN would compute 16.

    Height and width of the output must be multiples of `block`.
    """

    @property
    def block(self) -> int:
        """Side of a block: the most that fits the channels computed at once."""
        return int((_CHANNELS_AT_ONCE // self.filters) ** 0.5)

    def convolution_op(self, inputs, kernel):
        """Convolves `(B, H, W, C)`, padding "valid", strides 1."""
        wide = tf.nn.conv2d(inputs, self._wide(kernel), self.block, "VALID")
        return tf.nn.depth_to_space(wide, self.block)

    def _wide(self, kernel):
        block = self.block
        places = []
        for row, column in np.ndindex(block, block):
            around = [[row, block - 1 - row], [column, block - 1 - column]]
            places.append(tf.pad(kernel, [*around, [0, 0], [0, 0]]))
        return tf.concat(places, axis=-1)
