"""Networks for export: spectral norm folded into plain kernels, in one number type.

At inference the norm of a kernel is a constant, so `kernel / sigma` is stored in the
kernel's place, and the network has plain convolutions only. In `bfloat16` or `float16`
the hidden layers store and compute in that type; instance norm takes its statistics in
float32, and the last convolution and what follows it stay in float32, since an error
there is an error of the picture.
"""

from typing import Literal

import keras

from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.layers.hole_fill import PushPullFill
from tf_edgeconnect.layers.spectral_norm import SpectralConv2D, SpectralConv2DTranspose

FloatType = Literal["float32", "bfloat16", "float16"]

PLAIN = {
    SpectralConv2D: keras.layers.Conv2D,
    SpectralConv2DTranspose: keras.layers.Conv2DTranspose,
}
LAST_CONVOLUTION = "decoder_3"
_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
# What enters is cheap to prepare: it is rounded once, by the first convolution.
_ALWAYS_FLOAT32 = (PushPullFill, keras.layers.Concatenate)


def plain_graph(inpainter: Inpainter, dtype: FloatType = "float32") -> InpaintGraph:
    """Returns the inference graph of both networks, folded.

    Args:
        inpainter: the networks, both there.
        dtype: number type of hidden layers.

    Returns:
        A graph equal to the inpainter's own, up to rounding.
    """
    return InpaintGraph(
        plain_network(inpainter.edge_generator, dtype),
        plain_network(inpainter.inpaint_generator, dtype),
        inpainter.sigma,
    )


def plain_network(network: keras.Model, dtype: FloatType = "float32") -> keras.Model:
    """Copies a generator without spectral norm.

    Args:
        network: one of `models.generators`, float32.
        dtype: number type of hidden layers.

    Returns:
        A functional model of the same inputs, outputs and layer names; its variables
        are kernels and biases alone.
    """

    def clone(layer: keras.Operation) -> keras.Operation:
        config = layer.get_config()
        if not isinstance(layer, keras.layers.Layer):
            return type(layer).from_config(config)
        stays = isinstance(layer, _ALWAYS_FLOAT32) or layer.name == LAST_CONVOLUTION
        if not stays and _is_hidden(layer):
            config["dtype"] = dtype
        return PLAIN.get(type(layer), type(layer)).from_config(config)

    copy = keras.models.clone_model(network, clone_function=clone)
    for layer in network.layers:
        if isinstance(layer, _CONVOLUTIONS):
            target = copy.get_layer(layer.name)
            target.kernel.assign(_folded_kernel(layer))
            if layer.use_bias:
                target.bias.assign(layer.bias)
    return copy


def _folded_kernel(layer: keras.layers.Layer) -> keras.KerasTensor:
    if type(layer) in PLAIN:
        return layer.normalized_kernel(training=False)
    return layer.kernel


def _is_hidden(layer: keras.layers.Layer) -> bool:
    """Whether a layer lies before the output functions, which name their own type."""
    return not isinstance(
        layer,
        keras.layers.InputLayer | keras.layers.Activation | keras.layers.Rescaling,
    )
