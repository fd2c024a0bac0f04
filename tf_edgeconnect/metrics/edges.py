"""Scores predicted edges inside the hole; outside it the edges are known.

Base rate is the share of edge pixels, which is the average precision of random guesses:
compare average precision with it. Masks are those of `tf_edgeconnect.masking`.
"""

import keras
from keras import ops

from tf_edgeconnect.metrics.image import ratio

SCORES = ("precision", "recall", "f1", "average_precision", "base_rate")


@keras.saving.register_keras_serializable("tf_edgeconnect")
class EdgeMetrics(keras.metrics.Metric):
    """Precision, recall, F1, average precision and base rate inside the hole.

    `result()` is a dict, which `fit` and `Model.get_metrics_result` merge into their
    logs. Scores come from counts summed over all pixels seen, not from a mean over
    images. NaN stands for precision without a predicted edge, recall and average
    precision without a true edge, F1 without either, and base rate without a hole.

    Average precision is the sum over thresholds of (R_n - R_{n-1}) P_n. Its thresholds
    are the bounds of `bins` equal bins of the score; scores in one bin are tied.

    Args:
        threshold: a score strictly above it predicts an edge; in [0, 1].
        bins: number of bins of the score, for average precision.
        prefix: of each key of the result, such as `"edge/"`.
        name: name of the metric.

    Example:
    ```python
    metric = EdgeMetrics(prefix="edge/")
    metric.update_state(batch["edge"], predicted_edge, batch["mask"])
    metric.result()["edge/f1"]
    ```
    """

    def __init__(
        self,
        threshold: float = 0.5,
        bins: int = 512,
        prefix: str = "",
        name: str = "edge_metrics",
        dtype: str | None = None,
    ):
        super().__init__(name=name, dtype=dtype)
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold: expected 0 to 1, got {threshold}")
        if bins < 1:
            raise ValueError(f"bins: expected at least 1, got {bins}")
        self.threshold = threshold
        self.bins = bins
        self.prefix = prefix
        # float64: float32 stops counting at 2**24, a few hundred batches of pixels.
        self.predicted_count = self._add_count("predicted")
        self.true_positive_count = self._add_count("true_positive")
        # Row 0: pixels without an edge; row 1: with one. Columns: bins of the score.
        self.histogram = self._add_count("histogram", (2, bins))

    def _add_count(self, name, shape=()):
        return self.add_variable(shape, "zeros", dtype="float64", name=name)

    def update_state(self, edge, predicted, mask) -> None:
        """Counts one batch.

        Args:
            edge: `(B, H, W, 1)`, true edges; above 0.5 is an edge.
            predicted: `(B, H, W, 1)`, scores in [0, 1]; a NaN falls in the lowest bin.
            mask: `(B, H, W, 1)`, 1 = hole.
        """
        predicted = ops.cast(predicted, "float32")
        hole = ops.cast(mask, "float32") > 0.5
        is_edge = ops.cast(edge, "float32") > 0.5
        called = ops.logical_and(hole, predicted > self.threshold)
        self.predicted_count.assign_add(_count(called))
        self.true_positive_count.assign_add(_count(ops.logical_and(called, is_edge)))

        score_bin = ops.floor(ops.clip(predicted, 0.0, 1.0) * self.bins)
        # Clipped as integers too: a score of 1 belongs to the last bin.
        score_bin = ops.clip(ops.cast(score_bin, "int32"), 0, self.bins - 1)
        cell = score_bin + self.bins * ops.cast(is_edge, "int32")
        counts = ops.segment_sum(
            ops.reshape(ops.cast(hole, "int32"), (-1,)),
            ops.reshape(cell, (-1,)),
            num_segments=2 * self.bins,
        )
        counts = ops.reshape(ops.cast(counts, "float64"), (2, self.bins))
        self.histogram.assign_add(counts)

    def result(self) -> dict:
        """Returns prefix + name of each of `SCORES` -> scalar."""
        negatives, positives = self.histogram[0], self.histogram[1]
        edge_count = ops.sum(positives)
        pixel_count = edge_count + ops.sum(negatives)
        found = ops.convert_to_tensor(self.true_positive_count)
        called = ops.convert_to_tensor(self.predicted_count)
        values = (
            ratio(found, called),
            ratio(found, edge_count),
            ratio(2 * found, called + edge_count),
            average_precision(negatives, positives),
            ratio(edge_count, pixel_count),
        )
        named = zip(SCORES, values, strict=True)
        return {self.prefix + name: ops.cast(x, self.dtype) for name, x in named}

    def get_config(self) -> dict:
        """Returns what `from_config` needs to rebuild this metric."""
        own = {"threshold": self.threshold, "bins": self.bins, "prefix": self.prefix}
        return {**super().get_config(), **own}


def average_precision(negatives, positives):
    """Computes average precision from counts of pixels per bin of the score.

    Args:
        negatives: `(bins,)`, pixels without an edge, bins by rising score.
        positives: `(bins,)`, pixels with an edge.

    Returns:
        Scalar in [0, 1]; NaN where there is no positive.

    Reference:
        Sum of (R_n - R_{n-1}) P_n over thresholds from high to low, without
        interpolation: the definition that scikit-learn uses too.
    """
    hits = ops.flip(positives)
    found = ops.cumsum(hits)
    called = found + ops.cumsum(ops.flip(negatives))
    # An empty bin at the top has no precision; it adds no recall, so 0 / 1 is harmless.
    precision = found / ops.maximum(called, 1)
    return ratio(ops.sum(hits * precision), found[-1])


def _count(condition):
    return ops.cast(ops.sum(ops.cast(condition, "int32")), "float64")
