"""Draws sheets of pictures, such as photo, hole, edges and filled photo side by side.

Pictures are NumPy arrays, uint8 or float in [0, 1]; sheets are Pillow images.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tf_edgeconnect.atomic import new_file

PAPER = (250, 250, 248)
FRAME = (214, 214, 210)
TEXT = (70, 70, 74)
HOLE = (226, 227, 230)
HOLE_TINT = (234, 241, 253)  # under the predicted edges
KNOWN_EDGE = (20, 20, 24)
PREDICTED_EDGE = (24, 92, 224)

MARGIN, GAP, CAPTION_GAP = 20, 10, 9
SMALL_SIZE, CAPTION_SIZE, TITLE_SIZE = 12, 15, 20
SMALL_TILE = 150  # up to here captions are small

HEADS = ("photo", "hole", "edges (blue: predicted)", "filled")


class Row(NamedTuple):
    """One photo on a sheet; None leaves a blank.

    Attributes:
        image: `(H, W, 3)` or `(H, W, 1)`, the whole photo.
        mask: `(H, W)` or `(H, W, 1)`, 1 (or 255) = hole.
        edge: `(H, W)` or `(H, W, 1)`, composite edges, white = edge.
        filled: shape of `image`, the filled photo.
        label: a short text below the row.
    """

    image: np.ndarray
    mask: np.ndarray
    edge: np.ndarray | None = None
    filled: np.ndarray | None = None
    label: str = ""


def sheet(rows: Sequence[Row], *, tile: int = 256, title: str = "") -> Image.Image:
    """Lays out rows of photo, hole, edges and filled photo.

    Args:
        rows: at least one; an empty column is left out.
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
    pictures = [_pictures(row) for row in rows]
    columns = range(len(HEADS))
    shown = [i for i in columns if any(row[i] is not None for row in pictures)]
    return grid(
        [[row[i] for i in shown] for row in pictures],
        heads=[HEADS[i] for i in shown],
        captions=[[row.label] for row in rows],
        tile=tile,
        title=title,
    )


def grid(
    rows: Sequence[Sequence[np.ndarray | None]],
    *,
    heads: Sequence[str] = (),
    captions: Sequence[Sequence[str]] = (),
    tile: int = 256,
    title: str = "",
) -> Image.Image:
    """Lays out rows of pictures with headings and captions.

    Args:
        rows: pictures `(H, W)`, `(H, W, 1)` or `(H, W, 3)`, at least one; None leaves
            a blank.
        heads: a text above each column.
        captions: of each row, a text below each picture, or one below the row. Long
            texts are cut in the middle.
        tile: longer side of each picture on the sheet, in pixels.
        title: a line above all.

    Returns:
        An RGB image.
    """
    size = SMALL_SIZE if tile <= SMALL_TILE else CAPTION_SIZE
    font, head_font = ImageFont.load_default(size), ImageFont.load_default(CAPTION_SIZE)
    lefts = [MARGIN + i * (tile + GAP) for i in range(max(map(len, rows)))]
    width = lefts[-1] + tile + MARGIN
    pictures = [[x if x is None else _resized(x, tile) for x in row] for row in rows]
    texts = [*captions, *[()] * (len(rows) - len(captions))]
    top = MARGIN + (TITLE_SIZE + MARGIN if title else 0)
    tops = [top + (CAPTION_SIZE + CAPTION_GAP if heads else 0)]
    heights = [max((x.height for x in row if x), default=tile) for row in pictures]
    for height, below in zip(heights, texts, strict=True):
        lines = max((text.count("\n") + 1 for text in below if text), default=0)
        space = CAPTION_GAP - 3 + lines * (size + 3) if lines else 0
        tops.append(tops[-1] + height + space + GAP)
    page = Image.new("RGB", (width, tops[-1] - GAP + MARGIN), PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((MARGIN, MARGIN), title, TEXT, ImageFont.load_default(TITLE_SIZE))
    for head, left in zip(heads, lefts, strict=False):
        head = _shortened(head, head_font, tile)
        pen.text((left + tile / 2, top), head, TEXT, head_font, anchor="ma")
    for row, below, y, height in zip(pictures, texts, tops, heights, strict=False):
        for picture, left in zip(row, lefts, strict=False):
            if picture:
                x = left + (tile - picture.width) // 2
                page.paste(picture, (x, y))
                frame = (x - 1, y - 1, x + picture.width, y + picture.height)
                pen.rectangle(frame, outline=FRAME)
        room = tile if len(below) > 1 else width - 2 * MARGIN
        for text, left in zip(below, lefts, strict=False):
            text = "\n".join(_shortened(x, font, room) for x in text.split("\n"))
            pen.text((left, y + height + CAPTION_GAP / 2), text, TEXT, font, spacing=3)
    return page


def save(path: str | Path, picture: Image.Image) -> None:
    """Writes a picture as PNG, complete or not at all, and makes missing folders."""
    with new_file(path) as partial:
        picture.save(partial, "PNG")


def photo_with_hole(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Paints the hole light grey.

    Args:
        image: `(H, W, 3)` or `(H, W, 1)`, float in [0, 1] or uint8.
        mask: `(H, W)` or `(H, W, 1)`, not 0 = hole.

    Returns:
        uint8 `(H, W, 3)`.
    """
    return np.where(_plane(mask) > 0.5, np.array(HOLE, np.uint8), _rgb(image))


def drawn_edges(edge: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Draws known edges black and predicted ones blue on white paper.

    Args:
        edge: `(H, W)` or `(H, W, 1)`, float in [0, 1] or uint8; greys are paler.
        mask: `(H, W)` or `(H, W, 1)`, not 0 = hole, which is tinted.

    Returns:
        uint8 `(H, W, 3)`.
    """
    ink, hole = np.clip(_plane(edge), 0, 1), _plane(mask) > 0.5
    paper = np.where(hole, HOLE_TINT, 255)
    colour = np.where(hole, PREDICTED_EDGE, KNOWN_EDGE)
    return np.round(paper * (1 - ink) + colour * ink).astype(np.uint8)


def _pictures(row: Row) -> list[np.ndarray | None]:
    """Returns the pictures of a row, one for each of `HEADS`."""
    size = np.shape(row.image)[:2]
    for name in ("mask", "edge", "filled"):
        value = getattr(row, name)
        if value is not None and np.shape(value)[:2] != size:
            raise ValueError(
                f"{name} of a row must be {size} like its image, got {np.shape(value)}"
            )
    edges = None if row.edge is None else drawn_edges(row.edge, row.mask)
    return [row.image, photo_with_hole(row.image, row.mask), edges, row.filled]


def _plane(array: np.ndarray) -> np.ndarray:
    """Converts to `(H, W, 1)` float in [0, 1]; uint8 of only 0 and 1 is not scaled."""
    array = np.asarray(array).reshape((*np.shape(array)[:2], 1))
    whole = array.dtype == np.uint8 and array.max(initial=0) > 1
    return array / 255 if whole else array.astype(np.float64)


def _rgb(array: np.ndarray) -> np.ndarray:
    array = np.atleast_3d(array)
    if array.dtype != np.uint8:
        array = np.round(np.clip(array, 0, 1) * 255).astype(np.uint8)
    return np.broadcast_to(array, (*array.shape[:2], 3))


def _resized(array: np.ndarray, tile: int) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(_rgb(array)))
    scale = tile / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return picture.resize((width, height), method)


def _shortened(text: str, font: Any, width: float) -> str:
    """Cuts letters from the middle, because names differ at their ends."""
    short, kept = text, len(text)
    while kept and font.getlength(short) > width:
        kept -= 1
        short = f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"
    return short
