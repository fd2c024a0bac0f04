"""What fills the holes: a model, the files of any other system, or a classic method.

Each is a `System`: a picture enters, what it painted leaves. Known pixels of a result
are always the photo's own: what another system's files have there does not count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_edgeconnect.edges.exact import NO_EDGES
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.manifest import sha256_of
from tf_edgeconnect.evaluation.pictures import Picture, fit_drawing, fit_photo
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.models.storage import resolve
from tf_edgeconnect.photos.names import named_images
from tf_edgeconnect.photos.reading import read_edges, read_photo

PREDICTED, CANNY, NONE = "predicted", "canny", "none"
CHANGED = (
    "the prediction differs from the photo outside the hole; the photo's own pixels "
    "were measured there"
)


class Filled(NamedTuple):
    """What a system made of a picture.

    Attributes:
        image: uint8 `(H, W, 3)`, the hole painted, known pixels untouched.
        edges: uint8 `(H, W)`, completed edges, white = line; None: it draws none.
        true_edges: uint8 `(H, W)`, Canny's of the whole photo; None: it draws none.
        note: what a reader of the figures must know, or "".
    """

    image: np.ndarray
    edges: np.ndarray | None = None
    true_edges: np.ndarray | None = None
    note: str = ""


@dataclass(frozen=True)
class System:
    """One column of the table.

    Attributes:
        details: what `system.json` keeps: `kind`, `label`, `edges`, and what makes it
            this system and no other (hashes of weights or files).
        fill: name and picture -> what it made of it.
    """

    details: dict[str, Any]
    fill: Callable[[str, Picture], Filled]


def model_system(
    model: str | Path,
    *,
    edges: str = PREDICTED,
    published: bool = False,
    label: str | None = None,
) -> System:
    """A trained model, led by edges of its own or by others.

    Args:
        model: what `Inpainter.load` takes.
        edges: `predicted`; `canny`: those of the whole photo, which no model can know:
            the ceiling; `none`; or a folder of drawings of the photos' names.
        published: see `Inpainter`.
        label: head of its column; by default the model's name, and the edges' if they
            are not predicted.

    Returns:
        The system.

    Raises:
        InputError: it is no model that paints, or the folder of edges is missing.
    """
    model = Path(model)
    inpainter = Inpainter.load(model)
    if not inpainter.paints:
        raise InputError(
            f"the model {inpainter.description} has no inpaint generator: it only "
            "draws edges; train the inpaint stage first"
        )
    if published and not inpainter.draws:
        raise InputError(f"--published: {inpainter.description} has no edge generator")
    drawings = _drawings(edges)

    def fill(name: str, picture: Picture) -> Filled:
        photo, hole = picture.photo, picture.hole
        truth = inpainter.photo_edges(photo)
        drawing = None
        if edges == CANNY:
            drawing = truth
        elif edges == NONE:
            drawing = np.zeros_like(truth)
        elif drawings is not None:
            drawing = _drawing_of(name, drawings, picture)
        image, lines = inpainter(photo, hole, drawing, published=published)
        return Filled(image, lines, None if inpainter.sigma == NO_EDGES else truth)

    name = model.resolve().name
    if edges != PREDICTED:
        name += f", edges: {Path(edges).name}"
    details = {
        "kind": "model",
        "label": label or name,
        "edges": edges,
        "drawings": drawings and _hashes(drawings),
        "published": published,
        "description": inpainter.description,
        "sigma": inpainter.sigma,
        "sha256": _hashes(_weights(model)),
    }
    return System(details, fill)


def _drawings(edges: str) -> dict[str, Path] | None:
    if edges in (PREDICTED, CANNY, NONE):
        return None
    if not Path(edges).is_dir():
        raise InputError(
            f"--edges {edges}: expected {PREDICTED}, {CANNY}, {NONE}, or a folder of "
            "drawings named as their photos"
        )
    return named_images(Path(edges))


def _drawing_of(name: str, drawings: dict[str, Path], picture: Picture) -> np.ndarray:
    if name not in drawings:
        raise InputError("no edge drawing of its name")
    drawing = read_edges(drawings[name])
    return fit_drawing(drawing, picture.original_size, picture.hole.shape)


def _weights(model: Path) -> dict[str, Path]:
    return {
        name: folder / f"{name}.weights.h5"
        for name, folder in sorted(resolve(model).items())
        if name.endswith("generator")
    }


def _hashes(files: dict[str, Path]) -> dict[str, str]:
    return {name: sha256_of(path) for name, path in files.items()}


def predictions_system(folder: Path, *, label: str | None = None) -> System:
    """Files that another system wrote.

    Args:
        folder: files of the photos' names, each of its picture's size or of the whole
            photo's (then cropped and resized as the photo is).
        label: head of its column; by default the folder's name.

    Returns:
        The system. A file that does not keep the known pixels gets a note.

    Raises:
        InputError: the folder is missing or holds no images.
    """
    if not folder.is_dir():
        raise InputError(f"--predictions {folder}: expected a folder of filled photos")
    files = named_images(folder)

    def fill(name: str, picture: Picture) -> Filled:
        if name not in files:
            raise InputError(f"no prediction of its name in {folder}")
        size = picture.hole.shape
        painted = read_photo(files[name]).rgb()
        note = ""
        if painted.shape[:2] == size:
            known = ~picture.hole
            if not np.array_equal(painted[known], picture.photo[known]):
                note = CHANGED
        elif painted.shape[:2] == picture.original_size:
            painted = fit_photo(painted, size[0])
        else:
            raise InputError(
                f"prediction {files[name]} is {painted.shape[1]} x {painted.shape[0]}, "
                f"its picture {size[1]} x {size[0]}"
            )
        filled = np.where(picture.hole[..., None], painted, picture.photo)
        return Filled(filled, note=note)

    details = {
        "kind": "predictions",
        "label": label or folder.resolve().name,
        "edges": None,
        "sha256": _hashes(files),
    }
    return System(details, fill)
