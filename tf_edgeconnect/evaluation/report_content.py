"""What a report says, before it is written as Markdown or HTML.

Enters: `Evaluation`s of the same pictures. Leaves: `Report`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from tf_edgeconnect.evaluation.bootstrap import ROUNDS, SEED
from tf_edgeconnect.evaluation.plots import plot
from tf_edgeconnect.evaluation.results import Evaluation
from tf_edgeconnect.evaluation.sheets import Sheet
from tf_edgeconnect.evaluation.summary import (
    METRICS,
    PER_PICTURE,
    Figures,
    differences,
    figures_by_bin,
)
from tf_edgeconnect.evaluation.table import Row, difference_rows, table_rows

PROTOCOLS = {
    "standard": "Protocol `standard`: PSNR and SSIM of RGB pictures, SSIM with a "
    "Gaussian window of 11 pixels; L1 is the mean absolute difference in % of 255.",
    "edgeconnect": "Protocol `edgeconnect`, as the published script: PSNR and SSIM of "
    "grey pictures, SSIM with a window of 51 pixels; L1 is the sum of |a - b| divided "
    "by the sum of a + b, in %.",
}
MASKS = {  # by the manifest's rule of pairing
    "by name": "masks of the photos' names",
    "seeded": "masks drawn by a seed",
    "one for all": "one mask for all",
    "block": "a block in the middle as the hole",
}
FIGURE_RULE = (
    "A figure is the mean of per-picture values over the whole completed picture: the "
    "known pixels, which are equal, count too."
)
INTERVAL_RULE = (
    f"Brackets hold 95 % bootstrap intervals ({ROUNDS:,} draws of pictures, seed "
    f"{SEED}, the same draws for every system). FID and edge scores are no means over "
    "pictures and have none."
)
EDGE_RULE = (
    "Edge precision, recall and F1 compare the drawn lines with the photo's own Canny "
    "edges inside the hole, from counts summed over pictures."
)
FID_RULE = (
    "FID is taken on the same pictures, each resized whole to 299 x 299 (antialiased "
    "bicubic), with the usual Inception network of 2015. The published script used "
    "another Inception network: no column here reproduces its FID."
)
DIFFERENCE_RULE = (
    "Means over pictures of a system's figure less that of the first one, paired by "
    "picture. Bold: the 95 % interval lies wholly on the better side of 0."
)


@dataclass(frozen=True)
class Report:
    """The content of a report.

    Attributes:
        title: of the page.
        facts: what was measured, a short phrase each.
        systems: labels, in the order of the columns.
        figures: of each system, by bin.
        rows: of the table.
        differences: rows of the table of differences from the first system; empty for
            one system.
        notes: what a reader of the figures must know, a line each.
        rules: how the figures were taken, a line each.
        plots: metric -> SVG.
        sheets: the figure sheets.
        manifest_sha256: of what was measured, equal for all systems.
        versions: "package version", of the first system.
    """

    title: str
    facts: tuple[str, ...]
    systems: tuple[str, ...]
    figures: tuple[dict[str, Figures], ...]
    rows: list[Row]
    differences: list[Row]
    notes: tuple[str, ...]
    rules: tuple[str, ...]
    plots: dict[str, str]
    sheets: list[Sheet]
    manifest_sha256: str
    versions: str


def make_report(
    evaluations: Sequence[Evaluation],
    sheets: list[Sheet],
    remarks: Sequence[str] = (),
) -> Report:
    """Works out all that a report says.

    Args:
        evaluations: one, or several that `read_comparable` has joined.
        sheets: their figure sheets.
        remarks: to be added to the notes.
    """
    first = evaluations[0]
    figures = tuple(map(figures_by_bin, evaluations))
    systems = tuple(one.system for one in evaluations)
    drawn = {name: plot(name, evaluations, figures) for name in PER_PICTURE}
    manifest_sha256 = _sha256(first.conditions())
    side = "own size" if first.size is None else f"{first.size} x {first.size}"
    return Report(
        title=f"Evaluation of {systems[0]}"
        if len(systems) == 1
        else f"Comparison of {len(systems)} systems",
        facts=(
            f"{len(first.images):,} pictures, {side}",
            f"protocol {first.protocol}",
            MASKS[first.manifest["pairing"]],
        ),
        systems=systems,
        figures=figures,
        rows=table_rows(figures),
        differences=difference_rows(
            [differences(first, other) for other in evaluations[1:]]
        ),
        notes=(*_notes(evaluations), *remarks),
        rules=(
            FIGURE_RULE,
            PROTOCOLS[first.protocol],
            _size_rule(first),
            INTERVAL_RULE,
            EDGE_RULE,
            FID_RULE,
        ),
        plots={name: svg for name, svg in drawn.items() if svg},
        sheets=sheets,
        manifest_sha256=manifest_sha256,
        versions=", ".join(map(" ".join, first.manifest["versions"].items())),
    )


def _notes(evaluations: Sequence[Evaluation]) -> list[str]:
    """Reasons, warnings and failures; what all systems share is told once."""
    told: dict[str, list[str]] = {}
    for one in evaluations:
        lines = [f"No {_name(key)}: {reason}" for key, reason in one.missing.items()]
        lines += one.warnings
        if one.failed:
            name, reason = next(iter(one.failed.items()))
            lines.append(f"{len(one.failed)} pictures failed; {name}: {reason}")
        for line in lines:
            told.setdefault(line, []).append(one.system)
    notes = [
        line if len(systems) == len(evaluations) else f"{', '.join(systems)}: {line}"
        for line, systems in told.items()
    ]
    if left_out := evaluations[0].manifest["left_out"]:
        first = left_out[0]
        notes.append(
            f"{len(left_out)} photos could not be measured and are left out of every "
            f"system; {first['name']}: {first['reason']}"
        )
    return notes


def _name(column: str) -> str:
    return METRICS[column].label if column in METRICS else column


def _size_rule(evaluation: Evaluation) -> str:
    if evaluation.size is None:
        return "Every photo was filled and measured at its own size."
    return (
        f"Of every photo the centre square was taken, resized to {evaluation.size} "
        "pixels (antialiased bilinear), then filled and measured."
    )


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
