"""Figures of systems by bins of hole ratio, and the paper's table of them.

Enters: `Evaluation`s of the same pictures. Leaves: a `Figure` for each bin and metric,
and rows of text, one column a system. A figure is the mean of per-picture values over
the whole completed picture; edge scores come from counts summed over pictures.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import bootstrap

from tf_edgeconnect.evaluation.results import ALL, Evaluation, ImageResult
from tf_edgeconnect.metrics.edges import average_precision

LEVEL, ROUNDS, SEED = 0.95, 2000, 0  # of the bootstrap
NOTHING = "–"


class Metric(NamedTuple):
    """How a figure is named and printed.

    Attributes:
        label: its head in a table.
        higher_is_better: else lower is.
        digits: after the decimal point.
    """

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


class Figure(NamedTuple):
    """A metric of one system in one bin, or a difference of two systems.

    Attributes:
        value: the mean over pictures.
        n: pictures.
        interval: its lower and upper bound at 95 %; None for what is no mean.
    """

    value: float
    n: int
    interval: tuple[float, float] | None = None


Summary = dict[str, dict[str, Figure]]  # bin -> metric -> figure, where there is one


def summarize(evaluation: Evaluation) -> Summary:
    """Takes the figures of bins that hold pictures, then of "all"."""
    found: Summary = {}
    for label in evaluation.bins():
        images = evaluation.in_bin(label)
        if not images:
            continue
        figures = found[label] = {}
        for metric in PER_PICTURE:
            column = values(images, metric)
            column = column[~np.isnan(column)]
            if column.size:
                mean = float(column.mean())
                figures[metric] = Figure(mean, len(images), mean_interval(column))
        scores = edge_scores(images, evaluation.edge_threshold)
        for metric, value in {"fid": evaluation.fid[label], **scores}.items():
            if value is not None and not np.isnan(value):
                figures[metric] = Figure(value, len(images))
    return found


def differences(first: Evaluation, other: Evaluation) -> Summary:
    """What another system changes against the first, paired by picture.

    Only metrics of `PER_PICTURE`, where two or more pictures have them in both.
    """
    found: Summary = {}
    for label in first.bins():
        found[label] = {}
        for metric in PER_PICTURE:
            ours, theirs = (values(x.in_bin(label), metric) for x in (first, other))
            column = theirs - ours
            column = column[~np.isnan(column)]
            if interval := mean_interval(column):
                mean = float(column.mean())
                found[label][metric] = Figure(mean, len(column), interval)
    return found


def values(images: Sequence[ImageResult], metric: str) -> np.ndarray:
    """`(n,)` values of a metric of `PER_PICTURE`, NaN where a picture has none."""
    return np.array([getattr(image, metric) for image in images], np.float64)


def mean_interval(values: np.ndarray) -> tuple[float, float] | None:
    """Percentile bootstrap interval of a mean over pictures.

    Systems measured on the same pictures are resampled alike.

    Args:
        values: `(n,)`, one a picture.

    Returns:
        The bounds at `LEVEL`; None for fewer than two pictures, which tell nothing of
        their spread.
    """
    if len(values) < 2:
        return None
    low, high = bootstrap(
        (values,),
        np.mean,
        n_resamples=ROUNDS,
        batch=100,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    return float(low), float(high)


def edge_scores(images: Sequence[ImageResult], threshold: float) -> dict[str, float]:
    """Scores of predicted edges, from counts summed over pictures.

    Args:
        images: those without predicted edges do not count.
        threshold: 0 to 1; an edge is predicted where it is above.

    Returns:
        `EDGE_SCORES`, NaN where undefined; `best_threshold` is where F1 would be
        highest. Nothing where no picture has predicted edges.
    """
    histograms = [x.edge_histogram for x in images if x.edge_histogram is not None]
    if not histograms:
        return {}
    negatives, positives = np.array(histograms, np.float64).sum(axis=0)
    true, false, missed = edge_counts([negatives, positives], threshold)
    found, called = (np.cumsum(x[::-1]) for x in (positives, positives + negatives))
    # The weakest of the values that are edges where F1 is highest.
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
    """True positives, false positives and false negatives at a threshold.

    Args:
        histogram: `(2, 256)`, as `measure.edge_histogram` counts.
        threshold: 0 to 1; an edge is predicted where it is above.

    Returns:
        `(3,)`.
    """
    negatives, positives = np.asarray(histogram)
    called = np.arange(256) > 255 * threshold
    return np.array(
        [positives[called].sum(), negatives[called].sum(), positives[~called].sum()]
    )


class Cell(NamedTuple):
    """A figure as it is printed, its interval ("[low, high]" or ""), whether best."""

    text: str
    interval: str = ""
    best: bool = False


class Row(NamedTuple):
    """One metric in one bin.

    Attributes:
        metric: key of `METRICS`.
        bin: label, "all" in the last row of a metric.
        n: pictures.
        cells: one a system.
    """

    metric: str
    bin: str
    n: int
    cells: list[Cell]

    @property
    def head(self) -> str:
        """The metric's label with an arrow to where it is better."""
        metric = METRICS[self.metric]
        return f"{metric.label} {'↑' if metric.higher_is_better else '↓'}"


def table_rows(systems: Sequence[Summary], *, signed: bool = False) -> list[Row]:
    """Lays out a table; all systems have the same bins.

    Args:
        systems: of each, what `summarize` gives, or `differences` gives.
        signed: they are differences: figures have a sign, and those are best whose
            interval lies wholly on the better side of 0; else those that print alike
            the best of their row.

    Returns:
        A metric's rows stand together. Of figures, LPIPS and FID that no system has
        keep one row of dashes.
    """
    rows = []
    for metric in METRICS:
        found = [
            (label, [system[label].get(metric) for system in systems])
            for label in (systems[0] if systems else ())
        ]
        found = [(label, figures) for label, figures in found if any(figures)]
        if not found and not signed and metric in ("lpips", "fid"):
            found = [(ALL, [None] * len(systems))]
        for label, figures in found:
            known = [x for x in figures if x] or systems[0][label].values()
            cells = _cells(METRICS[metric], figures, signed)
            rows.append(Row(metric, label, max(x.n for x in known), cells))
    return rows


def _cells(
    metric: Metric, figures: Sequence[Figure | None], signed: bool
) -> list[Cell]:
    form = f"{{:{'+' if signed else ''}z.{metric.digits}f}}"
    sign = 1 if metric.higher_is_better else -1
    printed = [sign * round(x.value, metric.digits) for x in figures if x]
    cells = []
    for figure in figures:
        if figure is None:
            cells.append(Cell(NOTHING))
            continue
        best = sign * round(figure.value, metric.digits) == max(printed)
        best &= len(printed) > 1
        interval = ""
        if figure.interval:
            interval = f"[{form}, {form}]".format(*figure.interval)
            if signed:
                best = min(sign * bound for bound in figure.interval) > 0
        cells.append(Cell(form.format(figure.value), interval, best))
    return cells
