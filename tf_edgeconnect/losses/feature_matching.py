"""Feature matching between a discriminator's maps of real and predicted edges."""

from keras import ops


def feature_matching_loss(target_features, predicted_features):
    """Sums over the maps the mean absolute difference.

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
