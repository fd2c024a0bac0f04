"""Plots a metric against the hole ratio, as SVG."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from tf_edgeconnect.evaluation.results import ALL, Evaluation
from tf_edgeconnect.evaluation.summary import METRICS, Summary, values

PLOT_RULE = (
    "Points are pictures (a few may lie outside the axes); markers are the means of "
    "bins with 95 % intervals."
)
# Okabe and Ito's colours, which colour-blind people can distinguish.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa5a8c", "#9a6b00", "#4a4a4a")
MARKERS = "os^Dv"
STYLE: Any = {
    "svg.hashsalt": "tf_edgeconnect",  # the same ids each time
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.edgecolor": "#dcdcd8",
    "axes.grid": True,
    "grid.color": "#dcdcd8",
}


def plot(
    metric: str, evaluations: Sequence[Evaluation], summaries: Sequence[Summary]
) -> bytes | None:
    """Draws pictures as points, and the means of bins with their 95 % intervals.

    Args:
        metric: one of `PER_PICTURE`.
        evaluations: one per system.
        summaries: of each evaluation, by `summarize`.

    Returns:
        An SVG file, the same each time; None if no picture has the metric.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    with rc_context(STYLE):
        page = Figure((6.4, 4.2), layout="constrained")
        axes = page.subplots()
        bounds: list[float] = []
        marks: list[Any] = []
        systems: list[str] = []
        for index, (one, summary) in enumerate(
            zip(evaluations, summaries, strict=True)
        ):
            ratios = np.array([image.hole_ratio for image in one.images])
            column = values(one.images, metric)
            if np.isnan(column).all():
                continue
            # Ignores outliers, such as the PSNR of an untouched photo.
            bounds += [*np.nanquantile(column, (0.005, 0.995))]
            colour = COLOURS[index % len(COLOURS)]
            points = axes.scatter(ratios, column, 16, colour, alpha=0.3, lw=0)
            points.set_rasterized(True)  # thousands of shapes would bloat the file
            bins = [x for x in summary if x != ALL and metric in summary[x]]
            found = [summary[label][metric] for label in bins]
            means = np.array([x.value for x in found])
            low, high = np.array([x.interval or (x.value, x.value) for x in found]).T
            bounds += [*low, *high]
            systems.append(one.system)
            # A small shift, so that intervals do not hide each other.
            shift = 0.006 * (index - (len(evaluations) - 1) / 2)
            marks.append(
                axes.errorbar(
                    [values(one.in_bin(x), "hole_ratio").mean() + shift for x in bins],
                    means,
                    (means - low, high - means),
                    color=colour,
                    marker=MARKERS[index % len(MARKERS)],
                    capsize=3,
                )
            )
        if not bounds:
            return None
        margin = 0.05 * (max(bounds) - min(bounds) or 1)
        better = "higher" if METRICS[metric].higher_is_better else "lower"
        axes.set(
            xlabel="hole ratio",
            ylabel=f"{METRICS[metric].label}, {better} is better",
            xlim=(0, None),
            ylim=(min(bounds) - margin, max(bounds) + margin),
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        page.legend(marks, systems, loc="outside upper left", frameon=False)
        file = io.BytesIO()
        page.savefig(
            file, format="svg", dpi=200, metadata={"Date": None, "Creator": None}
        )
        return file.getvalue()
