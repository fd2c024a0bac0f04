"""Writes the report of one system, or a comparison of several.

| file | holds |
|---|---|
| `report.html` | table, plots and sheets of pictures in one file |
| `report.md` | the same, with its pictures in `figures/` |
| `report.json` | each system's metrics for each bin and `all` |
| `table.tex` | only the table; needs the booktabs package |
| `images.csv` | each picture's metrics |
"""

import base64
import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from tf_edgeconnect.atomic import write_bytes, write_json, write_text
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.figures import PLOT_RULE, plot, write_sheets
from tf_edgeconnect.evaluation.results import Evaluation
from tf_edgeconnect.evaluation.summary import (
    EDGE_SCORES,
    LEVEL,
    METRICS,
    PER_PICTURE,
    ROUNDS,
    SEED,
    Estimate,
    Row,
    Summary,
    differences,
    edge_counts,
    summarize,
    table_rows,
)

PROTOCOLS = {
    "standard": "Protocol `standard`: PSNR and SSIM of RGB pictures, SSIM with a "
    "Gaussian window of 11 pixels; L1 is the mean absolute difference in % of 255.",
    "edgeconnect": "Protocol `edgeconnect`, as the published script: PSNR and SSIM of "
    "grey pictures, SSIM with a window of 51 pixels; L1 is the sum of |a - b| divided "
    "by the sum of a + b, in %.",
}
RULES = (
    "Metrics are the mean of per-picture values over the whole completed picture, "
    "including its known pixels, which are equal.",
    f"Brackets hold 95 % bootstrap intervals ({ROUNDS:,} draws of pictures, seed "
    f"{SEED}, the same draws for every system). FID and edge scores are not means over "
    "pictures and have none.",
    "Edge scores compare the predicted edges with the photo's own Canny edges inside "
    "the hole, from counts summed over pictures. Precision, recall and F1 are those at "
    "a threshold; average precision is over all thresholds.",
    "FID is computed from the same pictures, each resized whole to 299 x 299 "
    "(antialiased bicubic), with the usual Inception network of 2015. The published "
    "script used another Inception network: no column here reproduces its FID.",
)
DIFFERENCE_RULE = (
    "Means over pictures of a system's value less that of the first system, paired by "
    "picture. Bold: the whole 95 % interval is on the better side of 0."
)
LATEX = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "–": "--",
}


@dataclass(frozen=True)
class Section:
    """The content under a heading of a report.

    Attributes:
        text: a paragraph.
        systems: headings of the columns of `rows`.
        rows: of a table.
        lines: of a list.
        figures: captions and files of pictures.
    """

    text: str = ""
    systems: Sequence[str] = ()
    rows: Sequence[Row] = ()
    lines: Sequence[str] = ()
    figures: Sequence[tuple[str, Path]] = ()


def write_report(evaluations: Sequence[Evaluation], output: Path) -> dict[str, Section]:
    """Writes all files of a report, replacing those of an earlier one.

    Args:
        evaluations: one, or several from `read_comparable`.
        output: the folder; made if missing.

    Returns:
        Heading -> section of the report.

    Raises:
        OSError: the folder cannot be written to.
    """
    first, manifest = evaluations[0], evaluations[0].manifest
    systems = [one.system for one in evaluations]
    summaries = [summarize(one) for one in evaluations]
    notes, rules = _notes(evaluations), _rules(first)
    figures = _figures(evaluations, summaries, output / "figures", notes)
    changes = [differences(first, other) for other in evaluations[1:]]
    sections = {
        "Table": Section(systems=systems, rows=table_rows(summaries)),
        f"Differences from {first.system}": Section(
            DIFFERENCE_RULE, systems[1:], table_rows(changes, signed=True)
        ),
        "Notes": Section(lines=notes),
        **figures,
        "How it was measured": Section(lines=rules),
    }
    sections = {k: x for k, x in sections.items() if x.rows or x.lines or x.figures}
    several, size = len(systems) > 1, manifest["size"]
    page = {
        "title": f"Comparison of {len(systems)} systems"
        if several
        else f"Evaluation of {first.system}",
        "facts": [
            f"{len(first.images):,} pictures",
            f"{size} x {size}" if size else "own size",
            f"protocol {manifest['protocol']}",
            f"masks: {manifest['pairing']}",
        ],
        "sections": sections,
    }
    templates = _templates()
    for name in ("report.html", "report.md", "table.tex"):
        text = templates.get_template(f"{name}.jinja").render(page)
        write_text(output / name, text)
    write_text(output / "images.csv", _csv(evaluations))
    content = {
        "protocol": manifest["protocol"],
        "size": size,
        "manifest_sha256": _manifest_sha256(first),
        "interval": {"level": LEVEL, "rounds": ROUNDS, "seed": SEED},
        "rules": rules,
        "notes": notes,
        "versions": {one.system: one.manifest["versions"] for one in evaluations},
        "missing": {one.system: one.missing for one in evaluations},
        "systems": {
            system: {label: _json(estimates) for label, estimates in summary.items()}
            for system, summary in zip(systems, summaries, strict=True)
        },
    }
    write_json(output / "report.json", content, indent=1)
    return sections


def _figures(
    evaluations: Sequence[Evaluation],
    summaries: Sequence[Summary],
    folder: Path,
    notes: list[str],
) -> dict[str, Section]:
    """Writes plots and sheets; adds a note if sheets cannot be drawn."""
    plots = []
    for metric in PER_PICTURE:
        if svg := plot(metric, evaluations, summaries):
            plots.append((METRICS[metric].label, folder / f"{metric}.svg"))
            write_bytes(plots[-1][1], svg)
    sections = {"Against the hole ratio": Section(PLOT_RULE, figures=plots)}
    try:
        for heading, (text, sheets) in write_sheets(evaluations, folder).items():
            sections[heading] = Section(text, figures=sheets)
    except InputError as error:
        notes.append(f"There are no sheets of pictures: {error}")
    return sections


def markdown(section: Section) -> str:
    """Returns the table of a section in Markdown."""
    systems = [name.replace("|", r"\|") for name in section.systems]
    lines = [["metric", "hole", "n", *systems]]
    lines.append(["---", "---", "--:", *["--:"] * len(systems)])
    for row in section.rows:
        cells = [
            f"{f'**{text}**' if best else text} {interval}".rstrip()
            for text, interval, best in row.cells
        ]
        lines.append([row.head, row.bin, f"{row.n:,}", *cells])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex(text: str) -> str:
    """Escapes plain text for LaTeX."""
    return "".join(LATEX.get(character, character) for character in text)


def _embedded(path: Path) -> str:
    kind = {".svg": "svg+xml", ".png": "png"}[path.suffix]
    return f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=lambda name: name == "report.html.jinja",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"embedded": _embedded, "latex": latex, "markdown": markdown}
    return environment


def _json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Returns a bin as `report.json` holds it; missing metrics are null."""
    values: dict[str, Any] = dict.fromkeys((*PER_PICTURE, "fid", *EDGE_SCORES))
    values |= {name: x.value for name, x in estimates.items()}
    edges = {name: values.pop(name) for name in EDGE_SCORES}
    return {
        "n": estimates["psnr"].n,
        **values,
        "intervals": {name: x.interval for name, x in estimates.items() if x.interval},
        "edges": edges if any(x is not None for x in edges.values()) else None,
    }


def _csv(evaluations: Sequence[Evaluation]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    fields = ("name", "bin", "hole_ratio", "l1", "psnr", "ssim", "lpips")
    counts = ("true_positives", "false_positives", "false_negatives")
    writer.writerow(["system", *fields, *(f"edge_{count}" for count in counts)])
    for one in evaluations:
        for image in one.images:
            found: Any = [None] * len(counts)
            if image.edge_histogram is not None:
                found = edge_counts(image.edge_histogram, one.edge_threshold)
            values = [getattr(image, field) for field in fields]
            writer.writerow([one.system, *values, *found])
    return text.getvalue()


def _notes(evaluations: Sequence[Evaluation]) -> list[str]:
    """Lists reasons, warnings and failures; those of all systems only once."""
    systems_by_line: dict[str, list[str]] = {}
    for one in evaluations:
        lines = [f"No {METRICS[key].label}: {why}" for key, why in one.missing.items()]
        lines += one.warnings
        if one.failed:
            name, reason = next(iter(one.failed.items()))
            lines.append(f"{len(one.failed)} pictures failed; {name}: {reason}")
        for line in lines:
            systems_by_line.setdefault(line, []).append(one.system)
    notes = [
        line if len(systems) == len(evaluations) else f"{', '.join(systems)}: {line}"
        for line, systems in systems_by_line.items()
    ]
    if left_out := evaluations[0].manifest["left_out"]:
        first = left_out[0]
        notes.append(
            f"{len(left_out)} photos could not be measured and are left out of every "
            f"system; {first['name']}: {first['reason']}"
        )
    return notes


def _rules(evaluation: Evaluation) -> list[str]:
    manifest = evaluation.manifest
    size = manifest["size"]
    how = "Every photo was filled and measured at its own size."
    if size is not None:
        how = (
            f"The centre square of every photo was resized to {size} pixels "
            "(antialiased bilinear), then filled and measured."
        )
    versions = ", ".join(map(" ".join, manifest["versions"].items()))
    return [
        PROTOCOLS[manifest["protocol"]],
        how,
        *RULES,
        f"Manifest SHA-256: {_manifest_sha256(evaluation)}",
        f"Versions: {versions}",
    ]


def _manifest_sha256(evaluation: Evaluation) -> str:
    measured = {k: v for k, v in evaluation.manifest.items() if k != "versions"}
    text = json.dumps(measured, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
