"""Fills holes smoothly from their surroundings before a network sees them."""

import keras
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
            values, weight = pyramid[-1]
            values = ops.average_pool(values, 2, padding="same")
            weight = ops.average_pool(weight, 2, padding="same")
            known = ops.maximum(weight, 1e-6)
            # A pixel with anything known below it counts as known from here on.
            pyramid.append((values / known, ops.ceil(weight)))
        values, weight = pyramid[-1]
        total = ops.sum(weight, (1, 2), keepdims=True)
        mean = ops.sum(values, (1, 2), keepdims=True) / ops.maximum(total, 1)
        filled = values + (1 - weight) * mean
        for values, weight in reversed(pyramid[:-1]):
            height, width = ops.shape(values)[1:3]
            filled = values + (1 - weight) * self.doubled(filled)[:, :height, :width]
        return filled

    def doubled(self, inputs):
        """Doubles height and width bilinearly, the border repeated beyond itself."""
        return _doubled(_doubled(inputs, axis=1), axis=2)

    def compute_output_shape(self, image_shape, mask_shape=None):
        """Returns the shape of the image."""
        return image_shape

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "levels": self.levels}


def _doubled(x, axis):
    """Doubles an axis bilinearly.

    `keras.ops.image.resize` (3.15) does not take a size unknown at trace time.
    """
    length = ops.shape(x)[axis]
    first, last = ops.take(x, [0], axis), ops.take(x, [length - 1], axis)
    inner = [slice(None)] * 4
    inner[axis] = slice(None, -1)
    before = ops.concatenate([first, x[tuple(inner)]], axis)
    inner[axis] = slice(1, None)
    after = ops.concatenate([x[tuple(inner)], last], axis)
    near = 0.75 * x
    pair = ops.stack([near + 0.25 * before, near + 0.25 * after], axis + 1)
    shape = list(ops.shape(x))
    shape[axis] = 2 * length
    return ops.reshape(pair, shape)
