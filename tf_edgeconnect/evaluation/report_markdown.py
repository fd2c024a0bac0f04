"""A report as Markdown; its pictures are files beside it."""

from collections.abc import Mapping
from pathlib import Path

from tf_edgeconnect.evaluation.plots import PLOT_RULE
from tf_edgeconnect.evaluation.report_content import DIFFERENCE_RULE, Report
from tf_edgeconnect.evaluation.sheets import SHEET_RULE
from tf_edgeconnect.evaluation.summary import METRICS
from tf_edgeconnect.evaluation.table import markdown


def markdown_page(report: Report, plots: Mapping[str, Path], folder: Path) -> str:
    """Writes a report.

    Args:
        report: what it says.
        plots: metric -> SVG file.
        folder: that of the report, to which the links are relative.

    Returns:
        The text.
    """
    parts = [f"# {report.title}", " · ".join(report.facts)]
    parts.append(markdown(report.rows, report.systems))
    if report.differences:
        parts += [
            f"## Differences from {report.systems[0]}",
            DIFFERENCE_RULE,
            markdown(report.differences, report.systems[1:]),
        ]
    if report.notes:
        parts += ["## Notes", _items(report.notes)]
    parts += ["## Against the hole ratio", PLOT_RULE]
    for metric, path in plots.items():
        parts.append(f"![{METRICS[metric].label}]({_link(path, folder)})")
    if report.sheets:
        parts += ["## Pictures", SHEET_RULE]
    for sheet in report.sheets:
        link = _link(sheet.path, folder)
        parts += [f"### {sheet.heading}", f"![{sheet.heading}]({link})"]
    parts += ["## How it was measured", _items(report.rules)]
    parts.append(f"Manifest SHA-256: `{report.manifest_sha256}`")
    parts.append(f"Versions: {report.versions}")
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _link(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _items(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {line}" for line in lines)
