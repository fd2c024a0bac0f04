"""The two generators: one predicts the edges in the hole, one fills the hole.

Both take one tensor (see `edge_inputs` and `inpaint_inputs`) whose height and width are
multiples of 4, at least 12, and return a map of the same size in [0, 1].

Each exists in two designs: as published, and quick, with which a narrow network learns
several times faster (`DESIGNS`; docs/designs.md says why).

Reference:
    Nazeri et al. 2019, arXiv:1901.00212, sections 3.1 and 3.2, appendix A.
"""

from typing import Any

import keras
from keras import layers, ops

from tf_edgeconnect.layers import PushPullFill
from tf_edgeconnect.masking import mask_image
from tf_edgeconnect.models.blocks import Style, decoder, encoder, residual_block
from tf_edgeconnect.stages import Design

# What the designs differ in, by the keys of `model.json`.
DESIGNS: dict[Design, dict[str, Any]] = {
    "published": dict(
        hole_fill="white",  # what a generator sees in the hole
        mask_channel=False,  # whether the inpaint generator sees the mask
        edge_norm="spectral",  # in the edge generator: spectral and instance norm
        normalization="instance",  # in the inpaint generator
        initializer="normal",  # N(0, 0.02)
    ),
    "quick": dict(
        hole_fill="push_pull",
        mask_channel=True,
        edge_norm="none",  # without instance norm no signal passes spectral norm
        normalization="none",
        initializer="he",
    ),
}
OPTIONS = {
    "edge_generator": ("hole_fill", "edge_norm", "initializer"),
    "inpaint_generator": ("hole_fill", "mask_channel", "normalization", "initializer"),
}


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


def edge_generator(
    filters: int = 64,
    residual_blocks: int = 8,
    design: Design = "published",
    name: str = "edge_generator",
    **options: Any,
) -> keras.Model:
    """Builds the network that predicts the edges inside the hole.

    Args:
        filters: channels of the first convolution; the middle has four times as many.
        residual_blocks: number of residual blocks.
        design: "published" or "quick".
        name: name of the model.
        **options: keys of `DESIGNS` that differ from the design's, as a `model.json`
            may hold them.

    Returns:
        A model from `(B, H, W, 3)` (masked grey, masked edge, mask) to `(B, H, W, 1)`
        edge probabilities.

    Raises:
        ValueError: if a size is not positive, or the design or an option unknown.

    Example:
        `edge_generator(filters=16)(edge_inputs(gray, edge, mask))`
    """
    chosen = _options("edge_generator", design, options)
    normalized = chosen["edge_norm"] == "spectral"
    style = Style(normalized, normalized, chosen["initializer"])

    # === Layers ===
    inputs = keras.Input((None, None, 3), name="gray_edge_mask")
    x = _fill_hole(inputs, 1) if chosen["hole_fill"] == "push_pull" else inputs
    x = _trunk(x, filters, residual_blocks, 1, style)
    outputs = layers.Activation("sigmoid", dtype="float32", name="edge")(x)

    # === Model ===
    model = keras.Model(inputs, outputs, name=name)

    # === Config ===
    model.architecture = dict(filters=filters, residual_blocks=residual_blocks) | chosen
    return model


def inpaint_generator(
    filters: int = 64,
    residual_blocks: int = 8,
    design: Design = "published",
    name: str = "inpaint_generator",
    **options: Any,
) -> keras.Model:
    """Builds the network that fills the hole along given edges.

    Args:
        filters: channels of the first convolution; the middle has four times as many.
        residual_blocks: number of residual blocks.
        design: "published" or "quick".
        name: name of the model.
        **options: keys of `DESIGNS` that differ from the design's, as a `model.json`
            may hold them.

    Returns:
        A model from `(B, H, W, 4)` (masked image, composite edge), or in the quick
        design from `(B, H, W, 5)` with the mask last, to `(B, H, W, 3)` RGB in [0, 1].

    Raises:
        ValueError: if a size is not positive, the design or an option unknown, or
            `hole_fill="push_pull"` comes without `mask_channel=True`.

    Example:
        `inpaint_generator(filters=16)(inpaint_inputs(image, edge, mask))`
    """
    chosen = _options("inpaint_generator", design, options)
    filled, mask_channel = chosen["hole_fill"] == "push_pull", chosen["mask_channel"]
    if filled and not mask_channel:
        raise ValueError('`hole_fill="push_pull"` needs `mask_channel=True`')
    style = Style(False, chosen["normalization"] == "instance", chosen["initializer"])

    # === Layers ===
    inputs = keras.Input((None, None, 5 if mask_channel else 4), name="image_edge")
    x = _fill_hole(inputs, 3) if filled else inputs
    x = _trunk(x, filters, residual_blocks, 3, style)
    x = layers.Activation("tanh", dtype="float32", name="tanh")(x)
    outputs = layers.Rescaling(0.5, 0.5, dtype="float32", name="image")(x)

    # === Model ===
    model = keras.Model(inputs, outputs, name=name)

    # === Config ===
    model.architecture = dict(filters=filters, residual_blocks=residual_blocks) | chosen
    return model


def _fill_hole(inputs, channels):
    """Fills the hole of the first `channels`; the mask is the last one."""
    fill = PushPullFill(dtype="float32", name="push_pull")
    picture = fill(inputs[..., :channels], inputs[..., -1:])
    return layers.Concatenate(name="filled")([picture, inputs[..., channels:]])


def _trunk(x, filters, residual_blocks, channels, style):
    if filters < 1:
        raise ValueError(f"`filters` must be 1 or more, got {filters}")
    if residual_blocks < 0:
        raise ValueError(
            f"`residual_blocks` must not be negative, got {residual_blocks}"
        )
    x = encoder(x, filters, style)
    for index in range(residual_blocks):
        x = residual_block(x, 4 * filters, style, f"middle_{index + 1}")
    return decoder(x, filters, channels, style)


def _options(network, design, options):
    """Returns the options of a network: the design's, or those given in their place."""
    if design not in DESIGNS:
        raise ValueError(f"`design` must be one of {[*DESIGNS]}, got {design!r}")
    chosen = {key: DESIGNS[design][key] for key in OPTIONS[network]} | options
    for key, value in chosen.items():
        if key not in OPTIONS[network]:
            raise TypeError(f"{network}() takes no argument {key!r}")
        choices = [each[key] for each in DESIGNS.values()]
        if value not in choices:
            raise ValueError(f"`{key}` must be one of {choices}, got {value!r}")
    return chosen
