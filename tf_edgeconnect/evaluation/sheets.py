"""Figure sheets of an evaluation: the best, median, worst and random pictures.

Enters: `Evaluation`s, whose photos and results are read from their folders. Leaves: PNG
files. Pictures are ranked by L1 divided by the hole ratio, which is the mean error
inside the hole: by plain L1 the best ones would be those with the smallest holes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tf_edgeconnect.evaluation.pictures import picture_of
from tf_edgeconnect.evaluation.results import (
    Evaluation,
    ImageResult,
    edges_path,
    filled_path,
)
from tf_edgeconnect.figures import Row, grid, photo_with_hole, save, sheet
from tf_edgeconnect.photos.reading import read_edges, read_photo

ROWS = 3
SEED = 0
LONGEST_NAME = 40  # characters; a tile is as wide as some 32
SHEET_RULE = (
    "Best, median and worst are by L1 divided by the hole ratio, the mean error inside "
    "the hole; random ones are drawn with a fixed seed."
)
SIDE_BY_SIDE_RULE = "Pictures drawn with a fixed seed."


class Sheet(NamedTuple):
    """A written sheet.

    Attributes:
        system: label of the system; "" for one of all systems.
        title: what its pictures are.
        path: the PNG file.
    """

    system: str
    title: str
    path: Path

    @property
    def heading(self) -> str:
        """Its title with its system."""
        return f"{self.system}: {self.title}" if self.system else self.title


def choose(images: Sequence[ImageResult]) -> dict[str, list[ImageResult]]:
    """Chooses the pictures of the sheets.

    Args:
        images: at least one.

    Returns:
        "best" (best first), "median", "worst" (worst first) and "random" pictures.
    """
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


def write_sheets(evaluations: Sequence[Evaluation], folder: Path) -> list[Sheet]:
    """Draws the sheets of each system, and one of all side by side if they are several.

    Args:
        evaluations: of the same pictures.
        folder: for the PNG files; existing ones are replaced.

    Returns:
        The sheets, that of all systems first.

    Raises:
        InputError: a photo or a result cannot be read, or is no longer there.
    """
    sheets = []
    if len(evaluations) > 1:
        path = folder / "side_by_side.png"
        save(path, _side_by_side(evaluations))
        sheets.append(Sheet("", "the same pictures, filled by each", path))
    for number, evaluation in enumerate(evaluations, start=1):
        for case, images in choose(evaluation.images).items():
            path = folder / f"{number}_{case}.png"
            save(path, sheet([_row(evaluation, image) for image in images]))
            sheets.append(Sheet(evaluation.system, case, path))
    return sheets


def caption(image: ImageResult) -> str:
    """A picture's name and figures in a line."""
    parts = [
        shortened(image.name),
        f"hole {100 * image.hole_ratio:.0f}%",
        f"L1 {image.l1:.2f}%",
        f"PSNR {image.psnr:.2f} dB",
        f"SSIM {image.ssim:.4f}",
    ]
    if image.lpips is not None:
        parts.append(f"LPIPS {image.lpips:.4f}")
    return "   ".join(parts)


def shortened(text: str) -> str:
    """Text that fits under or above a tile: its end says more than its start."""
    return text if len(text) <= LONGEST_NAME else "…" + text[1 - LONGEST_NAME :]


def _error_inside(image: ImageResult) -> tuple[float, str]:
    # The published L1 of two black pictures is NaN, which has no place in an order.
    return np.nan_to_num(image.l1 / image.hole_ratio, nan=np.inf), image.name


def _row(evaluation: Evaluation, image: ImageResult) -> Row:
    photo, hole = _photo_and_hole(evaluation, image.name)
    edges = edges_path(evaluation.folder, image.name)
    return Row(
        photo,
        hole,
        read_edges(edges) if edges.exists() else None,
        read_photo(filled_path(evaluation.folder, image.name)).rgb(),
        caption(image),
    )


def _photo_and_hole(evaluation: Evaluation, name: str) -> tuple[np.ndarray, np.ndarray]:
    items = evaluation.manifest["items"]
    item = next(item for item in items if item["name"] == name)
    return picture_of(item, evaluation.details, evaluation.size)[:2]


def _side_by_side(evaluations: Sequence[Evaluation]) -> Image.Image:
    rows, labels = [], []
    for image in choose(evaluations[0].images)["random"]:
        photo, hole = _photo_and_hole(evaluations[0], image.name)
        filled = [
            read_photo(filled_path(one.folder, image.name)).rgb() for one in evaluations
        ]
        rows.append([photo, photo_with_hole(photo, hole), *filled])
        labels.append([f"{shortened(image.name)}   hole {100 * image.hole_ratio:.0f}%"])
    systems = [shortened(one.system) for one in evaluations]
    return grid(rows, heads=["photo", "hole", *systems], captions=labels)
