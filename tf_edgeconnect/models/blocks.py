"""The encoder, residual middle and decoder that both generators share.

Reference:
    EdgeConnect, section 3 and appendix A; architecture of Johnson et al. 2016.
"""

from dataclasses import dataclass

from keras import initializers, layers

from tf_edgeconnect.layers import (
    InstanceNormalization,
    ReflectionPadding2D,
    SpectralConv2D,
    SpectralConv2DTranspose,
)

# The last convolution of a residual branch under "he": a tenth of its deviation, so
# that a stack of unnormalized blocks starts near the identity.
_BRANCH_SCALE = 2.0 * 0.1**2


def kernel_initializer(kind: str, scale: float = 2.0):
    """Returns the initializer of kernels.

    Args:
        kind: "normal" for the published N(0, 0.02), or "he".
        scale: variance scale of "he" (2 suits a convolution before a ReLU).
    """
    if kind == "normal":
        return initializers.RandomNormal(0.0, 0.02)
    return initializers.VarianceScaling(scale, "fan_in", "truncated_normal")


@dataclass(frozen=True)
class Style:
    """What the generators differ in, layer by layer.

    Args:
        spectral: spectral norm on every convolution but the last, and no bias in the
            residual blocks.
        normalized: instance norm after every convolution but the last.
        initializer: "normal" or "he".
    """

    spectral: bool
    normalized: bool
    initializer: str

    def __post_init__(self):
        """Takes seeds for nothing, so that a seed gives the weights it always gave."""
        for _ in range(1 + self.spectral):
            kernel_initializer(self.initializer)

    def conv(self, filters, kernel, *, scale=2.0, **kwargs):
        """Returns a convolution with this style's norm and initializer."""
        layer = SpectralConv2D if self.spectral else layers.Conv2D
        start = kernel_initializer(self.initializer, scale)
        return layer(filters, kernel, kernel_initializer=start, **kwargs)

    def conv_transpose(self, filters, name):
        """Returns the k4 s2 p1 transposed convolution that doubles a map."""
        layer = SpectralConv2DTranspose if self.spectral else layers.Conv2DTranspose
        start = kernel_initializer(self.initializer)
        return layer(filters, 4, 2, padding="same", kernel_initializer=start, name=name)

    def normalize(self, x, name):
        """Applies instance norm without affine parameters, or nothing."""
        return InstanceNormalization(name=name)(x) if self.normalized else x

    def activate(self, x, name):
        """Applies the normalization and a ReLU."""
        x = self.normalize(x, f"{name}_norm")
        return layers.ReLU(name=f"{name}_relu")(x)


def encoder(x, filters: int, style: Style):
    """Two halvings: `(B, H, W, C)` to `(B, H/4, W/4, 4 * filters)`."""
    x = ReflectionPadding2D(3, name="encoder_1_pad")(x)
    x = style.conv(filters, 7, name="encoder_1")(x)
    x = style.activate(x, "encoder_1")
    for index, factor in ((2, 2), (3, 4)):
        # k4 s2 "same" equals padding 1 on even sizes.
        name = f"encoder_{index}"
        x = style.conv(factor * filters, 4, strides=2, padding="same", name=name)(x)
        x = style.activate(x, name)
    return x


def residual_block(x, filters: int, style: Style, name: str):
    """A dilated and a plain convolution added to their input; no ReLU after the sum."""
    branch = ReflectionPadding2D(2, name=f"{name}_1_pad")(x)
    branch = style.conv(
        filters, 3, dilation_rate=2, use_bias=not style.spectral, name=f"{name}_1"
    )(branch)
    branch = style.activate(branch, f"{name}_1")
    branch = ReflectionPadding2D(1, name=f"{name}_2_pad")(branch)
    branch = style.conv(
        filters, 3, scale=_BRANCH_SCALE, use_bias=not style.spectral, name=f"{name}_2"
    )(branch)
    branch = style.normalize(branch, f"{name}_2_norm")
    return layers.Add(name=f"{name}_add")([x, branch])


def decoder(x, filters: int, channels: int, style: Style):
    """Two doublings and the last convolution, which is never spectral.

    `(B, H/4, W/4, 4 * filters)` to `(B, H, W, channels)`, before the output function.
    """
    for index, factor in ((1, 2), (2, 1)):
        name = f"decoder_{index}"
        x = style.conv_transpose(factor * filters, name)(x)
        x = style.activate(x, name)
    x = ReflectionPadding2D(3, name="decoder_3_pad")(x)
    start = kernel_initializer(style.initializer, 1.0)
    return layers.Conv2D(channels, 7, kernel_initializer=start, name="decoder_3")(x)
