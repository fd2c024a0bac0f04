"""Six photos with damage that people repair, for the first picture of `demo`.

The photos are CC0 or in the public domain; `demo/ATTRIBUTION.csv` names their sources.
The damage is drawn here, and each mask is what was drawn, grown by a pixel.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FOLDER = Path(__file__).parent / "demo"
_FINE = 4  # damage is drawn this many times larger, for smooth outlines

Draw = Callable[[ImageDraw.ImageDraw, int, int], None]


class Damaged(NamedTuple):
    """A photo and what to fill in it.

    Attributes:
        caption: what is wrong with the photo.
        image: uint8 `(H, W, 3)`, all photos of one size.
        mask: bool `(H, W)`, True = hole.
    """

    caption: str
    image: np.ndarray
    mask: np.ndarray


def damaged_photos() -> list[Damaged]:
    """Draws the damage onto the photos."""
    return [_damaged(*task) for task in _TASKS]


def _damaged(
    caption: str, name: str, draw: Draw, colour: tuple[int, int, int] | None
) -> Damaged:
    photo = Image.open(FOLDER / name).convert("RGB")
    layer = Image.new("L", (photo.width * _FINE, photo.height * _FINE))
    draw(ImageDraw.Draw(layer), *layer.size)
    layer = layer.reduce(_FINE)
    if colour is not None:
        photo.paste(colour, mask=layer)
    mask = np.asarray(layer.filter(ImageFilter.MaxFilter(3))) > 0
    return Damaged(caption, np.asarray(photo), mask)


def _power_line(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    across = np.linspace(0, 1, 60)
    for left, right, sag in (
        (0.10, 0.20, 0.10),
        (0.17, 0.26, 0.10),
        (0.40, 0.30, 0.08),
    ):
        down = left + (right - left) * across + 4 * sag * across * (1 - across)
        pen.line(_points(across * width, down * height), fill=255, width=8)


def _scratches(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    random = np.random.default_rng(3)
    down = np.linspace(-0.02, 1.02, 40)
    for top, bottom, thickness in ((0.16, 0.93, 11), (0.68, 0.55, 6), (0.05, 0.35, 5)):
        across = top + (bottom - top) * down + random.normal(0, 0.004, down.size)
        pen.line(_points(across * width, down * height), fill=255, width=thickness)
    for x, y, radius in random.uniform((0, 0, 3), (width, height, 10), (25, 3)):
        pen.circle((x, y), radius, fill=255)


def _lettering(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    font = ImageFont.load_default(110 * _FINE)
    pen.text((0.5 * width, 0.42 * height), "SAMPLE", 255, font, anchor="mm")


def _date_stamp(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    font = ImageFont.load_default(26 * _FINE)
    pen.text((0.96 * width, 0.94 * height), "'98  8 14", 255, font, anchor="rs")


def _torn_corner(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    random = np.random.default_rng(5)
    along = np.linspace(0, 1, 30)
    x = 0.24 * width * along + random.normal(0, 8, along.size)
    y = 0.28 * height * (1 - along) + random.normal(0, 8, along.size)
    pen.polygon([(0, 0), *_points(x, y)], fill=255)


def _barrels(pen: ImageDraw.ImageDraw, width: int, height: int) -> None:
    outline = ((0.827, 0.869), (0.979, 0.844), (0.988, 0.981), (0.829, 0.987))
    pen.polygon([(x * width, y * height) for x, y in outline], fill=255)


def _points(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


_TASKS = (
    ("a power line", "sunset.jpg", _power_line, (28, 26, 28)),
    ("scratches on a print", "works.jpg", _scratches, (245, 240, 228)),
    ("lettering", "palace.jpg", _lettering, (255, 255, 255)),
    ("barrels to remove", "street.jpg", _barrels, None),
    ("a torn corner", "church.jpg", _torn_corner, (250, 250, 248)),
    ("a date stamp", "falls.jpg", _date_stamp, (255, 140, 30)),
)
