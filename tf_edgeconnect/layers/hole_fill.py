"""Fills holes smoothly from their surroundings before a network sees them."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("tf_edgeconnect")
class PushPullFill(keras.layers.Layer):
    """Replaces the hole by a smooth surface spanned by the known pixels around it.

    The *push* halves the picture again and again, each coarse pixel the mean of the
    known pixels below it; the *pull* goes back up and fills what is still unknown from
    the next coarser level, bilinearly. Known pixels come out unchanged.

    Args:
        levels: how often the picture is halved; a hole wider than `2 ** levels` pixels
            gets the mean of all known pixels in its middle.

    Reference:
        Gortler et al. 1996, "The Lumigraph", section 3.4 (push-pull interpolation).
    """

    def __init__(self, levels: int = 7, **kwargs):
        super().__init__(**kwargs)
        if levels < 1:
            raise ValueError(f"`levels` must be 1 or more, got {levels}")
        self.levels = levels

    def call(self, image, mask):
        """Fills the hole.

        Args:
            image: `(B, H, W, C)`, [0, 1]; its values inside the hole do not matter.
            mask: `(B, H, W, 1)`, 1 = hole.

        Returns:
            `(B, H, W, C)`.
        """
        weight = 1 - mask
        pyramid = [(image * weight, weight)]
        for _ in range(self.levels):
            both = ops.concatenate(pyramid[-1], -1)
            both = ops.average_pool(both, 2, padding="same")
            values, weight = both[..., :-1], both[..., -1:]
            # A pixel with anything known below it counts as known from here on.
            pyramid.append((values / ops.maximum(weight, 1e-6), ops.ceil(weight)))
        values, weight = pyramid[-1]
        total = ops.sum(weight, (1, 2), keepdims=True)
        mean = ops.sum(values, (1, 2), keepdims=True) / ops.maximum(total, 1)
        filled = values + (1 - weight) * mean
        for values, weight in reversed(pyramid[:-1]):
            height, width = ops.shape(values)[1:3]
            filled = values + (1 - weight) * self.doubled(filled)[:, :height, :width]
        return filled

    def doubled(self, inputs):
        """Doubles height and width bilinearly, the border repeated beyond itself.

        `keras.ops.image.resize` (3.15) does not take a size unknown at trace time.
        """
        height, width = ops.shape(inputs)[1:3]
        padded = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        tent = np.outer((1, 3, 3, 1), (1, 3, 3, 1)) / 16
        kernel = ops.cast(
            tent[..., None, None] * np.eye(inputs.shape[-1]), inputs.dtype
        )
        doubled = ops.conv_transpose(padded, kernel, 2, padding="same")
        return doubled[:, 2 : 2 + 2 * height, 2 : 2 + 2 * width]

    def compute_output_shape(self, image_shape, mask_shape=None):
        """Returns the shape of the image."""
        return image_shape

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "levels": self.levels}
