"""Averages metrics by bins of hole ratio, and lays out the paper's table of them.

Metrics are means of per-picture values over the whole completed picture; edge scores
come from counts summed over pictures. The table has one column per system.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import bootstrap

from tf_edgeconnect.evaluation.results import ALL, Evaluation, ImageResult
from tf_edgeconnect.metrics.edges import average_precision

LEVEL, ROUNDS, SEED = 0.95, 2000, 0  # of the bootstrap
NOTHING = "–"


class Metric(NamedTuple):
    """How a metric is printed: its label in a table, and digits after the point."""

    label: str
    higher_is_better: bool
    digits: int


METRICS = {
    "l1": Metric("L1 (%)", False, 2),
    "ssim": Metric("SSIM", True, 4),
    "psnr": Metric("PSNR (dB)", True, 2),
    "lpips": Metric("LPIPS", False, 4),
    "fid": Metric("FID", False, 2),
    "precision": Metric("Edge precision", True, 3),
    "recall": Metric("Edge recall", True, 3),
    "f1": Metric("Edge F1", True, 3),
    "edge_average_precision": Metric("Edge average precision", True, 3),
}
PER_PICTURE = ("l1", "ssim", "psnr", "lpips")
EDGE_SCORES = ("precision", "recall", "f1", "edge_average_precision", "best_threshold")


class Estimate(NamedTuple):
    """A metric of one system in one bin, or the difference of two systems.

    Attributes:
        value: the mean over pictures, or a score of all of them.
        n: number of pictures.
        interval: the 95 % interval of a mean, or None.
    """

    value: float
    n: int
    interval: tuple[float, float] | None = None


Summary = dict[str, dict[str, Estimate]]  # bin -> metric -> estimate


def summarize(evaluation: Evaluation) -> Summary:
    """Estimates the metrics of each bin that holds pictures, and of "all"."""
    found: Summary = {}
    for label in evaluation.bins():
        if images := evaluation.in_bin(label):
            found[label] = bootstrap_means({x: values(images, x) for x in PER_PICTURE})
            scores = edge_scores(images, evaluation.edge_threshold)
            for metric, value in {"fid": evaluation.fid[label], **scores}.items():
                if value is not None and not np.isnan(value):
                    found[label][metric] = Estimate(value, len(images))
    return found


def differences(first: Evaluation, other: Evaluation) -> Summary:
    """Estimates another system's metrics less those of the first, paired by picture.

    Metrics that fewer than two pictures have in both systems are omitted.
    """
    found: Summary = {}
    for label in first.bins():
        ours, theirs = first.in_bin(label), other.in_bin(label)
        means = bootstrap_means(
            {x: values(theirs, x) - values(ours, x) for x in PER_PICTURE}
        )
        found[label] = {name: x for name, x in means.items() if x.interval}
    return found


def values(images: Sequence[ImageResult], metric: str) -> np.ndarray:
    """Returns `(n,)` values of a metric of `PER_PICTURE`, NaN where missing."""
    return np.array([getattr(image, metric) for image in images], np.float64)


def bootstrap_means(columns: Mapping[str, np.ndarray]) -> dict[str, Estimate]:
    """Estimates the mean of each metric, with a percentile bootstrap interval.

    All systems are resampled alike; one picture has no interval; NaN does not count.
    """
    found = {}
    for metric, column in columns.items():
        column = column[~np.isnan(column)]
        interval = None
        if column.size > 1:
            interval = bootstrap(
                (column,),
                np.mean,
                n_resamples=ROUNDS,
                batch=100,
                confidence_level=LEVEL,
                method="percentile",
                rng=np.random.default_rng(SEED),
            ).confidence_interval
            interval = float(interval.low), float(interval.high)
        if column.size:
            found[metric] = Estimate(float(column.mean()), column.size, interval)
    return found


def edge_scores(images: Sequence[ImageResult], threshold: float) -> dict[str, float]:
    """Scores predicted edges by counts summed over pictures.

    Args:
        images: those without predicted edges do not count.
        threshold: 0 to 1; a stronger edge is predicted.

    Returns:
        `EDGE_SCORES`, NaN where undefined; `best_threshold` gives the highest F1. Empty
        if no picture has predicted edges.
    """
    histograms = [x.edge_histogram for x in images if x.edge_histogram is not None]
    if not histograms:
        return {}
    negatives, positives = np.array(histograms, np.float64).sum(axis=0)
    true, false, missed = edge_counts([negatives, positives], threshold)
    found, called = (np.cumsum(x[::-1]) for x in (positives, positives + negatives))
    # The weakest value that is an edge where F1 is highest.
    weakest = 255 - np.argmax(found[:-1] / np.maximum(called[:-1] + found[-1], 1))
    with np.errstate(invalid="ignore"):
        return {
            "precision": float(true / (true + false)),
            "recall": float(true / (true + missed)),
            "f1": float(2 * true / (2 * true + false + missed)),
            "edge_average_precision": float(average_precision(negatives, positives)),
            "best_threshold": float(weakest - 0.5) / 255 if found[-1] else np.nan,
        }


def edge_counts(histogram: Any, threshold: float) -> np.ndarray:
    """Counts true positives, false positives and false negatives at a threshold.

    Args:
        histogram: `(2, 256)`, see `measure.edge_histogram`.
        threshold: 0 to 1; a stronger edge is predicted.
    """
    negatives, positives = np.asarray(histogram)
    called = np.arange(256) > 255 * threshold
    return np.array(
        [positives[called].sum(), negatives[called].sum(), positives[~called].sum()]
    )


class Cell(NamedTuple):
    """A printed estimate, its interval "[low, high]" or "", and whether it is best."""

    text: str
    interval: str = ""
    best: bool = False


class Row(NamedTuple):
    """One metric in one bin.

    Attributes:
        metric: key of `METRICS`.
        bin: label; "all" in the last row of a metric.
        n: number of pictures.
        cells: one per system.
    """

    metric: str
    bin: str
    n: int
    cells: list[Cell]

    @property
    def head(self) -> str:
        """The metric's label with an arrow in the better direction."""
        metric = METRICS[self.metric]
        return f"{metric.label} {'↑' if metric.higher_is_better else '↓'}"


def table_rows(systems: Sequence[Summary], *, signed: bool = False) -> list[Row]:
    """Lays out a table, metric by metric.

    The best of a row are all that print like the best one. LPIPS and FID that no system
    has keep one row of dashes.

    Args:
        systems: of each, what `summarize` or `differences` returns, with equal bins.
        signed: for differences: print signs, omit rows of dashes, and mark as best what
            has its whole interval on the better side of 0.
    """
    rows: list[Row] = []
    for metric in METRICS:
        start = len(rows)
        for label in systems[0] if systems else ():
            found = [system[label].get(metric) for system in systems]
            if any(found):
                n = max(x.n for x in found if x)
                rows.append(Row(metric, label, n, _cells(metric, found, signed)))
        if len(rows) == start and not signed and metric in ("lpips", "fid"):
            n = max(x.n for x in systems[0][ALL].values())
            rows.append(Row(metric, ALL, n, [Cell(NOTHING)] * len(systems)))
    return rows


def _cells(
    metric: str, estimates: Sequence[Estimate | None], signed: bool
) -> list[Cell]:
    _, higher_is_better, digits = METRICS[metric]
    form = f"{{:{'+' if signed else ''}z.{digits}f}}"
    sign = 1 if higher_is_better else -1
    printed = [sign * round(x.value, digits) for x in estimates if x]
    cells = []
    for estimate in estimates:
        if estimate is None:
            cells.append(Cell(NOTHING))
            continue
        value, _, interval = estimate
        best = len(printed) > 1 and sign * round(value, digits) == max(printed)
        bounds = f"[{form}, {form}]".format(*interval) if interval else ""
        if signed and interval:
            best = min(sign * bound for bound in interval) > 0
        cells.append(Cell(form.format(value), bounds, best))
    return cells
