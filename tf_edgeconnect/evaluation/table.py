"""The paper's table: rows of metric and hole ratio, one column a system.

Enters: the figures of each system by bins. Leaves: rows, as Markdown or as LaTeX
(booktabs). The best figure of a row is bold, both where two print alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tf_edgeconnect.evaluation.results import ALL
from tf_edgeconnect.evaluation.summary import METRICS, Difference, Figures

UP, DOWN = "↑", "↓"
NOTHING = "–"
_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    UP: r"$\uparrow$",
    DOWN: r"$\downarrow$",
    "–": "--",
}


@dataclass(frozen=True)
class Cell:
    """A figure as it is printed.

    Attributes:
        text: the figure, or a dash.
        interval: "[low, high]", or "".
        best: of its row.
    """

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Row:
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
    cells: tuple[Cell, ...]

    @property
    def head(self) -> str:
        """The metric's label with an arrow to where it is better."""
        metric = METRICS[self.metric]
        return f"{metric.label} {UP if metric.higher_is_better else DOWN}"


def table_rows(systems: Sequence[Mapping[str, Figures]]) -> list[Row]:
    """Lays out the table.

    Args:
        systems: of each, its figures by bins; all have the same bins.

    Returns:
        A metric's rows stand together; one that no system has keeps one row of dashes.
        Edge scores that no system has are left out.
    """
    rows = []
    for metric in METRICS:
        bins = [
            label
            for label in systems[0]
            if any(metric in figures[label].values for figures in systems)
        ]
        if not bins and metric in ("lpips", "fid"):
            bins = [ALL]
        for label in bins:
            figures = [system[label] for system in systems]
            rows.append(Row(metric, label, figures[0].n, _cells(metric, figures)))
    return rows


def difference_rows(
    systems: Sequence[Mapping[str, Mapping[str, Difference]]],
) -> list[Row]:
    """Lays out the table of differences from the first system.

    Args:
        systems: of each other one, what `summary.differences` gives; all have the same
            bins.

    Returns:
        One row a metric and bin; a difference is bold where its interval is all on the
        better side of 0.
    """
    rows = []
    for metric in METRICS:
        for label in systems[0] if systems else ():
            found = [other[label].get(metric) for other in systems]
            count = max((one.n for one in found if one), default=0)
            if count:
                cells = (_difference_cell(metric, one) for one in found)
                rows.append(Row(metric, label, count, tuple(cells)))
    return rows


def markdown(rows: Sequence[Row], systems: Sequence[str]) -> str:
    """The table in Markdown; `systems` are the heads of its columns."""
    heads = ["metric", "hole", "n", *(name.replace("|", r"\|") for name in systems)]
    lines = [_line(heads), _line(["---", "---", "--:", *["--:"] * len(systems)])]
    lines += [
        _line([row.head, row.bin, f"{row.n:,}", *map(_markdown_cell, row.cells)])
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def latex(rows: Sequence[Row], systems: Sequence[str], caption: str) -> str:
    """The table in LaTeX, to be read into a document; it needs the booktabs package.

    Args:
        rows: of `table_rows`.
        systems: heads of the columns.
        caption: plain text.

    Returns:
        A `table` environment.
    """
    heads = ["Metric", "Hole", "$n$", *map(escape_latex, systems)]
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        r"\label{tab:inpainting}",
        rf"\begin{{tabular}}{{llr{'r' * len(systems)}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
    ]
    before = None
    for row in rows:
        if row.metric != before:
            lines.append(r"\midrule")
        head = "" if row.metric == before else escape_latex(row.head)
        cells = [head, escape_latex(row.bin), str(row.n), *map(_latex_cell, row.cells)]
        lines.append(" & ".join(cells) + r" \\")
        before = row.metric
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """Plain text as LaTeX prints it."""
    return "".join(_LATEX.get(character, character) for character in text)


def _cells(metric: str, figures: Sequence[Figures]) -> tuple[Cell, ...]:
    _, higher_is_better, digits = METRICS[metric]
    values = [one.values.get(metric) for one in figures]
    printed = [None if value is None else round(value, digits) for value in values]
    known = [value for value in printed if value is not None]
    best = (max if higher_is_better else min)(known) if len(known) > 1 else None
    cells = []
    for value, one in zip(printed, figures, strict=True):
        if value is None:
            cells.append(Cell(NOTHING))
            continue
        interval = one.intervals.get(metric)
        bounds = "" if interval is None else _bounds(interval, digits)
        cells.append(Cell(f"{value:.{digits}f}", bounds, value == best))
    return tuple(cells)


def _difference_cell(metric: str, difference: Difference | None) -> Cell:
    if difference is None:
        return Cell(NOTHING)
    _, higher_is_better, digits = METRICS[metric]
    low, high = difference.interval
    better = low > 0 if higher_is_better else high < 0
    interval = _bounds((low, high), digits, "+")
    return Cell(f"{difference.mean:+z.{digits}f}", interval, better)


def _bounds(interval: tuple[float, float], digits: int, sign: str = "") -> str:
    low, high = interval
    return f"[{low:{sign}z.{digits}f}, {high:{sign}z.{digits}f}]"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _markdown_cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.best else cell.text
    return f"{text} {cell.interval}".rstrip()


def _latex_cell(cell: Cell) -> str:
    text = escape_latex(cell.text)
    text = rf"\textbf{{{text}}}" if cell.best else text
    # A bracket after a line's end would be read as an argument of \\.
    return rf"{text} {{\scriptsize {cell.interval}}}" if cell.interval else text
