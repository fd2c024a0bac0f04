"""`LiteInpainter`: an exported TFLite file for photos of any size, without TensorFlow.

The file takes photos of one size `N` only. A photo of that size runs as it is. Of any
other, each hole runs with its surroundings at the photo's own scale, as `regions` plans
it: tiles where it is longer than `N`, reduced where it is so thick that the networks
would see nothing known from its middle. Shrinking whole photos to `N` instead would
blur every hole of a large photo; tiling them whole would run parts without a hole.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.arrays import Inpainted, as_drawing, as_pair
from tf_edgeconnect.inference.regions import Scene, paint, plan_areas
from tf_edgeconnect.photos.reading import GRAY_WEIGHTS

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

METADATA_NAME = "tf_edgeconnect"  # of the JSON that an export keeps in its file


class LiteInpainter:
    """An exported TFLite file, ready for photos of any size.

    Not for several threads at once: give each its own.

    Args:
        path: written by `tf-edgeconnect export --format tflite`.
        threads: to run on; None: as many as this process may use.

    Attributes:
        size: `N`, the side of the photos that the file takes, pixels.
        description: says in messages what the file was made from.

    Raises:
        InputError: ai-edge-litert is not installed, or the file is none of ours.

    Example:
        >>> inpainter = LiteInpainter.load("edgeconnect.tflite")
        >>> filled, edges = inpainter(image, mask)
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        """Opens the file."""
        interpreter, facts = open_file(Path(path), threads or usable_threads())
        self.size: int = facts["size"]
        self.description = f"{path} ({facts['precision']}, from {facts['source']})"
        self._sigma: float = facts["sigma"]
        self._fill = interpreter.get_signature_runner("serving_default")
        self._complete = interpreter.get_signature_runner("predict_edges")
        self._fill_along = interpreter.get_signature_runner("inpaint_with_edges")

    @classmethod
    def load(cls, path: str | Path, threads: int | None = None) -> "LiteInpainter":
        """Opens a file, as `Inpainter.load` opens a model."""
        return cls(path, threads)

    def __call__(
        self, image: np.ndarray, mask: np.ndarray, edges: np.ndarray | None = None
    ) -> Inpainted:
        """Fills the hole of a photo, or of each photo of a batch.

        Args:
            image: uint8 `(H, W, 3)` or `(B, H, W, 3)`, RGB.
            mask: uint8 or bool of `image`'s height and width, with or without a last
                axis of 1; above 127 (or true) = hole.
            edges: uint8 of the mask's shape, white = line: used inside the hole in
                place of the edge generator's; outside it Canny's edges stay.

        Returns:
            The photo with its hole filled, known pixels bit-identical, and the edges
            that it was filled along.

        Raises:
            InputError: an array of another type, rank or size, or an inverted drawing.
        """
        images, holes = as_pair(image, mask)
        drawings = None if edges is None else as_drawing(edges, holes)[..., 0]
        canvases = []
        for index, (photo, hole) in enumerate(zip(images, holes, strict=True)):
            drawing = None if drawings is None else drawings[index]
            canvas = np.concatenate([photo, self._known_edges(photo, hole)], axis=-1)
            scene = Scene(photo, hole, drawing)
            paint(canvas, scene, self._areas(hole), self._painted, self.size)
            canvases.append(canvas)
        filled, lines = np.split(np.stack(canvases), [3], axis=-1)
        return Inpainted(filled.reshape(np.shape(image)), lines.reshape(np.shape(mask)))

    def predict_edges(self, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Completes edges without painting, as `Inpainter.predict_edges` does.

        Args:
            image: as in `__call__`.
            mask: as in `__call__`.

        Returns:
            uint8 of the mask's shape.

        Raises:
            InputError: as `__call__`.
        """
        images, holes = as_pair(image, mask)
        canvases = []
        for photo, hole in zip(images, holes, strict=True):
            canvas = self._known_edges(photo, hole)
            paint(canvas, Scene(photo, hole), self._areas(hole), self._drawn, self.size)
            canvases.append(canvas)
        return np.stack(canvases).reshape(np.shape(mask))

    def _areas(self, hole: np.ndarray) -> list:
        return plan_areas(hole, "crop", self.size)

    def _known_edges(self, photo: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """Canny's edges at the photo's own size, as in the file: uint8 `(H, W, 1)`."""
        if self._sigma < 0:
            return np.zeros((*hole.shape, 1), np.uint8)
        from skimage.feature import canny

        red, green, blue = np.moveaxis(photo.astype(np.float32) / np.float32(255), 2, 0)
        weights = np.asarray(GRAY_WEIGHTS, np.float32)
        gray = weights[0] * red + weights[1] * green + weights[2] * blue
        known = canny(gray, self._sigma, mask=~hole)
        return np.uint8(255) * known[..., None].astype(np.uint8)

    def _painted(
        self, images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
    ) -> np.ndarray:
        """Runs the file: uint8 `(N, h, w, 4)`, the fill and its edges."""
        results = []
        for index in range(len(images)):
            given = self._padded(images[index], holes[index])
            if drawings is None:
                filled = self._fill(**given)
                lines = filled["edges"]
            else:
                lines = _framed(drawings[index][..., None], self.size)
                filled = self._fill_along(**given, edges=lines)
            results.append(np.concatenate([filled["inpainted"], lines], axis=-1))
        return self._cropped(results, images)

    def _drawn(
        self, images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
    ) -> np.ndarray:
        """Runs the file: uint8 `(N, h, w, 1)`, the edges."""
        pairs = zip(images, holes, strict=True)
        lines = [self._complete(**self._padded(*pair))["edges"] for pair in pairs]
        return self._cropped(lines, images)

    def _padded(self, image: np.ndarray, hole: np.ndarray) -> dict[str, np.ndarray]:
        mask = np.uint8(255) * hole[..., None].astype(np.uint8)
        return {"image": _framed(image, self.size), "mask": _framed(mask, self.size)}

    def _cropped(self, results: list[np.ndarray], images: np.ndarray) -> np.ndarray:
        height, width = images.shape[1:3]
        return np.concatenate(results)[:, :height, :width]


def open_file(path: Path, threads: int) -> tuple["Interpreter", dict[str, Any]]:
    """Opens an exported TFLite file.

    Args:
        path: of the file.
        threads: to run on.

    Returns:
        An interpreter of it, and what the export noted: `size`, `precision`, `sigma`,
        `source` and others.

    Raises:
        InputError: ai-edge-litert is not installed, or the file is none of ours.
    """
    require_litert()
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"model {path} {what}; expected a .tflite file")
    contents = path.read_bytes()
    not_ours = InputError(
        f"model {path} is not a whole file of `tf-edgeconnect export --format tflite`"
    )
    try:
        interpreter = Interpreter(model_content=contents, num_threads=threads)
    except (ValueError, RuntimeError):
        raise not_ours from None
    model = schema.Model.GetRootAs(contents)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME.encode():
            text = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
            return interpreter, json.loads(text)
    raise not_ours


def require_litert() -> None:
    """Refuses to go on without the package that runs TFLite files.

    Raises:
        InputError: ai-edge-litert is not installed; it says how to.
    """
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"TFLite files need ai-edge-litert ({error}): "
            "pip install 'tf-edgeconnect[tflite]'"
        ) from None


def usable_threads() -> int:
    """Returns on how many processors this process may run."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _framed(plane: np.ndarray, size: int) -> np.ndarray:
    """Mirrors `(h, w, C)` below and right to `(1, size, size, C)`."""
    height, width = plane.shape[:2]
    ends = [(0, size - height), (0, size - width), (0, 0)]
    return np.pad(plane, ends, mode="reflect")[None]
