"""The losses of predicted edges, except the adversarial one."""

from keras import ops

# F1 is highest with a threshold of half the F1 that can be reached: about 1/4, as that
# F1 is about 1/2. With threefold weight for edges the network predicts 1/2 for 1/4.
EDGE_WEIGHT = 3.0
_EPSILON = 1e-6  # keeps the logarithm finite


def edge_cross_entropy_loss(target, predicted, mask, mask_mean):
    """Mean cross-entropy over the pixels of the hole, with edges weighted threefold.

    Args:
        target: `(B, H, W, 1)`, {0, 1}: the real edges.
        predicted: `(B, H, W, 1)`, [0, 1]: raw, not composited.
        mask: `(B, H, W, 1)`, 1 = hole.
        mask_mean: as `reconstruction_loss` takes it.

    Returns:
        A float32 scalar.

    Reference:
        Lipton et al. 2014, arXiv:1402.1892 (the threshold that is best for F1).
    """
    predicted = ops.clip(ops.cast(predicted, "float32"), _EPSILON, 1 - _EPSILON)
    edges = EDGE_WEIGHT * target * ops.log(predicted)
    others = (1 - target) * ops.log(1 - predicted)
    pixels = ops.cast(ops.size(target[0]), "float32")
    share = ops.maximum(mask_mean, 1 / pixels)
    return -ops.mean(mask * (edges + others)) / share


def feature_matching_loss(target_features, predicted_features):
    """Sum of the mean absolute differences over all maps.

    Args:
        target_features: list of tensors: the discriminator's maps of the real input.
        predicted_features: list of the same shapes: its maps of the prediction.

    Returns:
        A scalar, summed in float32.

    Raises:
        ValueError: if the lists differ in length.

    Reference:
        EdgeConnect, section 3.1 (there normalized per layer, as the mean does here).
    """
    return sum(
        ops.mean(ops.abs(ops.cast(target - predicted, "float32")))
        for target, predicted in zip(target_features, predicted_features, strict=True)
    )
