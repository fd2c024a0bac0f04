"""Layers that Keras lacks: padding, hole filling, instance and spectral norm."""

import math

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("tf_edgeconnect")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads height and width by reflection, without repeating the border pixel.

    Args:
        padding: pixels added on each of the four sides; both sides of the input must be
            larger than this.

    Example:
        `ReflectionPadding2D(3)` turns `(B, 256, 256, C)` into `(B, 262, 262, C)`.
    """

    def __init__(self, padding: int, **kwargs):
        super().__init__(**kwargs)
        if padding < 1:
            raise ValueError(f"`padding` must be 1 or more, got {padding}")
        self.padding = padding

    def call(self, inputs):
        """Returns `(B, H + 2 * padding, W + 2 * padding, C)`."""
        sides = (self.padding, self.padding)
        return ops.pad(inputs, ((0, 0), sides, sides, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        """Returns the padded shape; unknown sizes stay unknown."""
        batch, height, width, channels = input_shape
        grown = [s if s is None else s + 2 * self.padding for s in (height, width)]
        return (batch, *grown, channels)

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable("tf_edgeconnect")
class InstanceNormalization(keras.layers.Layer):
    """Gives each channel of each image mean 0 and variance 1; no weights.

    Equal to `GroupNormalization(groups=-1, center=False, scale=False)`, which sums all
    pixels one by one in float32 and loses precision on large maps; this layer sums over
    columns first, then over rows.

    Args:
        epsilon: added to the variance.

    Reference:
        Ulyanov et al. 2016, arXiv:1607.08022.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """Normalizes `(B, H, W, C)`, always in float32."""
        x = ops.cast(inputs, "float32")
        x = x - _mean(x)
        x = x * ops.rsqrt(_mean(ops.square(x)) + self.epsilon)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the input."""
        return input_shape

    def get_config(self):
        """Returns the arguments, for saving."""
        return {**super().get_config(), "epsilon": self.epsilon}


def _mean(x):
    return ops.mean(ops.mean(x, axis=2, keepdims=True), axis=1, keepdims=True)


@keras.saving.register_keras_serializable("tf_edgeconnect")
class PushPullFill(keras.layers.Layer):
    """Fills the hole by smooth interpolation of the known pixels around it.

    The *push* halves the image repeatedly; each coarse pixel is the mean of the known
    pixels that it covers. The *pull* goes back and fills unknown pixels bilinearly from
    the next coarser level. Known pixels do not change.

    Args:
        levels: number of halvings; the middle of a hole wider than `2 ** levels` pixels
            gets the mean of all known pixels.

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
            image: `(B, H, W, C)`, [0, 1]; values inside the hole are ignored.
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


_EPSILON = 1e-12  # guards the norm of a vector, as in PyTorch


def _unit(vector):
    return vector / ops.maximum(ops.norm(vector), _EPSILON)


class _UnitNormal(keras.initializers.RandomNormal):
    """Standard normal vector scaled to length one."""

    def __init__(self, seed=None):
        super().__init__(0.0, 1.0, seed=seed)

    def __call__(self, shape, dtype=None):
        return _unit(super().__call__(shape, dtype))


class _SpectralNorm(keras.layers.Layer):
    """Mixin of the two layers below; `_output_axis` is the kernel's output axis."""

    _output_axis: int

    def build(self, input_shape):
        super().build(input_shape)
        outputs = self.kernel.shape[self._output_axis]
        others = math.prod(self.kernel.shape) // outputs
        for name, size in (("u", outputs), ("v", others)):
            vector = self.add_weight(
                name=name,
                shape=(size,),
                initializer=_UnitNormal(),
                dtype="float32",
                autocast=False,
                trainable=False,
                aggregation="only_first_replica",  # equal on all replicas
            )
            setattr(self, name, vector)

    def normalized_kernel(self, training: bool = False):
        """Returns `kernel / sigma`; in training refines `u` and `v` once before.

        Args:
            training: Python bool; True runs one power iteration and stores it.

        Returns:
            The kernel that the convolution uses, shape of `kernel`.

        Reference:
            Miyato et al. 2018, arXiv:1802.05957, algorithm 1.
        """
        kernel = self.kernel
        matrix = ops.moveaxis(ops.cast(kernel, "float32"), self._output_axis, 0)
        matrix = ops.reshape(matrix, (self.u.shape[0], self.v.shape[0]))
        u, v = ops.convert_to_tensor(self.u), ops.convert_to_tensor(self.v)
        if training:
            fixed = ops.stop_gradient(matrix)
            v = _unit(ops.matmul(u, fixed))
            u = _unit(ops.matmul(fixed, v))
            self.u.assign(u)
            self.v.assign(v)
        sigma = ops.sum(u * ops.matmul(matrix, v))
        return kernel / ops.cast(sigma, kernel.dtype)

    def _finish(self, outputs):
        if self.use_bias:
            outputs = outputs + ops.reshape(self.bias, (1, 1, 1, self.filters))
        return outputs if self.activation is None else self.activation(outputs)

    def _stored(self):
        variables = [self.kernel, self.u, self.v]
        return variables + [self.bias] if self.use_bias else variables

    def save_own_variables(self, store):
        # Conv2D's own saves kernel and bias alone, and would lose u and v.
        for index, variable in enumerate(self._stored()):
            store[str(index)] = variable

    def load_own_variables(self, store):
        for index, variable in enumerate(self._stored()):
            variable.assign(store[str(index)])


@keras.saving.register_keras_serializable("tf_edgeconnect")
class SpectralConv2D(_SpectralNorm, keras.layers.Conv2D):
    """`keras.layers.Conv2D` whose kernel is divided by its largest singular value.

    Takes the arguments of `Conv2D` (channels last). Weights: `kernel`, `u`
    `(filters,)`, `v` `(kh * kw * in,)` in the order of the kernel's axes, and `bias`.

    Reference:
        Miyato et al. 2018, arXiv:1802.05957; EdgeConnect, section 3.3.
    """

    _output_axis = 3

    def call(self, inputs, training=False):
        """Convolves `(B, H, W, C)` with the normalized kernel."""
        kernel = self.normalized_kernel(training)
        return self._finish(self.convolution_op(inputs, kernel))


@keras.saving.register_keras_serializable("tf_edgeconnect")
class SpectralConv2DTranspose(_SpectralNorm, keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with a spectrally normalized kernel.

    Takes the arguments of `Conv2DTranspose` (channels last). Its kernel is
    `(kh, kw, out, in)`: the norm is that of the matrix with one row per output channel.

    Reference:
        Miyato et al. 2018, arXiv:1802.05957; EdgeConnect, section 3.3.
    """

    _output_axis = 2

    def call(self, inputs, training=False):
        """Convolves `(B, H, W, C)` transposed with the normalized kernel."""
        outputs = ops.conv_transpose(
            inputs,
            self.normalized_kernel(training),
            strides=list(self.strides),
            padding=self.padding,
            output_padding=self.output_padding,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )
        return self._finish(outputs)
