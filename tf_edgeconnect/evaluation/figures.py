"""Draws the figures of a report: plots against the hole ratio, and picture sheets.

Sheets show the best, median, worst and random pictures. Pictures are ranked by L1
divided by the hole ratio, the mean error inside the hole: by plain L1 the best would be
those with the smallest holes.
"""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.evaluation.pictures import Picture, read_picture
from tf_edgeconnect.evaluation.results import (
    ALL,
    Evaluation,
    ImageResult,
    edges_path,
    filled_path,
)
from tf_edgeconnect.evaluation.summary import METRICS, Summary, values
from tf_edgeconnect.figures import Row, grid, photo_with_hole, save, sheet
from tf_edgeconnect.photos.reading import read_edges, read_photo

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
ROWS = 3
SEED = 0
SHEET_RULE = (
    "Best, median and worst are by L1 divided by the hole ratio, the mean error inside "
    "the hole; random ones are drawn with a fixed seed."
)
SIDE_BY_SIDE_RULE = "Pictures drawn with a fixed seed."


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


def write_sheets(
    evaluations: Sequence[Evaluation], folder: Path
) -> dict[str, tuple[str, list[tuple[str, Path]]]]:
    """Draws the sheets of each system and, of several, one that compares them.

    Args:
        evaluations: of the same pictures.
        folder: for the PNG files; existing ones are replaced.

    Returns:
        Heading -> how the pictures were chosen, and captions and files of the sheets.

    Raises:
        InputError: a photo or a result cannot be read.
    """
    sheets = {}
    if len(evaluations) > 1:
        path = folder / "side_by_side.png"
        rows, captions = [], []
        for image in choose(evaluations[0].images)["random"]:
            _, photo, hole, _ = _picture(evaluations[0], image.name)
            filled = [_filled(one, image.name) for one in evaluations]
            rows.append([photo, photo_with_hole(photo, hole), *filled])
            captions.append([_name_and_hole(image)])
        heads = ["photo", "hole", *(one.system for one in evaluations)]
        save(path, grid(rows, heads=heads, captions=captions))
        figures = [("the same pictures, filled by each", path)]
        sheets["Side by side"] = SIDE_BY_SIDE_RULE, figures
    for number, evaluation in enumerate(evaluations, start=1):
        figures = []
        for case, images in choose(evaluation.images).items():
            path = folder / f"{number}_{case}.png"
            save(path, sheet([_row(evaluation, image) for image in images]))
            figures.append((case, path))
        sheets[f"Pictures of {evaluation.system}"] = SHEET_RULE, figures
    return sheets


def choose(images: Sequence[ImageResult]) -> dict[str, list[ImageResult]]:
    """Chooses "best" (best first), "median", "worst" (worst first) and "random"."""
    ranked = sorted(images, key=_error_inside)
    count = min(ROWS, len(ranked))
    middle = (len(ranked) - count) // 2
    drawn = np.random.default_rng(SEED).choice(len(images), count, replace=False)
    return {
        "best": ranked[:count],
        "median": ranked[middle : middle + count],
        "worst": ranked[: -count - 1 : -1],
        "random": [images[i] for i in drawn],
    }


def _error_inside(image: ImageResult) -> tuple[float, str]:
    # The published L1 of two black pictures is NaN, which cannot be sorted.
    return np.nan_to_num(image.l1 / image.hole_ratio, nan=np.inf), image.name


def _row(evaluation: Evaluation, image: ImageResult) -> Row:
    _, photo, hole, _ = _picture(evaluation, image.name)
    edges = edges_path(evaluation.folder, image.name)
    texts = [_name_and_hole(image), f"L1 {image.l1:.2f}%"]
    texts += [f"PSNR {image.psnr:.2f} dB", f"SSIM {image.ssim:.4f}"]
    if image.lpips is not None:
        texts.append(f"LPIPS {image.lpips:.4f}")
    return Row(
        photo,
        hole,
        read_edges(edges) if edges.exists() else None,
        _filled(evaluation, image.name),
        "   ".join(texts),
    )


def _name_and_hole(image: ImageResult) -> str:
    # Long names differ at their ends.
    name = image.name if len(image.name) <= 40 else "…" + image.name[-39:]
    return f"{name}   hole {100 * image.hole_ratio:.0f}%"


def _picture(evaluation: Evaluation, name: str) -> Picture:
    manifest = evaluation.manifest
    item = next(item for item in manifest["items"] if item["name"] == name)
    return read_picture(item, evaluation.details, manifest["size"])


def _filled(evaluation: Evaluation, name: str) -> np.ndarray:
    return read_photo(filled_path(evaluation.folder, name)).rgb()
