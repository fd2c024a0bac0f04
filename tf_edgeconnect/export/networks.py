"""Rebuilds networks for export: the same results, up to rounding, in fewer operations.

Spectral norm is a constant at inference, so `kernel / sigma` stands in the kernel's
place. What is made for a processor computes reflection pads and the last convolution in
fewer passes over the maps; SavedModels for one also fuse each instance norm with its
ReLU. Files for phones and ONNX take only operations that they have.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.inference.loading import is_weights
from tf_edgeconnect.layers import (
    InstanceNormalization,
    PushPullFill,
    ReflectionPadding2D,
    SpectralConv2D,
    SpectralConv2DTranspose,
)

FloatType = Literal["float32", "bfloat16", "float16"]
Device = Literal["any", "cpu"]
# By the kind of a layer, or by its name, which goes first.
Substitutes = Mapping[type | str, Any]

LAST_CONVOLUTION = "decoder_3"
# FusedBatchNormV3 adds up one pixel after the other in float32: from this many on, the
# error of its sums is above 3e-5 standard deviations (1e-3 for a megapixel).
FUSED_NORM_PIXELS = 256 * 256
# Vectors of processors hold 16 output channels, needed or not.
_CHANNELS_AT_ONCE = 16


def load_for_export(path: str | Path) -> Inpainter:
    """Loads both generators of a model, in Keras.

    Raises:
        InputError: the path is no model, is an export already, or lacks a generator.
    """
    if not is_weights(path):
        raise InputError(
            f"model {path} is an export or a server; give the run directory or weights "
            "folder that it was made from"
        )
    inpainter = Inpainter.load(path)
    for stage, there in (("edge", inpainter.draws), ("inpaint", inpainter.paints)):
        if not there:
            raise InputError(
                f"model {path} has no {stage} generator, and an export needs both; "
                f"train it with `tf-edgeconnect train --stage {stage}` in the same run"
            )
    return inpainter


def exported_graph(
    inpainter: Inpainter, substitutes: Substitutes, dtype: FloatType = "float32"
) -> InpaintGraph:
    """Returns the inference graph of both networks, rebuilt with other layers.

    Args:
        inpainter: of `load_for_export`.
        substitutes: one of `SAVED_MODEL`, `TFLITE` or `ONNX`.
        dtype: of the layers.
    """
    networks = (inpainter.edge_generator, inpainter.inpaint_generator)
    rebuilt = [exported_network(one, substitutes, dtype) for one in networks]
    sigma: Any = inpainter.sigma  # of Keras models it is known
    return InpaintGraph(rebuilt[0], rebuilt[1], sigma)


def exported_network(
    network: keras.Model, substitutes: Substitutes, dtype: FloatType = "float32"
) -> keras.Model:
    """Copies a generator of `models.generators`.

    Args:
        network: in float32.
        substitutes: layers that take the place of others.
        dtype: number type of the layers. What enters is rounded once, by the first
            convolution; statistics of norms, and the output function behind the last
            convolution, stay in float32.

    Returns:
        A functional model of the same inputs, outputs and layer names; its variables
        are kernels, and biases that no norm subtracts.
    """
    before = {
        layer.name: layer.input._keras_history.operation
        for layer in network.layers
        if isinstance(layer, keras.layers.ReLU)
    }
    normalized = {
        layer.input._keras_history.operation.name
        for layer in network.layers
        if isinstance(layer, InstanceNormalization)
    }
    fused = InstanceNormalization in substitutes

    def clone(layer: keras.Operation) -> keras.Operation:
        config, kind = layer.get_config(), type(layer)
        if isinstance(layer, keras.layers.Layer) and _takes_dtype(layer):
            config["dtype"] = dtype
        if layer.name in normalized:
            config["use_bias"] = False
        if fused and isinstance(before.get(layer.name), InstanceNormalization):
            return keras.layers.Identity(name=layer.name, dtype=config["dtype"])
        if fused and isinstance(layer, InstanceNormalization):
            config["relu"] = layer in before.values()
        kind = substitutes.get(layer.name, substitutes.get(kind, kind))
        return kind.from_config(config)

    copy = keras.models.clone_model(network, clone_function=clone)
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            spectral = hasattr(layer, "normalized_kernel")
            kernel = layer.normalized_kernel(False) if spectral else layer.kernel
            rebuilt = copy.get_layer(layer.name)
            weights = [kernel, layer.bias] if rebuilt.use_bias else [kernel]
            weights = [np.array(value) for value in weights]
            if isinstance(rebuilt, BlockConv2D):
                weights = rebuilt.widened(*weights)
            rebuilt.set_weights(weights)
    return copy


def _takes_dtype(layer: keras.layers.Layer) -> bool:
    # The output functions behind the last convolution name their own type.
    ends = keras.layers.InputLayer, keras.layers.Activation, keras.layers.Rescaling
    cheap = PushPullFill, keras.layers.Concatenate
    return not isinstance(layer, (*ends, *cheap))


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


class ResizedPushPullFill(PushPullFill):
    """Push-pull whose levels are doubled by one operation each."""

    def doubled(self, inputs):
        """Returns `(B, 2 * H, 2 * W, C)`."""
        return tf.image.resize(inputs, 2 * tf.shape(inputs)[1:3])


class DilatedConv2D(keras.layers.Conv2D):
    """A convolution whose dilation is the operation's own.

    Keras' (3.15) cuts its input into one map for each phase, by 80 operations.
    """

    def convolution_op(self, inputs, kernel):
        """Convolves `(B, H, W, C)`."""
        return tf.nn.conv2d(
            inputs,
            kernel,
            self.strides,
            self.padding.upper(),
            dilations=self.dilation_rate,
        )


class BlockConv2D(keras.layers.Conv2D):
    """A convolution to few channels that computes blocks of `block x block` pixels.

    Its kernel holds the original one at each place of the block: a strided convolution
    gives `block**2` times the channels, of which the pixels are made. Of the original's
    1 or 3 channels a processor would compute 16.

    Height and width of the output must be multiples of `block`.

    Args:
        filters: of the original.
        kernel_size: of the original, two sides.
        **kwargs: the original's, with padding "valid" and strides 1.
    """

    def __init__(self, filters: int, kernel_size: tuple[int, int], **kwargs):
        self.block = int((_CHANNELS_AT_ONCE // filters) ** 0.5)
        wide = [side + self.block - 1 for side in kernel_size]
        kwargs["strides"] = self.block
        super().__init__(filters * self.block**2, wide, **kwargs)

    def call(self, inputs):
        """Convolves `(B, H, W, C)`."""
        return tf.nn.depth_to_space(super().call(inputs), self.block)

    def compute_output_shape(self, input_shape):
        """Returns the shape that the original gives."""
        batch, *size, channels = super().compute_output_shape(input_shape)
        size = [side if side is None else side * self.block for side in size]
        return (batch, *size, channels // self.block**2)

    def get_config(self):
        """Returns the arguments, for saving."""
        plain = {
            "filters": self.filters // self.block**2,
            "kernel_size": [side - self.block + 1 for side in self.kernel_size],
        }
        return {**super().get_config(), **plain}

    def widened(self, kernel, bias) -> list[np.ndarray]:
        """Returns the layer's weights, from the original's."""
        places = []
        for row, column in np.ndindex(self.block, self.block):
            ends = [[at, self.block - 1 - at] for at in (row, column)]
            places.append(np.pad(kernel, [*ends, [0, 0], [0, 0]]))
        return [np.concatenate(places, -1), np.tile(bias, self.block**2)]


class PhasedConv2DTranspose(keras.layers.Conv2DTranspose):
    """A transposed convolution, kernel 4 and strides 2, as one plain one.

    All four pixels of a place are channels of a 2 x 2 convolution, those of odd rows
    and columns first: one pixel cut off all round then puts every one in its place.
    TFLite's own transposed convolution takes longer.
    """

    def call(self, inputs):
        """Returns `(B, 2 * H, 2 * W, filters)`."""
        padded = tf.pad(inputs, [[0, 0], [1, 1], [1, 1], [0, 0]])
        kernel = tf.transpose(self.kernel, [0, 1, 3, 2])[::-1, ::-1]
        phases = [kernel[row::2, column::2] for row, column in np.ndindex(2, 2)]
        wide = tf.nn.conv2d(padded, tf.concat(phases[::-1], -1), 1, "VALID")
        if self.use_bias:
            wide = tf.nn.bias_add(wide, tf.tile(self.bias, [4]))
        return tf.nn.depth_to_space(wide, 2)[:, 1:-1, 1:-1]


ONNX: Substitutes = {
    SpectralConv2D: keras.layers.Conv2D,
    SpectralConv2DTranspose: keras.layers.Conv2DTranspose,
    PushPullFill: ResizedPushPullFill,
    LAST_CONVOLUTION: BlockConv2D,
}
TFLITE: Substitutes = {
    **ONNX,
    SpectralConv2DTranspose: PhasedConv2DTranspose,
    keras.layers.Conv2DTranspose: PhasedConv2DTranspose,
    ReflectionPadding2D: GatheredReflection,
}
_ANY: Substitutes = {
    keras.layers.Conv2D: DilatedConv2D,
    SpectralConv2D: DilatedConv2D,
    SpectralConv2DTranspose: keras.layers.Conv2DTranspose,
}
_CPU: Substitutes = {
    **_ANY,
    LAST_CONVOLUTION: BlockConv2D,
    ReflectionPadding2D: GatheredReflection,
    InstanceNormalization: FusedInstanceNormalization,
}
SAVED_MODEL: Mapping[Device, Substitutes] = {"any": _ANY, "cpu": _CPU}
