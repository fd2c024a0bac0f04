"""Photos of any size through a server, which sees large ones in parts."""

import functools
import io

import numpy as np
from PIL import Image

from tf_edgeconnect.client.client import Client
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.regions import (
    RUN_SIDE,
    Large,
    choose,
    paint,
    plan_areas,
)
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode_png

WHITE = 255


def fill_photo(
    client: Client,
    image: np.ndarray,
    hole: np.ndarray,
    drawing: np.ndarray | None = None,
    *,
    large: Large = "auto",
    side: int = RUN_SIDE,
) -> np.ndarray:
    """Fills the hole of a photo.

    Args:
        client: a connection; each part of a large photo is a request of its own.
        image: uint8 `(H, W, 3)`.
        hole: bool `(H, W)`, true = hole.
        drawing: uint8 `(H, W)`, a person's lines, white; None: the model draws them.
        large: `full`, `crop`, `tile` or `auto`, as in `Inpainter`.
        side: the longest side of a part.

    Returns:
        uint8 `(H, W, 3)`; known pixels are bit-identical.

    Raises:
        InputError: a drawing of another size or an inverted one, or another `large`.
        ServingError: the server gave no picture.
    """
    if drawing is not None:
        _check_drawing(drawing, hole)
    run = functools.partial(_filled, client)
    large = choose(hole.shape, large, side)
    if large == "full":
        drawings = None if drawing is None else drawing[None, ..., None]
        return run(image[None], hole[None, ..., None], drawings)[0]
    filled = image.copy()
    areas = plan_areas(hole, large, side)
    planes = [image, WHITE * hole[..., None].astype(np.uint8)]
    planes += [] if drawing is None else [drawing[..., None]]
    paint(filled, np.concatenate(planes, axis=-1), areas, run, side)
    return filled


def complete_lines(
    client: Client, image: np.ndarray, hole: np.ndarray, *, side: int = RUN_SIDE
) -> np.ndarray:
    """Completes the edges of a photo, paints nothing.

    Args:
        client: as in `fill_photo`.
        image: uint8 `(H, W, 3)`.
        hole: bool `(H, W)`, true = hole.
        side: the longest side of a part.

    Returns:
        uint8 `(H, W)`, white = line. A photo that is sent in parts has lines inside the
        hole only: the server never sees the rest of it.

    Raises:
        ServingError: the server gave no edges.
    """

    def run(
        images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
    ) -> np.ndarray:
        masks = (holes * WHITE).astype(np.uint8)
        return client.predict_edges(images, masks)

    large = choose(hole.shape, "auto", side)
    if large == "full":
        return run(image[None], hole[None, ..., None], None)[0, ..., 0]
    lines = np.zeros((*hole.shape, 1), np.uint8)
    planes = np.concatenate([image, WHITE * hole[..., None].astype(np.uint8)], axis=-1)
    paint(lines, planes, plan_areas(hole, large, side), run, side)
    return lines[..., 0]


def _check_drawing(drawing: np.ndarray, hole: np.ndarray) -> None:
    if drawing.shape != hole.shape:
        raise InputError(
            f"edges must have the photo's size {hole.shape}, got {drawing.shape}"
        )
    white = (drawing > WHITE // 2).mean()
    if white > 0.5:
        raise InputError(
            f"the edge drawing is {white:.0%} white, so it seems inverted: lines must "
            "be white on black"
        )


def _filled(
    client: Client, images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
) -> np.ndarray:
    """Asks for photos of one size at once: see `regions.Run`."""
    masks = (holes * WHITE).astype(np.uint8)
    if drawings is not None:
        # The server refuses mostly white drawings, and a part of one may be.
        return client.inpaint_with_edges(images, masks, drawings * holes)
    if not client.prefers_bytes:
        return client.inpaint(images, masks)[0]
    files = [[encode_png(Photo(one)) for one in many] for many in (images, masks)]
    answers = client.inpaint_bytes(*files)
    return np.stack(
        [np.asarray(Image.open(io.BytesIO(a)).convert("RGB")) for a in answers]
    )
