"""The mask convention of the project and the two operations based on it.

A mask is float32 of shape `(B, H, W, 1)` (or any shape that broadcasts against the
image) with **1 = hole, 0 = known**. Images are float32 NHWC in [0, 1]. In files white
is hole, thresholded at 50 % grey: `> 0` would widen the hole by the noise of a JPEG.

Both functions are plain arithmetic, so they take NumPy arrays, TensorFlow tensors and
Keras tensors alike.
"""

from typing import Any, TypeVar

Array = TypeVar("Array", bound=Any)

HALF_GRAY = 127.5  # of 255: a mask file is a hole where it is lighter


def mask_image(image: Array, mask: Array) -> Array:
    """Paints the hole white, which is how a network sees a photo with a hole.

    Args:
        image: `(..., H, W, C)`, [0, 1].
        mask: `(..., H, W, 1)`, 1 = hole.

    Returns:
        `(..., H, W, C)`: the image where it is known, 1 inside the hole.
    """
    return image * (1 - mask) + mask


def composite(predicted: Array, known: Array, mask: Array) -> Array:
    """Takes the prediction inside the hole and the known values everywhere else.

    If the mask contains only 0 and 1, known values are bit-identical.

    Args:
        predicted: `(..., H, W, C)`, finite.
        known: `(..., H, W, C)`.
        mask: `(..., H, W, 1)`, 1 = hole.

    Returns:
        `(..., H, W, C)`.
    """
    return predicted * mask + known * (1 - mask)
