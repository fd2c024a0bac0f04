import math

import numpy as np
import pytest

from tf_edgeconnect.losses.adversarial import adversarial_loss

REAL = np.array([2.0, 0.0], np.float32)
FAKE = np.array([0.0, -1.0], np.float32)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def mean(*values):
    return sum(values) / len(values)


# Derived from the formulas of each paper, value by value.
EXPECTED = {
    "nonsaturating": (
        mean(
            mean(-math.log(sigmoid(2)), -math.log(0.5)),
            mean(-math.log(0.5), -math.log(1 - sigmoid(-1))),
        ),
        mean(-math.log(0.5), -math.log(sigmoid(-1))),
    ),
    "lsgan": (
        mean(mean((sigmoid(2) - 1) ** 2, 0.25), mean(0.25, sigmoid(-1) ** 2)),
        mean(0.25, (sigmoid(-1) - 1) ** 2),
    ),
    # real: max(0, 1-2), max(0, 1-0); fake: max(0, 1+0), max(0, 1-1)
    "hinge": (mean(mean(0, 1), mean(1, 0)), -mean(0, -1)),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_losses_equal_their_formulas(kind):
    loss = adversarial_loss(kind)
    discriminator, generator = EXPECTED[kind]
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(discriminator)
    assert float(loss.generator(FAKE)) == pytest.approx(generator)


@pytest.mark.parametrize("kind", EXPECTED)
def test_logits_without_weight_count_nothing(kind):
    loss, weights = adversarial_loss(kind), np.array([2.0, 0.0], np.float32)
    alone = loss.discriminator(REAL[:1], FAKE[:1]), loss.generator(FAKE[:1])
    weighed = loss.discriminator(REAL, FAKE, weights), loss.generator(FAKE, weights)
    assert np.allclose(weighed, alone)


def test_huge_logits_stay_finite():
    huge = np.array([1e4, -1e4], np.float32)
    for kind in EXPECTED:
        loss = adversarial_loss(kind)
        assert np.isfinite(float(loss.discriminator(huge, huge)))
        assert np.isfinite(float(loss.generator(huge)))


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="must be one of .* got 'wgan'"):
        adversarial_loss("wgan")
