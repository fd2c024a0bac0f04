"""The three adversarial losses, each a pair: the discriminator's and the generator's.

All take raw logits, of any shape; `lsgan` applies the sigmoid inside, as published. A
discriminator loss is the mean of its real and its fake half.

Reference:
    EdgeConnect, sections 3.1 and 3.2. Goodfellow et al. 2014 (non-saturating); Mao et
    al. 2016, arXiv:1611.04076 (least squares); Lim and Ye 2017, arXiv:1705.02894
    (hinge).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from keras import ops

AdversarialKind = Literal["nonsaturating", "lsgan", "hinge"]


def nonsaturating_discriminator_loss(real_logits, fake_logits):
    """Binary cross-entropy with real labelled 1 and fake 0; a scalar."""
    real = ops.mean(ops.softplus(-real_logits))
    return (real + ops.mean(ops.softplus(fake_logits))) / 2


def nonsaturating_generator_loss(fake_logits):
    """Binary cross-entropy of the fake against the label 1; a scalar."""
    return ops.mean(ops.softplus(-fake_logits))


def lsgan_discriminator_loss(real_logits, fake_logits):
    """Squared distance of `sigmoid(logits)` to 1 (real) and 0 (fake); a scalar."""
    real = ops.mean(ops.square(ops.sigmoid(real_logits) - 1))
    return (real + ops.mean(ops.square(ops.sigmoid(fake_logits)))) / 2


def lsgan_generator_loss(fake_logits):
    """Squared distance of `sigmoid(logits)` of the fake to 1; a scalar."""
    return ops.mean(ops.square(ops.sigmoid(fake_logits) - 1))


def hinge_discriminator_loss(real_logits, fake_logits):
    """Hinge with margin 1 around raw logits; a scalar."""
    real = ops.mean(ops.relu(1 - real_logits))
    return (real + ops.mean(ops.relu(1 + fake_logits))) / 2


def hinge_generator_loss(fake_logits):
    """Minus the mean logit of the fake; a scalar."""
    return -ops.mean(fake_logits)


class AdversarialLoss(NamedTuple):
    """`discriminator(real_logits, fake_logits)` and `generator(fake_logits)`."""

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
    """Looks a pair up by its word.

    Raises:
        ValueError: if the word is unknown.
    """
    if kind not in ADVERSARIAL_LOSSES:
        raise ValueError(
            f"adversarial loss must be one of {list(ADVERSARIAL_LOSSES)}, got {kind!r}"
        )
    return ADVERSARIAL_LOSSES[kind]
