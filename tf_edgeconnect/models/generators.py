"""The two generators: one predicts the edges in the hole, one fills the hole.

Both take one tensor (see `edge_inputs` and `inpaint_inputs`) whose height and width are
multiples of 4, at least 12, and return a map of the same size in [0, 1].

Options other than the published defaults let a narrow network learn several times
faster: `hole_fill="push_pull"` fills the hole smoothly before the network sees it,
`mask_channel` shows the mask to the inpaint generator, `normalization="none"` and
`initializer="he"` go together. Without instance norm the signal fades through
spectrally normalized layers and nothing is learned: the edge generator has both norms
or, with `edge_norm="none"`, neither.

Reference:
    Nazeri et al. 2019, arXiv:1901.00212, sections 3.1 and 3.2, appendix A.
"""

from typing import Literal, get_args

import keras
from keras import layers, ops

from tf_edgeconnect.layers import PushPullFill
from tf_edgeconnect.masking import mask_image
from tf_edgeconnect.models.blocks import (
    Initializer,
    Normalization,
    Style,
    check_choice,
    decoder,
    encoder,
    residual_block,
)


def edge_inputs(gray, edge, mask):
    """Stacks the edge generator's input.

    Args:
        gray: `(B, H, W, 1)`, [0, 1], unmasked.
        edge: `(B, H, W, 1)`, {0, 1}; values inside the hole are ignored.
        mask: `(B, H, W, 1)`, 1 = hole.

    Returns:
        `(B, H, W, 3)`: grey with a white hole, edges outside the hole, mask.

    Reference:
        EdgeConnect, section 3.1.
    """
    return ops.concatenate([mask_image(gray, mask), edge * (1 - mask), mask], axis=-1)


def inpaint_inputs(image, edge, mask, mask_channel: bool = False):
    """Stacks the inpaint generator's input.

    Args:
        image: `(B, H, W, 3)`, [0, 1], unmasked.
        edge: `(B, H, W, 1)`, [0, 1]: the composite edge map.
        mask: `(B, H, W, 1)`, 1 = hole.
        mask_channel: append the mask (see `takes_mask`).

    Returns:
        `(B, H, W, 4)` or `(B, H, W, 5)`: image with a white hole, edges, and the mask
        if asked for.

    Reference:
        EdgeConnect, section 3.2.
    """
    parts = [mask_image(image, mask), edge]
    return ops.concatenate([*parts, mask] if mask_channel else parts, axis=-1)


def takes_mask(inpaint_generator: keras.Model) -> bool:
    """Returns whether the generator was built with `mask_channel=True`."""
    return inpaint_generator.input_shape[-1] == 5


HoleFill = Literal["white", "push_pull"]
EdgeNorm = Literal["spectral", "none"]


def edge_generator(
    filters: int = 64,
    residual_blocks: int = 8,
    hole_fill: HoleFill = "white",
    initializer: Initializer = "normal",
    edge_norm: EdgeNorm = "spectral",
    name: str = "edge_generator",
) -> keras.Model:
    """Builds the network that predicts the edges inside the hole.

    Args:
        filters: channels of the first convolution; the middle has four times as many.
        residual_blocks: number of residual blocks.
        hole_fill: "white" or "push_pull"; how the hole of the grey photo is filled.
        initializer: "normal" (N(0, 0.02)) or "he".
        edge_norm: "spectral" (spectral and instance norm, as published) or "none"
            (neither, and biases everywhere).
        name: name of the model.

    Returns:
        A model from `(B, H, W, 3)` (masked grey, masked edge, mask) to `(B, H, W, 1)`
        edge probabilities.

    Raises:
        ValueError: if a size is not positive or an option unknown.

    Example:
        `edge_generator(filters=16)(edge_inputs(gray, edge, mask))`
    """
    options = dict(
        filters=filters,
        residual_blocks=residual_blocks,
        hole_fill=hole_fill,
        initializer=initializer,
        edge_norm=edge_norm,
    )
    _check(options)
    check_choice("edge_norm", edge_norm, get_args(EdgeNorm))
    # Each `Style` takes a seed from Keras: with one of them less, the weights that a
    # seed gives would be others.
    style = Style(False, "none", initializer)
    if edge_norm == "spectral":
        style = Style(True, "instance", initializer)

    # === Layers ===
    inputs = keras.Input((None, None, 3), name="gray_edge_mask")
    x = inputs
    if hole_fill == "push_pull":
        gray, edge, mask = inputs[..., :1], inputs[..., 1:2], inputs[..., 2:]
        gray = PushPullFill(dtype="float32", name="push_pull")(gray, mask)
        x = layers.Concatenate(name="filled")([gray, edge, mask])
    x = _trunk(x, filters, residual_blocks, 1, style)
    outputs = layers.Activation("sigmoid", dtype="float32", name="edge")(x)

    # === Model ===
    model = keras.Model(inputs, outputs, name=name)

    # === Config ===
    model.architecture = options
    return model


def inpaint_generator(
    filters: int = 64,
    residual_blocks: int = 8,
    hole_fill: HoleFill = "white",
    mask_channel: bool = False,
    normalization: Normalization = "instance",
    initializer: Initializer = "normal",
    name: str = "inpaint_generator",
) -> keras.Model:
    """Builds the network that fills the hole along given edges.

    Args:
        filters: channels of the first convolution; the middle has four times as many.
        residual_blocks: number of residual blocks.
        hole_fill: "white" or "push_pull"; the latter needs `mask_channel`.
        mask_channel: whether the mask is a fifth input channel.
        normalization: "instance" or "none".
        initializer: "normal" (N(0, 0.02)) or "he".
        name: name of the model.

    Returns:
        A model from `(B, H, W, 4)` (masked image, composite edge), or `(B, H, W, 5)`
        with the mask last, to `(B, H, W, 3)` RGB in [0, 1].

    Raises:
        ValueError: if a size is not positive, an option unknown, or "push_pull" comes
            without the mask channel.

    Example:
        `inpaint_generator(filters=16)(inpaint_inputs(image, edge, mask))`
    """
    options = dict(
        filters=filters,
        residual_blocks=residual_blocks,
        hole_fill=hole_fill,
        mask_channel=mask_channel,
        normalization=normalization,
        initializer=initializer,
    )
    _check(options)
    if hole_fill == "push_pull" and not mask_channel:
        raise ValueError('`hole_fill="push_pull"` needs `mask_channel=True`')
    style = Style(False, normalization, initializer)

    # === Layers ===
    inputs = keras.Input((None, None, 5 if mask_channel else 4), name="image_edge")
    x = inputs
    if hole_fill == "push_pull":
        image, rest = inputs[..., :3], inputs[..., 3:]
        fill = PushPullFill(dtype="float32", name="push_pull")
        image = fill(image, inputs[..., 4:])
        x = layers.Concatenate(name="filled")([image, rest])
    x = _trunk(x, filters, residual_blocks, 3, style)
    x = layers.Activation("tanh", dtype="float32", name="tanh")(x)
    outputs = layers.Rescaling(0.5, 0.5, dtype="float32", name="image")(x)

    # === Model ===
    model = keras.Model(inputs, outputs, name=name)

    # === Config ===
    model.architecture = options
    return model


def _trunk(x, filters, residual_blocks, channels, style):
    x = encoder(x, filters, style)
    for index in range(residual_blocks):
        x = residual_block(x, 4 * filters, style, f"middle_{index + 1}")
    return decoder(x, filters, channels, style)


def _check(options):
    if options["filters"] < 1:
        raise ValueError(f"`filters` must be 1 or more, got {options['filters']}")
    if options["residual_blocks"] < 0:
        raise ValueError(
            f"`residual_blocks` must not be negative, got {options['residual_blocks']}"
        )
    check_choice("hole_fill", options["hole_fill"], get_args(HoleFill))
