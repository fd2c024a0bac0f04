"""Plots of a metric against the hole ratio, as SVG.

Enters: results of systems. Leaves: one self-contained SVG text, which follows the
reader's light or dark scheme, both inside a page and as a file. SVG by hand, as two
axes with points need less code than a plotting library needs to be held down.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from tf_edgeconnect.evaluation.results import Evaluation
from tf_edgeconnect.evaluation.summary import METRICS, Figures, in_bin, per_picture

MAX_POINTS = 400  # a system; more would hide each other and swell the page
PLOT_RULE = (
    f"Points are pictures, at most {MAX_POINTS} a system (a few may lie beyond the "
    "axes); marks are the means of bins with 95 % intervals."
)
WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, BOTTOM = 64, 26, 58
LINE = 22  # of the legend
TICKS = 6
# Okabe and Ito's colours, told apart by colour-blind eyes too; then the marker's shape.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#aa5a8c", "#9a6b00", "#4a4a4a")
DARK_COLOURS = ("#56b4e9", "#ff8c42", "#2cc79a", "#e79fc4", "#f0c04a", "#d0d0d0")
MARKERS = (
    "M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0Z",
    "M-4.5,-4.5H4.5V4.5H-4.5Z",
    "M0,-6L5.5,4.5H-5.5Z",
    "M0,-6L6,0L0,6L-6,0Z",
    "M0,6L5.5,-4.5H-5.5Z",
)


def _style() -> str:
    def scheme(sheet: str, ink: str, grid: str, colours: Sequence[str]) -> str:
        series = "".join(f".plot .s{i}{{--c:{c}}}" for i, c in enumerate(colours))
        return f".plot{{--sheet:{sheet};--ink:{ink};--grid:{grid}}}{series}"

    return (
        scheme("#ffffff", "#3a3a40", "#dcdcd8", COLOURS)
        + "@media(prefers-color-scheme:dark){"
        + scheme("#1f2024", "#d4d4d8", "#3c3d42", DARK_COLOURS)
        + "}.plot text{font:13px system-ui,sans-serif;fill:var(--ink)}"
        ".plot .sheet{fill:var(--sheet)}"
        ".plot .grid{stroke:var(--grid)}.plot .point{fill:var(--c);opacity:.28}"
        ".plot .mean{fill:var(--c)}"
        ".plot .line{stroke:var(--c);stroke-width:1.8;fill:none}"
    )


def plot(
    metric: str,
    evaluations: Sequence[Evaluation],
    figures: Sequence[dict[str, Figures]],
    *,
    seed: int = 0,
) -> str | None:
    """Draws pictures as points, and the means of bins with their 95 % intervals.

    Args:
        metric: of `PER_PICTURE`.
        evaluations: of the systems.
        figures: of each system, as `figures_by_bin` gives them.
        seed: of the choice of points where there are too many.

    Returns:
        An `<svg>` element; None where no picture has the metric.
    """
    series = [
        _Series(metric, one, figure, index, seed)
        for index, (one, figure) in enumerate(zip(evaluations, figures, strict=True))
    ]
    series = [one for one in series if one.values.size]
    if not series:
        return None
    top = LINE * len(series) + 22
    axes = _Axes(series, top)
    label, higher_is_better, _ = METRICS[metric]
    better = "higher" if higher_is_better else "lower"
    title = f"{label} against the hole ratio; {better} is better"
    return "\n".join(
        [
            f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" role="img" '
            f'viewBox="0 0 {WIDTH} {top + HEIGHT}" aria-label="{escape(title)}">',
            f"<style>{_style()}</style>",
            '<rect class="sheet" width="100%" height="100%"/>',
            *axes.draw(f"{label}, {better} is better"),
            *(_legend(one, LINE * row + 24) for row, one in enumerate(series)),
            *(one.points(axes) for one in series),
            *(one.means(axes, len(series)) for one in series),
            "</svg>\n",
        ]
    )


class _Series:
    """One system's points and means."""

    def __init__(
        self,
        metric: str,
        evaluation: Evaluation,
        figures: Mapping[str, Figures],
        index: int,
        seed: int,
    ) -> None:
        self.label = evaluation.system
        self.index = index
        images = evaluation.images
        values = per_picture(images, metric)
        ratios = np.array([image.hole_ratio for image in images])
        there = np.flatnonzero(~np.isnan(values))
        if there.size > MAX_POINTS:
            generator = np.random.default_rng(seed)
            there = generator.choice(there, MAX_POINTS, replace=False)
        self.ratios, self.values = ratios[there], values[there]
        # A bin's mean stands at the mean hole ratio of its pictures.
        self.bins = [
            (
                float(np.mean([x.hole_ratio for x in in_bin(evaluation, label)])),
                figures[label].values[metric],
                figures[label].intervals.get(metric),
            )
            for label in evaluation.bins()
            if label in figures and metric in figures[label].values
        ]

    def points(self, axes: "_Axes") -> str:
        circles = "".join(
            f'<circle cx="{axes.x(ratio):.1f}" cy="{axes.y(value):.1f}" r="2.5"/>'
            for ratio, value in zip(self.ratios, self.values, strict=True)
            if axes.holds(value)
        )
        return f'<g class="point {_colour(self.index)}">{circles}</g>'

    def means(self, axes: "_Axes", count: int) -> str:
        # Set apart a little, so that intervals of systems do not hide each other.
        shift = 7 * (self.index - (count - 1) / 2)
        parts, path = [], []
        for ratio, mean, interval in sorted(self.bins, key=lambda one: one[0]):
            x, y = axes.x(ratio) + shift, axes.y(mean)
            path.append(f"{x:.1f},{y:.1f}")
            if interval is not None:
                low, high = map(axes.y, interval)
                parts.append(
                    f'<path class="line" d="M{x:.1f},{low:.1f}V{high:.1f}'
                    f'M{x - 4:.1f},{low:.1f}h8M{x - 4:.1f},{high:.1f}h8"/>'
                )
            parts.append(_marker(self.index, x, y))
        line = f'<polyline class="line" points="{" ".join(path)}"/>'
        return f'<g class="{_colour(self.index)}">{line}{"".join(parts)}</g>'


class _Axes:
    """Maps hole ratios and values to the sheet, and draws the grid."""

    def __init__(self, series: Sequence[_Series], top: int):
        self.top = top
        values = np.concatenate([one.values for one in series])
        # A few far points, such as the PSNR of an untouched photo, would flatten all.
        bounds = [*np.quantile(values, (0.005, 0.995))]
        for one in series:
            for _, mean, interval in one.bins:
                bounds += [mean, *(interval or ())]
        self.y_ticks = _ticks(min(bounds), max(bounds))
        self.x_ticks = _ticks(0, max(float(one.ratios.max()) for one in series))

    def holds(self, value: float) -> bool:
        return self.y_ticks[0] <= value <= self.y_ticks[-1]

    def x(self, ratio: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ratio / self.x_ticks[-1]

    def y(self, value: float) -> float:
        low, high = self.y_ticks[0], self.y_ticks[-1]
        return self.top + (HEIGHT - BOTTOM) * (high - value) / (high - low)

    def draw(self, y_title: str) -> list[str]:
        bottom, parts = self.top + HEIGHT - BOTTOM, []
        step = self.y_ticks[1] - self.y_ticks[0]
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        digits += not math.isclose(round(step, digits), step, rel_tol=1e-6)
        for tick in self.y_ticks:
            y = self.y(tick)
            parts.append(
                f'<path class="grid" d="M{LEFT},{y:.1f}H{WIDTH - RIGHT}"/>'
                f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
                f"{tick:.{digits}f}</text>"
            )
        for tick in self.x_ticks:
            x = self.x(tick)
            parts.append(
                f'<path class="grid" d="M{x:.1f},{self.top}V{bottom}"/>'
                f'<text x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">'
                f"{100 * tick:g}%</text>"
            )
        middle = self.top + (HEIGHT - BOTTOM) / 2
        parts.append(
            f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{bottom + 42}" '
            'text-anchor="middle">hole ratio</text>'
            f'<text transform="translate(14,{middle}) rotate(-90)" '
            f'text-anchor="middle">{escape(y_title)}</text>'
        )
        return parts


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, evenly apart, that hold a range."""
    span = (high - low) or abs(high) or 1.0
    power = 10 ** math.floor(math.log10(span / TICKS))
    step = next(s * power for s in (1, 2, 2.5, 5, 10, 20) if s * power * TICKS >= span)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first + 1) + 1)]


def _legend(series: _Series, y: int) -> str:
    return (
        f'<g class="{_colour(series.index)}">{_marker(series.index, LEFT + 6, y - 4)}'
        f'<text x="{LEFT + 20}" y="{y}">{escape(series.label)}</text></g>'
    )


def _marker(index: int, x: float, y: float) -> str:
    shape = MARKERS[index % len(MARKERS)]
    return f'<path class="mean" transform="translate({x:.1f},{y:.1f})" d="{shape}"/>'


def _colour(index: int) -> str:
    return f"s{index % len(COLOURS)}"
