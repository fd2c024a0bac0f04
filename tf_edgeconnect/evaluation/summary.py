"""Figures of systems by bins of hole ratio: what tables and plots show.

Enters: `Evaluation`s of the same pictures. Leaves: `Figures`, one for each bin that
holds pictures and one for all. A figure is the mean of per-picture values over the
whole completed picture; edge scores come from counts summed over pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tf_edgeconnect.evaluation.bootstrap import mean_interval
from tf_edgeconnect.evaluation.results import ALL, Evaluation, ImageResult


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
}
PER_PICTURE = ("l1", "ssim", "psnr", "lpips")
EDGE_SCORES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class Figures:
    """The figures of one system in one bin.

    Attributes:
        n: pictures.
        values: metric -> figure, for those of `METRICS` that there are.
        intervals: metric of `PER_PICTURE` -> lower and upper bound at 95 %.
    """

    n: int
    values: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)

    def json(self) -> dict:
        """As `report.json` holds it; what there is not is null."""
        edges = {name: self.values.get(name) for name in EDGE_SCORES}
        return {
            "n": self.n,
            **{name: self.values.get(name) for name in (*PER_PICTURE, "fid")},
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "edges": edges if any(v is not None for v in edges.values()) else None,
        }


class Difference(NamedTuple):
    """The mean over pictures of one system's metric less another's.

    Attributes:
        n: pictures that have the metric in both.
        mean: of the differences.
        interval: its lower and upper bound at 95 %.
    """

    n: int
    mean: float
    interval: tuple[float, float]


def figures_by_bin(evaluation: Evaluation) -> dict[str, Figures]:
    """Summarizes one system.

    Returns:
        Label of the bin -> its figures: bins that hold pictures, then "all".
    """
    found = {}
    for label in (*evaluation.bins(), ALL):
        images = in_bin(evaluation, label)
        if images:
            found[label] = _figures(images, evaluation.fid.get(label))
    return found


def in_bin(evaluation: Evaluation, label: str) -> list[ImageResult]:
    """The measured pictures of a bin; those of "all" are all."""
    return [image for image in evaluation.images if label in (ALL, image.bin)]


def per_picture(images: Sequence[ImageResult], metric: str) -> np.ndarray:
    """`(n,)` values of a metric of `PER_PICTURE`, NaN where a picture has none."""
    return np.array([getattr(image, metric) for image in images], np.float64)


def differences(
    first: Evaluation, other: Evaluation
) -> dict[str, dict[str, Difference]]:
    """What another system changes against the first, paired by picture.

    Args:
        first: the system to compare with.
        other: measured on the same pictures.

    Returns:
        Bin -> metric of `PER_PICTURE` -> difference, where two or more pictures have
        it.
    """
    found: dict[str, dict[str, Difference]] = {}
    for label in (*first.bins(), ALL):
        ours, theirs = in_bin(first, label), in_bin(other, label)
        found[label] = {}
        for metric in PER_PICTURE:
            values = per_picture(theirs, metric) - per_picture(ours, metric)
            values = values[~np.isnan(values)]
            if interval := mean_interval(values):
                mean = float(values.mean())
                found[label][metric] = Difference(len(values), mean, interval)
    return found


def _figures(images: Sequence[ImageResult], fid: float | None) -> Figures:
    values, intervals = {}, {}
    for metric in PER_PICTURE:
        column = per_picture(images, metric)
        column = column[~np.isnan(column)]
        if column.size:
            values[metric] = float(column.mean())
        if interval := mean_interval(column):
            intervals[metric] = interval
    if fid is not None:
        values["fid"] = fid
    counts = [image.edge_counts for image in images if image.edge_counts is not None]
    if counts:
        values.update(_edge_scores(*np.sum(counts, axis=0)))
    return Figures(len(images), values, intervals)


def _edge_scores(true: float, false: float, missed: float) -> dict[str, float]:
    """Scores of summed counts; what is undefined is left out."""
    parts = {
        "precision": (true, true + false),
        "recall": (true, true + missed),
        "f1": (2 * true, 2 * true + false + missed),
    }
    return {name: float(part / of) for name, (part, of) in parts.items() if of}
