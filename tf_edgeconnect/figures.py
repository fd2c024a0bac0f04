"""Sheets of pictures: photo, hole, edges and filled photo side by side.

NumPy arrays enter, float in [0, 1] or uint8; a Pillow image leaves. Known lines are
drawn black, imagined ones (inside the hole) blue, on white. Training samples, the demo
and reports all use this one picture. Masks follow the convention of `masking.py`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_edgeconnect.atomic import new_file

PAPER = (250, 250, 248)
FRAME = (214, 214, 210)
TEXT = (70, 70, 74)
HOLE = (226, 227, 230)
HOLE_TINT = (234, 241, 253)  # under the imagined lines
KNOWN_LINE = (20, 20, 24)
IMAGINED_LINE = (24, 92, 224)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

MARGIN, GAP, CAPTION_GAP = 20, 10, 9
SMALL_SIZE, CAPTION_SIZE, TITLE_SIZE = 12, 15, 20


class Row(NamedTuple):
    """One photo on a sheet; what is None is left blank.

    Attributes:
        image: `(H, W, 3)` or `(H, W, 1)`, the whole photo.
        mask: `(H, W)` or `(H, W, 1)`, 1 (or 255) = hole.
        edge: `(H, W)` or `(H, W, 1)`, composite edges, white = line.
        filled: shape of `image`, the photo with its hole painted.
        label: a short text under the row.
    """

    image: np.ndarray
    mask: np.ndarray
    edge: np.ndarray | None = None
    filled: np.ndarray | None = None
    label: str = ""


def sheet(rows: Sequence[Row], *, tile: int = 256, title: str = "") -> Image.Image:
    """Lays out rows of photo, hole, edges and filled photo.

    Args:
        rows: at least one; a column that no row has is left out.
        tile: longer side of each picture on the sheet, in pixels.
        title: a line above all.

    Returns:
        An RGB image.

    Raises:
        ValueError: there are no rows, or an array is not of its row's size.

    Example:
        >>> sheet([Row(image, mask, edge, filled)]).save("sample.png")
    """
    if not rows:
        raise ValueError("a sheet needs at least one row, got none")
    for row in rows:
        _check(row)
    columns = {caption: [*map(draw, rows)] for caption, draw in COLUMNS.items()}
    columns = {
        caption: pictures
        for caption, pictures in columns.items()
        if any(picture is not None for picture in pictures)
    }
    return grid(
        list(columns),
        list(zip(*columns.values(), strict=True)),
        [row.label for row in rows],
        tile=tile,
        title=title,
    )


def grid(
    captions: Sequence[str],
    rows: Sequence[Sequence[np.ndarray | None]],
    labels: Sequence[str],
    *,
    tile: int = 256,
    title: str = "",
) -> Image.Image:
    """Lays out rows of pictures under captions.

    Args:
        captions: one a column.
        rows: of each, a uint8 `(H, W, 3)` a column, at least one; None is left blank.
            Pictures of a row have one size.
        labels: a short text under each row, or "".
        tile: longer side of each picture on the sheet, in pixels.
        title: a line above all.

    Returns:
        An RGB image.
    """
    heights = [_fit(_first(row).shape, tile)[1] for row in rows]
    label_height = CAPTION_SIZE + CAPTION_GAP
    below = [GAP + (label_height if label else 0) for label in labels]
    top = MARGIN + (TITLE_SIZE + MARGIN if title else 0)
    tops = [top + label_height]
    for row_height, space in zip(heights, below, strict=True):
        tops.append(tops[-1] + row_height + space)
    width = 2 * MARGIN + len(captions) * (tile + GAP) - GAP
    page = Image.new("RGB", (width, tops.pop() - GAP + MARGIN), PAPER)
    pen = ImageDraw.Draw(page)
    if title:
        pen.text((MARGIN, MARGIN), title, TEXT, ImageFont.load_default(TITLE_SIZE))
    font = ImageFont.load_default(CAPTION_SIZE)
    for index, caption in enumerate(captions):
        left = MARGIN + index * (tile + GAP)
        pen.text((left + tile / 2, top), caption, TEXT, font, anchor="ma")
        for row, y in zip(rows, tops, strict=True):
            _place(page, row[index], left, y, tile)
    for label, y, row_height in zip(labels, tops, heights, strict=True):
        pen.text((MARGIN, y + row_height + CAPTION_GAP / 2), label, TEXT, font)
    return page


class Tile(NamedTuple):
    """One picture of a contact sheet.

    Attributes:
        caption: lines under the picture; what is too long for it is cut.
        image: `(H, W)`, `(H, W, 1)` or `(H, W, 3)`, float in [0, 1] or uint8; None
            leaves the place empty.
    """

    caption: str
    image: np.ndarray | None


def contact_sheet(
    tiles: Sequence[Tile], *, columns: int = 8, tile: int = 144, title: str = ""
) -> Image.Image:
    """Lays out many small pictures, row by row, each with its caption.

    Args:
        tiles: at least one.
        columns: pictures in a row, at most.
        tile: side of the square that each picture is fitted into, in pixels.
        title: a line above all.

    Returns:
        An RGB image.

    Raises:
        ValueError: there are no tiles.
    """
    if not tiles:
        raise ValueError("a contact sheet needs at least one tile, got none")
    columns = min(columns, len(tiles))
    lines = max(item.caption.count("\n") + 1 for item in tiles)
    step = tile + GAP + lines * (SMALL_SIZE + 3) + CAPTION_GAP
    top = MARGIN + (TITLE_SIZE + MARGIN if title else 0)
    height = top + -(-len(tiles) // columns) * step + MARGIN - GAP
    width = 2 * MARGIN + columns * (tile + GAP) - GAP
    page = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, MARGIN), title, TEXT, ImageFont.load_default(TITLE_SIZE))
    font = ImageFont.load_default(SMALL_SIZE)
    for index, (caption, image) in enumerate(tiles):
        left = MARGIN + index % columns * (tile + GAP)
        y = top + index // columns * step
        shown = None if image is None else _rgb(np.atleast_3d(image))
        _place(page, shown, left, y, tile)
        for number, line in enumerate(caption.split("\n")):
            text = _shortened(line, font, tile)
            pen.text((left, y + tile + 3 + number * (SMALL_SIZE + 3)), text, TEXT, font)
    return page


def _shortened(text: str, font: Font, width: int) -> str:
    """Takes letters out of the middle: names differ at their ends."""
    short, kept = text, len(text)
    while font.getlength(short) > width:
        kept -= 1
        short = f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"
    return short


def save(path: str | Path, picture: Image.Image) -> None:
    """Writes a picture as PNG, complete or not at all; missing folders are made.

    Args:
        path: the file; an existing one is replaced.
        picture: what `sheet` returned.
    """
    with new_file(path) as partial:
        picture.save(partial, "PNG")


def photo_with_hole(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paints the hole in light grey, for the eye.

    Args:
        image: `(H, W, 3)` or `(H, W, 1)`, float in [0, 1] or uint8.
        mask: `(H, W)` or `(H, W, 1)`, not 0 = hole.

    Returns:
        uint8 `(H, W, 3)`.
    """
    hole = _plane(mask) > 0.5
    return np.where(hole[..., None], np.array(HOLE, np.uint8), _rgb(image))


def drawn_edges(edge: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draws known lines black and imagined lines blue on white paper.

    Args:
        edge: `(H, W)` or `(H, W, 1)`, float in [0, 1] or uint8; greys make thin ink.
        mask: `(H, W)` or `(H, W, 1)`, not 0 = hole; its paper is tinted.

    Returns:
        uint8 `(H, W, 3)`.
    """
    ink = np.clip(_plane(edge), 0, 1)[..., None]
    hole = (_plane(mask) > 0.5)[..., None]
    paper = np.where(hole, HOLE_TINT, 255)
    line = np.where(hole, IMAGINED_LINE, KNOWN_LINE)
    return np.round(paper * (1 - ink) + line * ink).astype(np.uint8)


def _edges_of(row: Row) -> np.ndarray | None:
    return None if row.edge is None else drawn_edges(row.edge, row.mask)


COLUMNS: dict[str, Callable[[Row], np.ndarray | None]] = {
    "photo": lambda row: _rgb(row.image),
    "hole": lambda row: photo_with_hole(row.image, row.mask),
    "edges: known, imagined": _edges_of,
    "filled": lambda row: None if row.filled is None else _rgb(row.filled),
}


def _check(row: Row) -> None:
    size = np.shape(row.image)[:2]
    for name in ("mask", "edge", "filled"):
        value = getattr(row, name)
        if value is not None and np.shape(value)[:2] != size:
            raise ValueError(
                f"{name} of a row must be {size} as its image, got {np.shape(value)}"
            )


def _unit(array: np.ndarray) -> np.ndarray:
    """Brings uint8 and bool to float in [0, 1]."""
    array = np.asarray(array)
    return array / 255 if array.dtype == np.uint8 else array.astype(np.float64)


def _plane(array: np.ndarray) -> np.ndarray:
    """`(H, W)` float from `(H, W)` or `(H, W, 1)`; a uint8 0/1 mask stays 0/1."""
    array = np.asarray(array)
    array = array[..., 0] if array.ndim == 3 else array
    if array.dtype == np.uint8 and array.max(initial=0) <= 1:
        return array.astype(np.float64)
    return _unit(array)


def _first(row: Sequence[np.ndarray | None]) -> np.ndarray:
    return next(picture for picture in row if picture is not None)


def _rgb(array: np.ndarray) -> np.ndarray:
    array = np.asarray(array)
    if array.dtype != np.uint8:
        array = np.round(np.clip(array, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(array, (*array.shape[:2], 3))


def _fit(shape: tuple[int, ...], tile: int) -> tuple[int, int]:
    """Width and height on the sheet."""
    scale = tile / max(shape[:2])
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _place(
    page: Image.Image, array: np.ndarray | None, left: int, top: int, tile: int
) -> None:
    if array is None:
        return
    width, height = _fit(array.shape, tile)
    picture = Image.fromarray(np.ascontiguousarray(array))
    enlarged = width > picture.width
    method = Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS
    if picture.size != (width, height):
        picture = picture.resize((width, height), method)
    left += (tile - width) // 2
    page.paste(picture, (left, top))
    frame = (left - 1, top - 1, left + width, top + height)
    ImageDraw.Draw(page).rectangle(frame, outline=FRAME)
