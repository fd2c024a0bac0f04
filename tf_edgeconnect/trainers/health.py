"""Detects training that goes wrong, from its logged metrics.

Enters: the metrics that a trainer logs, means over some steps. Leaves: one sentence per
condition, once, with what to do. Conditions apply to means over the last `WINDOW` steps
or more. docs/training_health.md has the runs behind the bounds.
"""

import math
from collections import deque
from collections.abc import Iterator

from tf_edgeconnect.stages import AdversarialKind

# The discriminator's loss where it gives one answer, its logit 0, to everything.
CHANCE = {"nonsaturating": math.log(2), "lsgan": 0.25, "hinge": 1.0}

WINDOW = 200  # steps
DRAWS_BY = 2000  # steps after which drawn edges are expected to beat guessing

D_LOSS_BAND = (0.4, 1.02)  # of chance
STUCK_D_LOSS, STUCK_D_GRADIENT = 0.99, 0.1  # at chance, and not about to leave it
LARGEST_SHARE = 0.995  # of one loss in the sum of a generator's
DRAWN_BAND = (0.02, 5.0)  # edge pixels drawn for each that is there
SMALLEST_LIFT = 1.02  # average precision over the base rate

_WEIGHTS = {
    "edge/cross_entropy": "losses.edge_cross_entropy",
    "edge/g_adv": "losses.edge_adversarial",
    "edge/feature_matching": "losses.feature_matching",
    "inpaint/l1": "losses.l1",
    "inpaint/g_adv": "losses.inpaint_adversarial",
    "inpaint/perceptual": "losses.perceptual",
    "inpaint/style": "losses.style",
    "inpaint/lpips": "losses.lpips",
}


class Health:
    """Monitors the metrics of one stage.

    Args:
        adversarial: kind of the adversarial loss.
        start: steps that were done before the first one watched.
        steps: length of the stage: predicted edges must beat chance after a hundredth
            of it, or after `DRAWS_BY` steps if that is later.

    Example:
        ```
        health = Health("nonsaturating", steps=100_000)
        for warning in health.observe(step, figures):
            print(warning)
        ```
    """

    def __init__(self, adversarial: AdversarialKind, start: int = 0, steps: int = 0):
        self._adversarial = adversarial
        self._draws_by = max(DRAWS_BY, steps // 100)
        self._recent: deque[tuple[int, dict[str, float]]] = deque()
        self._last = start
        self._said: set[str] = set()

    def observe(self, step: int, figures: dict[str, float]) -> list[str]:
        """Takes the figures of a log.

        Args:
            step: of the log; the figures are means over the steps since the last one.
            figures: by name, such as `edge/d_loss`; unknown ones are ignored.

        Returns:
            New warnings, one line each.
        """
        self._recent.append((step - self._last, signs(figures, self._adversarial)))
        self._last = step
        while self._covered() - self._recent[0][0] >= WINDOW:
            self._recent.popleft()
        means = self.means
        found = dict(_loss_conditions(means))
        if step >= self._draws_by:
            found |= _edge_conditions(means)
        new = [text for name, text in found.items() if name not in self._said]
        self._said.update(found)
        return [f"over the last {self._covered()} steps {text}" for text in new]

    @property
    def means(self) -> dict[str, float]:
        """The monitored values by name; see `signs`. Empty before `WINDOW` steps."""
        values: dict[str, list[tuple[int, float]]] = {}
        if self._covered() < WINDOW:
            return {}
        for steps, each in self._recent:
            for name, value in each.items():
                if math.isfinite(value):
                    values.setdefault(name, []).append((steps, value))
        return {
            name: sum(steps * value for steps, value in pairs)
            / sum(steps for steps, _ in pairs)
            for name, pairs in values.items()
        }

    def _covered(self) -> int:
        return sum(steps for steps, _ in self._recent)


def signs(figures: dict[str, float], adversarial: AdversarialKind) -> dict[str, float]:
    """Computes the monitored values from the metrics of one log.

    Args:
        figures: by name.
        adversarial: kind of the adversarial loss.

    Returns:
        `<d_loss>`, relative to chance, and `<loss>`, its share in the sum of its
        generator's losses, under their own names; `d_gradient_norm`; `drawn` and `lift`
        (see the bounds). NaN where undefined; what the figures do not say is left out.
    """
    found = {}
    for name, value in figures.items():
        if name.endswith("/d_loss"):
            found[name] = value / CHANCE[adversarial]
        elif name.endswith("/d_gradient_norm"):
            found["d_gradient_norm"] = value
    for generator in ("edge/", "inpaint/"):
        losses = {
            name: abs(figures[name])
            for name in _WEIGHTS
            if name.startswith(generator) and figures.get(name)  # 0: switched off
        }
        if adversarial == "hinge":  # a mean logit: its size says nothing
            losses.pop(f"{generator}g_adv", None)
        # A loss alone is a choice, but for the adversarial one: nothing ties what is
        # made to the photo then.
        if len(losses) > 1 or f"{generator}g_adv" in losses:
            total = sum(losses.values())
            found |= {name: value / total for name, value in losses.items()}
    if "edge/recall" in figures:
        precision, recall = figures["edge/precision"], figures["edge/recall"]
        # Where no edge is found, nothing drawn has no precision and too much has 0.
        found["drawn"] = recall / precision if recall > 0 else recall
        base_rate = figures["edge/base_rate"] or math.nan
        found["lift"] = figures["edge/average_precision"] / base_rate
    return found


def _loss_conditions(means: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Yields the name of each condition that losses meet, and what to say of it."""
    gradient = means.get("d_gradient_norm", math.inf)
    for name, value in means.items():
        is_d_loss = name.endswith("d_loss")
        if is_d_loss and value < D_LOSS_BAND[0]:
            yield (
                f"{name} low",
                f"{name} is {value:.0%} of chance level: the discriminator wins, and "
                "the generator learns nothing from it; lower "
                "train.discriminator_rate, or raise the weights of the generator's "
                "other losses",
            )
        # Near chance it may have met its match; one that is stuck has no gradient.
        elif is_d_loss and (
            value > D_LOSS_BAND[1]
            or (value > STUCK_D_LOSS and gradient < STUCK_D_GRADIENT)
        ):
            yield (
                f"{name} high",
                f"{name} is {value:.0%} of chance level: the discriminator has "
                "collapsed, and the generator learns nothing from it; compare "
                "train.discriminator_rate (0.1) and train.learning_rate with the "
                "defaults, and restart the stage",
            )
        elif name in _WEIGHTS and value > LARGEST_SHARE:
            yield (
                f"{name} dwarfs",
                f"{name} makes up {value:.2%} of the generator's loss and dwarfs the "
                f"rest; lower {_WEIGHTS[name]} or raise the other weights",
            )


def _edge_conditions(means: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Yields the name of each condition that edges meet, and what to say of it."""
    drawn, lift = means.get("drawn", 1.0), means.get("lift", math.inf)
    # Without a discriminator an edge stays a low probability, rightly.
    if "edge/g_adv" in means and not DRAWN_BAND[0] <= drawn <= DRAWN_BAND[1]:
        yield (
            "drawn",
            f"the edge generator predicts {drawn:.2g} edge pixels for each true one "
            "(edge/recall over edge/precision): check the sample sheets; compare "
            "losses.feature_matching (10), losses.edge_adversarial (1) and "
            "train.learning_rate with the defaults",
        )
    if lift < SMALLEST_LIFT:
        yield (
            "lift",
            f"edge/average_precision is {lift:.2f} times edge/base_rate: predicted "
            "edges are no better than chance; compare losses.feature_matching "
            "(10) and train.learning_rate with the defaults, or train a wider network",
        )
