"""What each network is fed: the same functions in training, inference and export."""

import keras
from keras import ops

from tf_edgeconnect.masking import mask_image


def edge_inputs(gray, edge, mask):
    """Stacks the edge generator's input.

    Args:
        gray: `(B, H, W, 1)`, [0, 1], unmasked.
        edge: `(B, H, W, 1)`, {0, 1}; what it holds inside the hole does not matter.
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
        edge: `(B, H, W, 1)`, [0, 1]: the composite edge map, holes filled in.
        mask: `(B, H, W, 1)`, 1 = hole.
        mask_channel: append the mask (see `takes_mask`).

    Returns:
        `(B, H, W, 4)` or `(B, H, W, 5)`: image with a white hole, edges, maybe mask.

    Reference:
        EdgeConnect, section 3.2.
    """
    parts = [mask_image(image, mask), edge]
    return ops.concatenate([*parts, mask] if mask_channel else parts, axis=-1)


def takes_mask(inpaint_generator: keras.Model) -> bool:
    """Returns whether the generator was built with `mask_channel=True`."""
    return inpaint_generator.input_shape[-1] == 5
