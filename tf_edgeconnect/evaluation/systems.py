"""The systems that fill holes: a model, another system's files, or a classic method.

Known pixels of a result are always the photo's own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from tf_edgeconnect.edges.exact import NO_EDGES
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.manifest import sha256_of
from tf_edgeconnect.evaluation.pictures import Picture, fit_photo, fit_to_picture
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.loading import model_files
from tf_edgeconnect.photos.decoding import import_opencv
from tf_edgeconnect.photos.names import Partners, list_images
from tf_edgeconnect.photos.reading import read_edges, read_photo

PREDICTED, CANNY, NONE = "predicted", "canny", "none"
CHANGED = (
    "the prediction differs from the photo outside the hole; the photo's own pixels "
    "were measured there"
)
RADIUS = 3  # of `cv2.inpaint`, pixels, as in OpenCV's examples


class Filled(NamedTuple):
    """A picture filled by a system.

    Attributes:
        image: uint8 `(H, W, 3)`, the hole painted, known pixels untouched.
        edges: uint8 `(H, W)`, completed edges, white = edge, or None.
        true_edges: uint8 `(H, W)`, Canny edges of the whole photo, or None.
        note: a caveat for readers of the metrics, or "".
    """

    image: np.ndarray
    edges: np.ndarray | None = None
    true_edges: np.ndarray | None = None
    note: str = ""


@dataclass(frozen=True)
class System:
    """One column of the table.

    Attributes:
        details: content of `system.json`: `kind`, `label`, `edges`, and what identifies
            the system (hashes of weights or files).
        fill: picture -> filled picture.
    """

    details: dict[str, Any]
    fill: Callable[[Picture], Filled]


def model_system(
    model: str | Path,
    *,
    edges: str = PREDICTED,
    edge_threshold: float = 0.5,
    published: bool = False,
    label: str | None = None,
) -> System:
    """Returns the system of a trained model that follows its own or other edges.

    Args:
        model: as `Inpainter.load` takes it.
        edges: `predicted`; `canny` for those of the whole photo, an upper bound;
            `none`; or a folder of edge maps named like the photos.
        edge_threshold: 0 to 1; a stronger edge counts as predicted.
        published: as for `Inpainter`.
        label: heading of its column; by default the names of model and edges.

    Raises:
        InputError: the model does not paint, or the folder of edges is missing.
    """
    inpainter = Inpainter.load(model)
    if not inpainter.paints:
        raise InputError(
            f"the model {inpainter.description} has no inpaint generator; "
            "train the inpaint stage first"
        )
    if published and not inpainter.draws:
        raise InputError(f"--published: {inpainter.description} has no edge generator")
    files = None
    if edges not in (PREDICTED, CANNY, NONE):
        if not Path(edges).is_dir():
            raise InputError(
                f"--edges {edges}: expected {PREDICTED}, {CANNY}, {NONE}, or a folder "
                "of edge maps named like the photos"
            )
        files = _partners(Path(edges), "edge map")

    def fill(picture: Picture) -> Filled:
        truth = inpainter.photo_edges(picture.image)
        given = {CANNY: truth, NONE: np.zeros_like(truth)}.get(edges)
        if files is not None:
            drawn = read_edges(files.of(picture.file))
            given = fit_to_picture(drawn, picture.original_size, picture.hole.shape)
        image, completed = inpainter(
            picture.image, picture.hole, given, published=published
        )
        return Filled(image, completed, None if inpainter.sigma == NO_EDGES else truth)

    name = Path(model).resolve().name
    details = {
        "kind": "model",
        "label": label or name + f", edges: {Path(edges).name}" * (edges != PREDICTED),
        "edges": edges,
        "edge_threshold": edge_threshold,
        "edge_maps": files and _hashes(files.files),
        "published": published,
        "description": inpainter.description,
        "sigma": inpainter.sigma,
        "sha256": _hashes(model_files(model)),
    }
    return System(details, fill)


def predictions_system(folder: Path, *, label: str | None = None) -> System:
    """Returns the system of files that another program filled.

    A file that changes known pixels gets a note.

    Args:
        folder: files named like the photos, each of its picture's size or of the whole
            photo's (then cropped and resized like it).
        label: heading of its column; by default the folder's name.

    Raises:
        InputError: the folder is missing or holds no images.
    """
    if not folder.is_dir():
        raise InputError(f"--predictions {folder}: expected a folder of filled photos")
    files = _partners(folder, "prediction")

    def fill(picture: Picture) -> Filled:
        file = files.of(picture.file)
        (height, width), known = picture.hole.shape, ~picture.hole
        painted = read_photo(file).rgb()
        note = ""
        if painted.shape == picture.image.shape:
            if not np.array_equal(painted[known], picture.image[known]):
                note = CHANGED
        elif painted.shape[:2] == picture.original_size:
            painted = fit_photo(painted, height)
        else:
            raise InputError(
                f"prediction {file} is {painted.shape[1]} x "
                f"{painted.shape[0]}, its picture {width} x {height}"
            )
        return Filled(_in_hole(picture, painted), note=note)

    details = {
        "kind": "predictions",
        "label": label or folder.resolve().name,
        "edges": None,
        "sha256": _hashes(files.files),
    }
    return System(details, fill)


def baseline_system(
    name: Literal["telea", "ns"], *, label: str | None = None
) -> System:
    """Returns OpenCV's `inpaint`, a baseline without learning.

    Args:
        name: "telea" (fast marching) or "ns" (Navier-Stokes).
        label: heading of its column; by default the method's name.

    Raises:
        InputError: OpenCV cannot be imported.

    Reference:
        Telea, "An image inpainting technique based on the fast marching method", 2004.
        Bertalmio et al., "Navier-Stokes, fluid dynamics, and image and video
        inpainting", 2001.
    """
    cv2 = import_opencv(f"--baseline {name}")
    methods = {
        "telea": (cv2.INPAINT_TELEA, "Telea"),
        "ns": (cv2.INPAINT_NS, "Navier-Stokes"),
    }
    method, usual_label = methods[name]

    def fill(picture: Picture) -> Filled:
        hole = picture.hole.astype(np.uint8)
        painted = cv2.inpaint(picture.image, hole, RADIUS, method)
        return Filled(_in_hole(picture, painted))

    details = {
        "kind": "baseline",
        "label": label or usual_label,
        "edges": None,
        "method": name,
        "radius": RADIUS,
        "opencv": cv2.__version__,
    }
    return System(details, fill)


def _partners(folder: Path, what: str) -> Partners:
    return Partners(folder, list_images(folder)[0], what, suffix="")


def _in_hole(picture: Picture, painted: np.ndarray) -> np.ndarray:
    return np.where(picture.hole[..., None], painted, picture.image)


def _hashes(files: Mapping[str, Path]) -> dict[str, str]:
    return {name: sha256_of(path) for name, path in files.items()}
