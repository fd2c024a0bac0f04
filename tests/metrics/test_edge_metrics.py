"""Edge metrics against counts by hand and against the definition in NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_edgeconnect.metrics.edges import SCORES, EdgeMetrics


def as_batch(*rows):
    """One image a row, each a line of pixels: `(B, 1, W, 1)`."""
    return np.array(rows, "float32")[:, None, :, None]


def figures(edge, predicted, mask, **options):
    metric = EdgeMetrics(**options)
    metric.update_state(edge, predicted, mask)
    return {key: float(value) for key, value in metric.result().items()}


def average_precision_by_definition(labels, scores):
    """Sum of (R_n - R_{n-1}) P_n over the distinct scores from high to low."""
    total, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        called = scores >= threshold
        found = np.sum(labels[called])
        recall = found / np.sum(labels)
        total += (recall - recall_before) * found / np.sum(called)
        recall_before = recall
    return total


def test_scores_are_counted_inside_the_hole_only():
    # In the hole (first five): 2 true positives, 1 false positive, 1 false negative.
    edge = as_batch([1, 1, 0, 1, 0, 1, 0, 0])
    predicted = as_batch([0.9, 0.8, 0.7, 0.1, 0.2, 0.0, 1.0, 1.0])
    mask = as_batch([1, 1, 1, 1, 1, 0, 0, 0])
    found = figures(edge, predicted, mask)
    assert found["precision"] == pytest.approx(2 / 3)
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["f1"] == pytest.approx(2 / 3)
    assert found["base_rate"] == pytest.approx(3 / 5)
    # From high to low: hit, hit, miss, miss, hit at precisions 1, 1, 3/5.
    assert found["average_precision"] == pytest.approx((1 + 1 + 3 / 5) / 3)


def test_score_equal_to_the_threshold_is_no_edge():
    edge, mask = as_batch([1, 1]), as_batch([1, 1])
    found = figures(edge, as_batch([0.5, 0.75]), mask, threshold=0.5)
    assert found["recall"] == pytest.approx(0.5)
    found = figures(edge, as_batch([0.5, 0.75]), mask, threshold=0.8)
    assert found["recall"] == 0


def test_average_precision_follows_its_definition_where_scores_have_own_bins():
    rng = np.random.default_rng(0)
    for _ in range(5):
        scores = rng.integers(0, 65, 200) / 64
        labels = rng.random(200) < 0.2 + 0.5 * scores
        ones = np.ones_like(scores)
        found = figures(as_batch(labels), as_batch(scores), as_batch(ones), bins=64)
        # A score of 1 shares the last bin with 63/64.
        tied = np.minimum(scores, 63 / 64)
        expected = average_precision_by_definition(labels, tied)
        assert found["average_precision"] == pytest.approx(expected, abs=1e-6)


def test_average_precision_of_continuous_scores_is_close_to_the_exact_one():
    rng = np.random.default_rng(1)
    labels = rng.random(4000) < 0.1
    scores = np.clip(rng.normal(0.3 + 0.2 * labels, 0.15), 0, 1).astype("float32")
    found = figures(as_batch(labels), as_batch(scores), as_batch(np.ones(4000)))
    expected = average_precision_by_definition(labels, scores)
    assert found["average_precision"] == pytest.approx(expected, abs=2e-3)


def test_average_precision_of_equal_scores_is_the_base_rate():
    edge = as_batch([1, 0, 0, 0, 1, 0, 0, 0])
    found = figures(edge, np.full_like(edge, 0.3), np.ones_like(edge))
    assert found["average_precision"] == found["base_rate"] == 0.25


def test_undefined_scores_are_nan():
    ones, zeros = as_batch([1, 1]), as_batch([0, 0])
    without_hole = figures(ones, ones, zeros)
    assert all(np.isnan(value) for value in without_hole.values())
    without_edges = figures(zeros, zeros, ones)
    assert {k for k, v in without_edges.items() if np.isnan(v)} == {
        "precision",
        "recall",
        "f1",
        "average_precision",
    }
    nothing_called = figures(ones, zeros, ones)
    assert np.isnan(nothing_called["precision"])
    assert nothing_called["recall"] == nothing_called["f1"] == 0


def test_image_without_a_hole_changes_nothing():
    edge = as_batch([1, 0, 1], [1, 1, 1])
    predicted = as_batch([0.9, 0.2, 0.4], [0.1, 0.9, np.nan])
    mask = as_batch([1, 1, 1], [0, 0, 0])
    assert figures(edge, predicted, mask) == figures(edge[:1], predicted[:1], mask[:1])


def test_batches_and_replicas_add_up():
    rng = np.random.default_rng(2)
    edge = (rng.random((4, 8, 8, 1)) < 0.3).astype("float32")
    predicted = rng.random((4, 8, 8, 1)).astype("float32")
    mask = (rng.random((4, 8, 8, 1)) < 0.5).astype("float32")
    whole, first, second = (EdgeMetrics() for _ in range(3))
    whole.update_state(edge, predicted, mask)
    first.update_state(edge[:1], predicted[:1], mask[:1])
    second.update_state(edge[1:2], predicted[1:2], mask[1:2])
    second.update_state(edge[2:], predicted[2:], mask[2:])
    for w, a, b in zip(whole.variables, first.variables, second.variables, strict=True):
        assert w.aggregation == "sum"
        np.testing.assert_array_equal(w, a.numpy() + b.numpy())


def test_counting_goes_on_past_float32():
    ones = as_batch([1, 1, 1])
    metric = EdgeMetrics(bins=2)
    for variable in metric.variables:
        variable.assign(np.full(variable.shape, 2.0**24))
    metric.update_state(ones, ones, ones)
    assert float(metric.true_positive_count.numpy()) == 2**24 + 3
    assert metric.histogram.numpy()[1, 1] == 2**24 + 3


def test_results_join_the_logs_of_a_model_under_their_prefix():
    class Logged(keras.Model):
        def __init__(self):
            super().__init__()
            self.edge_metrics = EdgeMetrics(prefix="edge/")

        @property
        def metrics(self):
            return [self.edge_metrics]

        def test_step(self, data):
            edge, predicted, mask = data
            self.edge_metrics.update_state(edge, predicted, mask)
            return self.get_metrics_result()

    model = Logged()
    model.compile()
    ones, zeros = as_batch([1, 1]), as_batch([0, 0])
    edge, both = np.concatenate([ones, zeros]), np.concatenate([ones, ones])
    data = tf.data.Dataset.from_tensor_slices((edge, both, both)).batch(1)
    logs = model.evaluate(data, return_dict=True, verbose=0)
    assert set(logs) == {"edge/" + key for key in SCORES}
    assert logs["edge/precision"] == 0.5  # over both batches, not of the last one
    again = model.evaluate(data.take(1), return_dict=True, verbose=0)
    assert again["edge/precision"] == 1.0  # reset in between


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="threshold: expected 0 to 1, got 50"):
        EdgeMetrics(threshold=50)
    with pytest.raises(ValueError, match="bins: expected at least 1, got 0"):
        EdgeMetrics(bins=0)


def test_config_rebuilds_the_metric():
    metric = EdgeMetrics(threshold=0.3, bins=16, prefix="val/")
    again = EdgeMetrics.from_config(metric.get_config())
    assert again.get_config() == metric.get_config()
