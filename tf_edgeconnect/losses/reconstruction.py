"""The L1 loss of the inpaint stage."""

from keras import ops


def reconstruction_loss(target, predicted, mask_mean):
    """Mean absolute difference over the whole image, divided by the hole's share.

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
