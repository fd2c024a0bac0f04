"""Writes the report of one system, or of several side by side.

| file | holds |
|---|---|
| `report.html` | table, plots and figure sheets in one file |
| `report.md` | the same, with its pictures in `figures/` |
| `report.json` | each system's figures for each bin and `all` |
| `table.tex` | the table alone; it needs the booktabs package |
| `images.csv` | each picture's figures |
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tf_edgeconnect.atomic import write_text
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.bootstrap import LEVEL, ROUNDS, SEED
from tf_edgeconnect.evaluation.report_content import Report, make_report
from tf_edgeconnect.evaluation.report_html import html_page
from tf_edgeconnect.evaluation.report_markdown import markdown_page
from tf_edgeconnect.evaluation.results import Evaluation
from tf_edgeconnect.evaluation.sheets import write_sheets
from tf_edgeconnect.evaluation.table import latex

COUNTS = ("edge_true_positives", "edge_false_positives", "edge_false_negatives")


def write_report(evaluations: Sequence[Evaluation], output: Path) -> Report:
    """Writes all files of a report; those of an earlier one are replaced.

    Args:
        evaluations: one, or several that `compare.read_comparable` has joined.
        output: the folder, which is made where it is missing.

    Returns:
        What the report says.

    Raises:
        OSError: the folder cannot be written to.
    """
    folder = output / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    sheets, remarks = [], []
    try:
        sheets = write_sheets(evaluations, folder)
    except InputError as error:
        remarks = [f"There are no figure sheets: {error}"]
    report = make_report(evaluations, sheets, remarks)
    plots = {metric: folder / f"{metric}.svg" for metric in report.plots}
    for metric, path in plots.items():
        write_text(path, report.plots[metric])
    write_text(output / "report.html", html_page(report))
    write_text(output / "report.md", markdown_page(report, plots, output))
    write_text(output / "report.json", json.dumps(_json(report, evaluations), indent=1))
    caption = f"{report.title}: {', '.join(report.facts)}. 95 % bootstrap intervals."
    write_text(output / "table.tex", latex(report.rows, report.systems, caption))
    write_text(output / "images.csv", _csv(evaluations))
    return report


def _json(report: Report, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    first = evaluations[0]
    return {
        "protocol": first.protocol,
        "size": first.size,
        "manifest_sha256": report.manifest_sha256,
        "interval": {"level": LEVEL, "rounds": ROUNDS, "seed": SEED},
        "rules": report.rules,
        "notes": report.notes,
        "versions": {one.system: one.manifest["versions"] for one in evaluations},
        "missing": {one.system: one.missing for one in evaluations},
        "systems": {
            system: {label: one.json() for label, one in figures.items()}
            for system, figures in zip(report.systems, report.figures, strict=True)
        },
    }


def _csv(evaluations: Sequence[Evaluation]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    metrics = ("l1", "psnr", "ssim", "lpips")
    writer.writerow(["system", "name", "bin", "hole_ratio", *metrics, *COUNTS])
    for one in evaluations:
        for image in one.images:
            values = [getattr(image, metric) for metric in metrics]
            counts = image.edge_counts or (None,) * len(COUNTS)
            start = [one.system, image.name, image.bin, image.hole_ratio]
            writer.writerow([*start, *values, *counts])
    return text.getvalue()
