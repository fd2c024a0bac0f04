"""Convolutions with spectral normalization as PyTorch and the published networks do it.

`keras.layers.SpectralNormalization` overwrites the kernel at every training call, takes
no gradient through sigma and normalizes a transposed kernel along the wrong axis. Here
the stored kernel stays untouched, each training call refines the singular vectors `u`
and `v` by one power iteration, and the convolution uses `kernel / sigma` with the
gradient taken through `sigma = u^T W v`.
"""

import math

import keras
from keras import ops

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
    `(kh, kw, out, in)`: the norm is that of the matrix with one row an output channel.

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
