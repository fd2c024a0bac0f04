"""Which figures of a training are taken for healthy, and what is said of the others."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.losses.adversarial import adversarial_loss
from tf_edgeconnect.metrics.edges import SCORES
from tf_edgeconnect.trainers import callbacks
from tf_edgeconnect.trainers.callbacks import HealthWarnings
from tf_edgeconnect.trainers.edge import EdgeTrainer
from tf_edgeconnect.trainers.health import CHANCE, DRAWS_BY, WINDOW, Health

# Logs of healthy quickstart runs, the edge stage's at step 1500.
EDGE = {
    "edge/g_adv": 0.746,
    "edge/feature_matching": 4.476,
    "edge/d_loss": 0.656,
    "edge/d_gradient_norm": 14.2,
    "edge/precision": 0.114,
    "edge/recall": 0.076,
    "edge/average_precision": 0.093,
    "edge/base_rate": 0.089,
}
INPAINT = {"inpaint/l1": 1.245, "inpaint/g_adv": 0.073, "inpaint/d_loss": 0.65}
HALF = WINDOW // 2


def said(figures, *, kind="nonsaturating", logs=2, start=0):
    """What is said of the same figures, logged every half window."""
    watch = Health(kind, start)
    steps = [start + HALF * (i + 1) for i in range(logs)]
    return [text for step in steps for text in watch.observe(step, figures)]


@pytest.mark.parametrize("figures", [EDGE, INPAINT, {**EDGE, **INPAINT}])
@pytest.mark.parametrize("start", [0, DRAWS_BY])
def test_nothing_is_said_of_a_healthy_run(figures, start):
    assert said(figures, logs=4, start=start) == []


@pytest.mark.parametrize(
    ("change", "sentence", "remedy"),
    [
        (
            {"edge/d_loss": 0.1},
            "edge/d_loss is 14% of chance level: the discriminator wins",
            "lower train.discriminator_rate",
        ),
        (
            {"inpaint/d_loss": 0.8},
            "inpaint/d_loss is 115% of chance level: the discriminator",
            "train.discriminator_rate (0.1)",
        ),
        (
            {"inpaint/style": 900.0},
            "inpaint/style makes up 99.85% of the generator's loss",
            "lower losses.style",
        ),
        (
            {"edge/recall": 0.0, "edge/precision": math.nan},
            "predicts 0 edge pixels for each true one",
            "losses.feature_matching",
        ),
        (
            {"edge/recall": 0.95, "edge/precision": 0.09},
            "predicts 11 edge pixels for each true one",
            "losses.feature_matching",
        ),
        (
            {"edge/average_precision": 0.089},
            "edge/average_precision is 1.00 times edge/base_rate",
            "losses.feature_matching",
        ),
    ],
)
def test_each_sickness_is_named_once_with_what_to_do(change, sentence, remedy):
    sick = {**EDGE, **INPAINT, **change}
    (text,) = said(sick, logs=6, start=DRAWS_BY)
    assert text.startswith(f"over the last {WINDOW} steps ")
    assert sentence in text and remedy in text
    assert "\n" not in text


def test_edges_have_time_to_be_learned():
    figures = {**EDGE, "edge/average_precision": 0.089}
    watch = Health("nonsaturating", steps=100 * DRAWS_BY * 2)
    assert watch.observe(2 * DRAWS_BY - 1, figures) == []
    assert len(watch.observe(2 * DRAWS_BY, figures)) == 1


@pytest.mark.parametrize("kind", list(CHANCE))
def test_chance_is_the_loss_of_a_discriminator_that_knows_nothing(kind):
    logits = np.zeros((2, 3, 3, 1), "float32")
    loss = float(adversarial_loss(kind).discriminator(logits, logits))
    assert loss == pytest.approx(CHANCE[kind])
    for gradient, count in ((0.01, 1), (5.0, 0)):  # stuck, or matched
        figures = {"edge/d_loss": loss, "edge/d_gradient_norm": gradient}
        assert len(said(figures, kind=kind)) == count


def test_the_hinge_losss_mean_logit_is_no_share():
    figures = {"edge/feature_matching": 5.0, "edge/g_adv": -0.001}
    assert said(figures, kind="hinge") == []
    assert len(said(figures)) == 1


def test_one_bad_log_among_good_ones_is_passed_over():
    watch = Health("nonsaturating")
    for count, loss in enumerate([0.65, 0.65, 0.80, 0.65, 0.65], 1):
        assert watch.observe(count * WINDOW // 4, {"edge/d_loss": loss}) == []


def test_means_are_over_the_last_steps_each_log_by_its_length():
    watch = Health("nonsaturating")
    chance = CHANCE["nonsaturating"]
    watch.observe(1000, {"edge/d_loss": 0.5 * chance})
    watch.observe(1050, {"edge/d_loss": 0.6 * chance})
    watch.observe(1050 + WINDOW - 50, {"edge/d_loss": 0.8 * chance})
    expected = (50 * 0.6 + (WINDOW - 50) * 0.8) / WINDOW
    assert watch.means == pytest.approx({"edge/d_loss": expected})


def test_edges_learned_without_a_discriminator_may_stay_low_probabilities():
    figures = {name: EDGE[name] for name in EDGE if name.split("/")[1] in SCORES}
    few = {"edge/recall": 0.0, "edge/precision": math.nan, "edge/cross_entropy": 0.5}
    assert said({**figures, **few}, start=DRAWS_BY) == []


def test_a_loss_alone_is_a_choice_unless_it_is_the_adversarial_one():
    assert said({"inpaint/l1": 1.0, "inpaint/g_adv": 0.0}) == []
    (text,) = said({"edge/g_adv": 0.7, "edge/feature_matching": 0.0})
    assert "edge/g_adv makes up 100.00% of the generator's loss" in text


@pytest.mark.parametrize("precision", [math.nan, 0.0])
def test_logs_of_photos_without_an_edge_are_passed_over(precision):
    figures = {
        "edge/precision": precision,
        "edge/recall": math.nan,
        "edge/average_precision": math.nan,
        "edge/base_rate": 0.0,
    }
    assert said(figures, start=DRAWS_BY) == []


def test_fit_can_have_the_warnings_too(monkeypatch, networks, batch):
    seen = []

    class Recorder:
        def __init__(self, kind, start):
            seen.append((kind, start))

        def observe(self, step, figures):
            seen.append((step, set(figures) >= set(EDGE)))
            return [f"of step {step}"]

    monkeypatch.setattr(callbacks, "Health", Recorder)
    trainer = EdgeTrainer(**networks("edge_generator", "edge_discriminator"))
    trainer.compile()
    lines = []
    trainer.fit(
        tf.data.Dataset.from_tensors(batch).repeat(),
        steps_per_epoch=2,
        epochs=2,
        verbose=0,
        callbacks=[HealthWarnings(lines.append)],
    )
    assert seen == [("nonsaturating", 0), (2, True), (4, True)]
    assert lines == ["warning: of step 2", "warning: of step 4"]
