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
        # The weight is one more channel throughout: 1 where a pixel is known, else 0.
        weight = 1 - mask
        pyramid = [ops.concatenate([image * weight, weight], -1)]
        for _ in range(self.levels):
            both = ops.average_pool(pyramid[-1], 2, padding="same")
            # A pixel with anything known below it counts as known from here on.
            pyramid.append(both / ops.maximum(both[..., -1:], 1e-6))
        both = pyramid.pop()
        total = ops.sum(both, (1, 2), keepdims=True)
        filled = both + (1 - both[..., -1:]) * (total / ops.maximum(total[..., -1:], 1))
        for both in reversed(pyramid):
            height, width = ops.shape(both)[1:3]
            filled = self.doubled(filled)[:, :height, :width]
            filled = both + (1 - both[..., -1:]) * filled
        return filled[..., :-1]

    def doubled(self, inputs):
        """Doubles height and width bilinearly, the border repeated beyond itself.

        `keras.ops.image.resize` (3.15) does not take a size unknown at trace time.
        """
        inputs = ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        halves = np.array([[1, 3, 0], [0, 3, 1]]) / 4  # which the finer pixels lie in
        channels = np.eye(inputs.shape[-1])
        kernel = np.einsum("ir,js,cd->rscijd", halves, halves, channels)
        kernel = ops.cast(kernel.reshape(3, 3, len(channels), -1), inputs.dtype)
        return ops.depth_to_space(ops.conv(inputs, kernel), 2)

    def compute_output_shape(self, image_shape, mask_shape=None):
        """Returns the shape of the image."""
        return image_shape

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "levels": self.levels}
