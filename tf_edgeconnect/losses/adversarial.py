"""The three adversarial losses, each a pair: the discriminator's and the generator's.

All take raw logits, of any shape; `lsgan` applies the sigmoid inside, as published. A
discriminator loss is the mean of its real and its fake half. `weights`, which broadcast
to the logits, let some count more than others; a mean of 1 keeps the scale.

Reference:
    EdgeConnect, sections 3.1 and 3.2. Goodfellow et al. 2014 (non-saturating); Mao et
    al. 2016, arXiv:1611.04076 (least squares); Lim and Ye 2017, arXiv:1705.02894
    (hinge).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from tf_edgeconnect.stages import AdversarialKind


class AdversarialLoss(NamedTuple):
    """The losses of a kind, from its terms as functions of a logit.

    Attributes:
        on_real: discriminator, real input.
        on_fake: discriminator, fake input.
        on_fooling: generator, fake input.
    """

    on_real: Callable
    on_fake: Callable
    on_fooling: Callable

    def discriminator(self, real_logits, fake_logits, weights=1.0):
        """Returns the discriminator's loss, a scalar."""
        real = ops.mean(weights * self.on_real(real_logits))
        return (real + ops.mean(weights * self.on_fake(fake_logits))) / 2

    def generator(self, fake_logits, weights=1.0):
        """Returns the generator's loss, a scalar."""
        return ops.mean(weights * self.on_fooling(fake_logits))


ADVERSARIAL_LOSSES: dict[str, AdversarialLoss] = {
    # Binary cross-entropy with real labelled 1 and fake 0, and fake labelled 1.
    "nonsaturating": AdversarialLoss(
        lambda x: ops.softplus(-x), ops.softplus, lambda x: ops.softplus(-x)
    ),
    "lsgan": AdversarialLoss(
        lambda x: ops.square(ops.sigmoid(x) - 1),
        lambda x: ops.square(ops.sigmoid(x)),
        lambda x: ops.square(ops.sigmoid(x) - 1),
    ),
    "hinge": AdversarialLoss(
        lambda x: ops.relu(1 - x), lambda x: ops.relu(1 + x), ops.negative
    ),
}


def adversarial_loss(kind: AdversarialKind) -> AdversarialLoss:
    """Returns the two losses of a kind.

    Raises:
        ValueError: if the kind is unknown.
    """
    if kind not in ADVERSARIAL_LOSSES:
        raise ValueError(
            f"adversarial loss must be one of {list(ADVERSARIAL_LOSSES)}, got {kind!r}"
        )
    return ADVERSARIAL_LOSSES[kind]


def compare(kind: AdversarialKind, discriminator, real, fake, training, weights=1.0):
    """Runs a discriminator on real and fake input in one pass.

    Args:
        kind: of the loss.
        discriminator: from `models.discriminators`.
        real: `(B, H, W, C)`.
        fake: `(B, H, W, C)`.
        training: passed to the discriminator.
        weights: of the logits.

    Returns:
        The generator's and the discriminator's loss, and the discriminator's features
        of the real and of the fake input, a list each.
    """
    logits, features = discriminator(ops.concatenate([real, fake]), training=training)
    real_logits, fake_logits = ops.split(logits, 2)
    halves: Any = zip(*(ops.split(feature, 2) for feature in features), strict=True)
    loss = adversarial_loss(kind)
    return (
        loss.generator(fake_logits, weights),
        loss.discriminator(real_logits, fake_logits, weights),
        *halves,
    )
