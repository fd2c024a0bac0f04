"""The 70x70 patch discriminator of both stages."""

import keras
from keras import layers, ops

from tf_edgeconnect.layers import SpectralConv2D
from tf_edgeconnect.models.blocks import kernel_initializer


def patch_discriminator(
    channels: int, filters: int = 64, name: str = "discriminator"
) -> keras.Model:
    """Builds the discriminator: five 4x4 convolutions with strides 2, 2, 2, 1, 1.

    Every convolution has padding 1, spectral norm and no bias, with LeakyReLU 0.2
    between. A logit sees 70x70 pixels.

    Args:
        channels: of the input: 2 (grey, edge) for the edge stage, 3 (RGB) for the
            inpaint stage.
        filters: of the first convolution; then twice, four and eight times as many.
        name: name of the model.

    Returns:
        A model from `(B, H, W, channels)`, H and W at least 24, to a pair: logits
        `(B, h, w, 1)`, and the list of five feature maps for feature matching: the
        activations of layers 1 to 4 and the raw fifth output.

    Raises:
        ValueError: if `channels` or `filters` is below 1.

    Reference:
        Isola et al. 2017, arXiv:1611.07004; EdgeConnect, section 3 and appendix A.
    """
    if channels < 1 or filters < 1:
        raise ValueError(
            f"`channels` and `filters` must be 1 or more, got {channels} and {filters}"
        )

    # === Layers ===
    inputs = keras.Input((None, None, channels), name="input")
    x, features = inputs, []
    widths_and_strides = (
        (filters, 2), (2 * filters, 2), (4 * filters, 2), (8 * filters, 1), (1, 1)
    )  # fmt: skip
    for index, (width, stride) in enumerate(widths_and_strides, start=1):
        x = layers.ZeroPadding2D(1, name=f"conv_{index}_pad")(x)
        x = SpectralConv2D(
            width,
            4,
            strides=stride,
            use_bias=False,
            kernel_initializer=kernel_initializer("normal"),
            name=f"conv_{index}",
        )(x)
        if index < len(widths_and_strides):
            x = layers.LeakyReLU(0.2, name=f"conv_{index}_relu")(x)
        features.append(x)
    logits = layers.Activation("linear", dtype="float32", name="logits")(x)

    # === Model ===
    model = keras.Model(inputs, (logits, features), name=name)

    # === Config ===
    model.architecture = dict(channels=channels, filters=filters)
    return model


def patch_shares(mask):
    """Computes the share of hole in the 70x70 pixels that each logit sees.

    Args:
        mask: `(B, H, W, 1)`, 1 = hole; pixels beyond its border count as known.

    Returns:
        `(B, h, w, 1)`, [0, 1], of the shape of `patch_discriminator`'s logits.
    """
    # 23 pixels: the paddings of five layers, at strides 1, 2, 4, 8 and 8.
    padded = ops.pad(mask, ((0, 0), (23, 23), (23, 23), (0, 0)))
    return ops.average_pool(padded, 70, strides=8, padding="valid")
