"""Networks whose arithmetic is rounded to 8 bits, as photos show its ranges.

A folded network and photos enter; a copy leaves that marks, by fake quantization, the
inputs, kernels and outputs of its convolutions and what lies between them. TFLite's
converter turns what is marked into int8 and leaves the rest in float32: Canny, the
statistics of instance norm, and all between the networks. (Its own quantizer after
training has no way to leave Canny out: rounded slopes give other edges, or none.)

Reference:
    Jacob et al. 2018, arXiv:1712.05877, sections 2 and 3.
"""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from tf_edgeconnect.export.folding import plain_network
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.layers.instance_norm import InstanceNormalization
from tf_edgeconnect.layers.padding import ReflectionPadding2D

Ranges = dict[str, tuple[float, float]]

_ROUNDED = (
    layers.Concatenate,
    layers.Conv2D,
    layers.Conv2DTranspose,
    layers.ReLU,
    layers.Add,
    InstanceNormalization,
    ReflectionPadding2D,
)
_SMALLEST_WEIGHT = 1e-8  # the range of a kernel of zeros must not be empty


def quantized_graph(
    inpainter: Inpainter, examples: Iterable[tuple[np.ndarray, np.ndarray]]
) -> InpaintGraph:
    """Returns the inference graph of both networks, marked for int8.

    Args:
        inpainter: the networks, both there.
        examples: representative photos uint8 `(1, H, W, 3)` with their masks float32
            `(1, H, W, 1)`, at least one.

    Returns:
        A graph that computes what the int8 one will, up to its rounding.
    """
    networks = [
        plain_network(network)
        for network in (inpainter.edge_generator, inpainter.inpaint_generator)
    ]
    observed = [_Observed(network) for network in networks]
    edges, fill = observed
    graph = InpaintGraph(edges, fill, inpainter.sigma)
    for image, mask in examples:
        graph.fill(tf.constant(image), tf.constant(mask))
    marked = [
        _marked(network, each.ranges)
        for network, each in zip(networks, observed, strict=True)
    ]
    edges, fill = marked
    return InpaintGraph(edges, fill, inpainter.sigma)


class _Observed:
    """A network that notes the range of each layer's output; 0 is always in it."""

    def __init__(self, network: keras.Model) -> None:
        self.input_shape = network.input_shape
        self.ranges: Ranges = {}
        self._layers = [one for one in network.layers if isinstance(one, _ROUNDED)]
        outputs = [one.output for one in self._layers]
        self._all_outputs = keras.Model(network.inputs, [*outputs, *network.outputs])

    def __call__(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        *outputs, result = self._all_outputs(inputs, training=training)
        for layer, output in zip(self._layers, outputs, strict=True):
            low, high = self.ranges.get(layer.name, (0.0, 0.0))
            low = min(low, float(tf.reduce_min(output)))
            self.ranges[layer.name] = low, max(high, float(tf.reduce_max(output)))
        return result


def _marked(network: keras.Model, ranges: Ranges) -> keras.Model:
    """Copies a network with its layers' outputs and kernels marked for int8."""
    # A convolution and its ReLU become one operation: its output is the ReLU's.
    joined = {
        layer.input._keras_history.operation.name
        for layer in network.layers
        if isinstance(layer, layers.ReLU)
    }

    def clone(layer: keras.Operation) -> keras.Operation:
        kind: Any = type(layer)
        copy = _MARKED.get(kind, kind).from_config(layer.get_config())
        if kind in _MARKED:
            axis = copy.output_axis
            kernel = np.abs(ops.convert_to_numpy(layer.kernel))
            others = tuple(n for n in range(4) if n != axis)
            largest = kernel.max() if axis is None else kernel.max(others)
            copy.largest = np.maximum(largest, _SMALLEST_WEIGHT)
        return copy

    def call(layer: keras.Operation, *args, **kwargs):
        output = layer(*args, **kwargs)
        if layer.name not in ranges or layer.name in joined:
            return output
        return _Rounded(*ranges[layer.name], name=f"{layer.name}_int8")(output)

    copy = keras.models.clone_model(network, clone_function=clone, call_function=call)
    for layer in network.layers:
        if layer.weights:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return copy


class _Rounded(layers.Layer):
    """Rounds to 256 steps between two numbers."""

    def __init__(self, low: float, high: float, **kwargs):
        super().__init__(**kwargs)
        self.low, self.high = low, max(high, low + _SMALLEST_WEIGHT)

    def call(self, inputs):
        return tf.quantization.fake_quant_with_min_max_vars(inputs, self.low, self.high)

    def compute_output_shape(self, input_shape):
        return input_shape


class _MarkedConv2D(layers.Conv2D):
    """A convolution with a kernel of 255 steps, each output channel its own."""

    output_axis = 3
    largest: np.ndarray

    def convolution_op(self, inputs, kernel):
        kernel = tf.quantization.fake_quant_with_min_max_vars_per_channel(
            kernel, -self.largest, self.largest, narrow_range=True
        )
        return super().convolution_op(inputs, kernel)


class _MarkedConv2DTranspose(layers.Conv2DTranspose):
    """A transposed convolution with a kernel of 255 steps, alike for all channels.

    TensorFlow 2.21's converter fails where they are each output channel's own.
    """

    output_axis = None
    largest: np.ndarray

    def call(self, inputs):
        kernel = tf.quantization.fake_quant_with_min_max_vars(
            self.kernel, -self.largest, self.largest, narrow_range=True
        )
        outputs = ops.conv_transpose(
            inputs, kernel, strides=list(self.strides), padding=self.padding
        )
        return outputs + self.bias if self.use_bias else outputs


_MARKED = {
    layers.Conv2D: _MarkedConv2D,
    layers.Conv2DTranspose: _MarkedConv2DTranspose,
}
