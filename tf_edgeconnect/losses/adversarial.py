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
from typing import Literal, NamedTuple

from keras import ops

AdversarialKind = Literal["nonsaturating", "lsgan", "hinge"]


def nonsaturating_discriminator_loss(real_logits, fake_logits, weights=1.0):
    """Binary cross-entropy with real labelled 1 and fake 0; a scalar."""
    real = ops.mean(weights * ops.softplus(-real_logits))
    return (real + ops.mean(weights * ops.softplus(fake_logits))) / 2


def nonsaturating_generator_loss(fake_logits, weights=1.0):
    """Binary cross-entropy of the fake against the label 1; a scalar."""
    return ops.mean(weights * ops.softplus(-fake_logits))


def lsgan_discriminator_loss(real_logits, fake_logits, weights=1.0):
    """Squared distance of `sigmoid(logits)` to 1 (real) and 0 (fake); a scalar."""
    real = ops.mean(weights * ops.square(ops.sigmoid(real_logits) - 1))
    fake = ops.mean(weights * ops.square(ops.sigmoid(fake_logits)))
    return (real + fake) / 2


def lsgan_generator_loss(fake_logits, weights=1.0):
    """Squared distance of `sigmoid(logits)` of the fake to 1; a scalar."""
    return ops.mean(weights * ops.square(ops.sigmoid(fake_logits) - 1))


def hinge_discriminator_loss(real_logits, fake_logits, weights=1.0):
    """Hinge with margin 1 around raw logits; a scalar."""
    real = ops.mean(weights * ops.relu(1 - real_logits))
    return (real + ops.mean(weights * ops.relu(1 + fake_logits))) / 2


def hinge_generator_loss(fake_logits, weights=1.0):
    """Minus the mean logit of the fake; a scalar."""
    return -ops.mean(weights * fake_logits)


class AdversarialLoss(NamedTuple):
    """The two losses of a kind, functions as above."""

    discriminator: Callable
    generator: Callable


ADVERSARIAL_LOSSES: dict[str, AdversarialLoss] = {
    "nonsaturating": AdversarialLoss(
        nonsaturating_discriminator_loss, nonsaturating_generator_loss
    ),
    "lsgan": AdversarialLoss(lsgan_discriminator_loss, lsgan_generator_loss),
    "hinge": AdversarialLoss(hinge_discriminator_loss, hinge_generator_loss),
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
