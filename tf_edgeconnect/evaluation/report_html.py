"""A report as one HTML file: pictures inside, no scripts, nothing fetched."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from itertools import groupby

from tf_edgeconnect.evaluation.plots import PLOT_RULE
from tf_edgeconnect.evaluation.report_content import DIFFERENCE_RULE, Report
from tf_edgeconnect.evaluation.results import ALL
from tf_edgeconnect.evaluation.sheets import SHEET_RULE, SIDE_BY_SIDE_RULE, Sheet
from tf_edgeconnect.evaluation.table import Cell, Row


def html_page(report: Report) -> str:
    """Writes a report.

    Args:
        report: what it says.

    Returns:
        The text of the file.
    """
    sections = {"Table": _table(report.rows, report.systems)}
    if report.differences:
        sections[f"Differences from {report.systems[0]}"] = _rule(
            DIFFERENCE_RULE
        ) + _table(report.differences, report.systems[1:])
    if report.notes:
        sections["Notes"] = _items(report.notes)
    if report.plots:
        sections["Against the hole ratio"] = _plots(report)
    for system, sheets in groupby(report.sheets, key=lambda sheet: sheet.system):
        heading = f"Pictures of {system}" if system else "Side by side"
        rule = SHEET_RULE if system else SIDE_BY_SIDE_RULE
        sections[heading] = _rule(rule) + "".join(map(_sheet, sheets))
    sections["How it was measured"] = _items(report.rules) + _origin(report)
    style = resources.files(__package__).joinpath("report.css").read_text("utf-8")
    several = len(report.systems) > 1
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(report.title)}</title>",
            f"<style>{style}</style></head><body>",
            f"<header><h1>{escape(report.title)}</h1>",
            f'<p class="facts">{escape(" · ".join(report.facts))}</p></header>',
            _contents(sections) if several else "",
            "<main>",
            *(
                f'<section id="{_anchor(index)}"><h2>{escape(heading)}</h2>{body}'
                "</section>"
                for index, (heading, body) in enumerate(sections.items())
            ),
            "</main></body></html>\n",
        ]
    )


def _contents(sections: Iterable[str]) -> str:
    links = "".join(
        f'<li><a href="#{_anchor(index)}">{escape(heading)}</a></li>'
        for index, heading in enumerate(sections)
    )
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def _anchor(index: int) -> str:
    return f"section-{index + 1}"


def _table(rows: Sequence[Row], systems: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in systems)
    bodies = "".join(
        f"<tbody>{_metric_rows(list(group))}</tbody>"
        for _, group in groupby(rows, key=lambda row: row.metric)
    )
    return (
        '<div class="wide" role="region" aria-label="Table" tabindex="0">'
        '<table><thead><tr><th scope="col" class="metric">Metric</th>'
        '<th scope="col" class="bin">Hole</th><th scope="col">n</th>'
        f"{heads}</tr></thead>{bodies}</table></div>"
    )


def _metric_rows(rows: Sequence[Row]) -> str:
    head = (
        f'<th scope="rowgroup" class="metric" rowspan="{len(rows)}">'
        f"{escape(rows[0].head)}</th>"
    )
    lines = []
    for index, row in enumerate(rows):
        kind = ' class="all"' if row.bin == ALL else ""
        lines.append(
            f"<tr{kind}>{head if index == 0 else ''}"
            f'<th scope="row" class="bin">{escape(row.bin)}</th><td>{row.n:,}</td>'
            f"{''.join(map(_cell, row.cells))}</tr>"
        )
    return "".join(lines)


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    bounds = f"<small>{cell.interval}</small>" if cell.interval else ""
    if cell.best:
        return f'<td class="best"><b>{text}</b>{bounds}</td>'
    return f"<td>{text}{bounds}</td>"


def _plots(report: Report) -> str:
    figures = "".join(f"<figure>{svg}</figure>" for svg in report.plots.values())
    return f'{_rule(PLOT_RULE)}<div class="plots">{figures}</div>'


def _sheet(sheet: Sheet) -> str:
    data = base64.b64encode(sheet.path.read_bytes()).decode()
    return (
        f"<h3>{escape(sheet.title.capitalize())}</h3><figure>"
        f'<img alt="{escape(sheet.heading)}" src="data:image/png;base64,{data}">'
        "</figure>"
    )


def _origin(report: Report) -> str:
    return (
        f"<p>Manifest SHA-256: <code>{report.manifest_sha256}</code></p>"
        f"<p>Versions: {escape(report.versions)}</p>"
    )


def _items(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _rule(text: str) -> str:
    return f'<p class="rule">{escape(text)}</p>'
