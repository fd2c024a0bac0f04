"""The losses of a filled photo, except the adversarial one: L1, perceptual, style.

Perceptual and style loss compare photos by the activations of a VGG19: two dicts by
layer name, as `tf_edgeconnect.models.vgg` returns them. For the style loss the caller
feeds the VGG `image * mask` and `predicted * mask`: only the hole's texture is
compared.
"""

from keras import ops

PERCEPTUAL_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE_LAYERS = ("relu2_2", "relu3_4", "relu4_4", "relu5_2")


def reconstruction_loss(target, predicted, mask_mean):
    """Mean absolute difference over the whole image, divided by the hole's fraction.

    Args:
        target: `(B, H, W, 3)`, [0, 1].
        predicted: `(B, H, W, 3)`, [0, 1]: raw, not composited.
        mask_mean: scalar: the mean of the mask over the *global* batch, so that
            replicas add up to one; 0 (no hole) divides by the smallest hole instead.

    Returns:
        A scalar.

    Reference:
        EdgeConnect, section 3.2, the l1 loss "normalized by the mask size".
    """
    pixels = ops.cast(ops.size(target[0, ..., 0]), "float32")
    share = ops.maximum(mask_mean, 1 / pixels)
    return ops.mean(ops.abs(target - predicted)) / share


def gram_matrix(features):
    """Correlations between the channels of a feature map: F^T F / (H W C).

    Args:
        features: `(B, H, W, C)`, any float type.

    Returns:
        `(B, C, C)`, always float32: the sum over all pixels overflows float16.

    Reference:
        EdgeConnect, section 3.2.
    """
    features = ops.cast(features, "float32")
    batch, height, width, channels = ops.shape(features)
    # (B, H, W, C) -> (B, H W, C)
    features = ops.reshape(features, (batch, height * width, channels))
    gram = ops.matmul(ops.transpose(features, (0, 2, 1)), features)
    return gram / ops.cast(height * width * channels, "float32")


def perceptual_loss(target_features, predicted_features):
    """Sum of the mean absolute differences of activations over `PERCEPTUAL_LAYERS`.

    Args:
        target_features: dict of layer name to `(B, H, W, C)`; other layers are ignored.
        predicted_features: the same of the prediction.

    Returns:
        A float32 scalar.

    Raises:
        KeyError: a layer is missing.

    Reference:
        EdgeConnect, section 3.2.
    """
    return sum(
        _mean_difference(
            ops.cast(target_features[layer], "float32"),
            ops.cast(predicted_features[layer], "float32"),
        )
        for layer in PERCEPTUAL_LAYERS
    )


def style_loss(target_features, predicted_features):
    """Sum of the mean absolute differences of Gram matrices over `STYLE_LAYERS`.

    Args:
        target_features: dict of layer name to `(B, H, W, C)` of `image * mask`; other
            layers are ignored.
        predicted_features: the same of `predicted * mask`.

    Returns:
        A float32 scalar.

    Raises:
        KeyError: a layer is missing.

    Reference:
        EdgeConnect, section 3.2.
    """
    return sum(
        _mean_difference(
            gram_matrix(target_features[layer]), gram_matrix(predicted_features[layer])
        )
        for layer in STYLE_LAYERS
    )


def _mean_difference(target, predicted):
    return ops.mean(ops.abs(target - predicted))
