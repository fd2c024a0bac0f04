"""Large photos: Canny in strips and the networks on parts, which bounds memory.

Each part finds its own known edges. They differ from those of the whole photo within
some `4 sigma` pixels of the part's border, which is farther from its hole, and where a
faint line meets the strong one it belongs to only outside the part.
"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from tf_edgeconnect.inference.regions import Scene, paint, plan_areas

Parts = Literal["crop", "tile"]

STRIP_PIXELS = 2**21
_FOLLOWED = 128  # pixels beyond a strip in which faint lines may meet strong ones


@dataclasses.dataclass(frozen=True, eq=False)
class InParts:
    """The methods of an `InpaintGraph`, traced, for photos that are run in parts.

    Attributes:
        known_edges: see `InpaintGraph`, as the next three.
        completed_edges: draws the edges of holes.
        fill: fills holes.
        fill_along: fills holes along a drawing.
        sigma: of Canny, in pixels.
    """

    known_edges: Callable
    completed_edges: Callable
    fill: Callable
    fill_along: Callable
    sigma: float

    def filled(
        self,
        images: np.ndarray,
        holes: np.ndarray,
        drawings: np.ndarray | None,
        large: Parts,
        *,
        with_edges: bool,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills photos part by part.

        Args:
            images: uint8 `(B, H, W, 3)`.
            holes: bool `(B, H, W)`.
            drawings: uint8 `(B, H, W, 1)`, white = line, or None.
            large: how the parts are chosen.
            with_edges: return edges too, for which Canny sees the whole photo.

        Returns:
            uint8 photos `(B, H, W, 3)`, and edges `(B, H, W, 1)` or None.
        """

        def run(
            images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
        ) -> np.ndarray:
            if drawings is None:
                painted = self.fill(images, as_masks(holes))
            else:
                painted = self.fill_along(images, as_masks(holes), drawings[..., None])
            return np.concatenate(painted if with_edges else painted[:1], axis=-1)

        canvases = []
        for scene in _scenes(images, holes, drawings):
            known = [scene.image]
            if with_edges:
                known.append(self.edges_in_strips(scene))
            canvas = np.concatenate(known, axis=-1)
            paint(canvas, scene, plan_areas(scene.hole, large), run)
            canvases.append(canvas)
        result = np.stack(canvases)
        return result[..., :3], result[..., 3:] if with_edges else None

    def completed(
        self, images: np.ndarray, holes: np.ndarray, large: Parts
    ) -> np.ndarray:
        """Completes the edges of photos part by part.

        Args:
            images: uint8 `(B, H, W, 3)`.
            holes: bool `(B, H, W)`.
            large: how the parts are chosen.

        Returns:
            uint8 `(B, H, W, 1)`.
        """

        def run(
            images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
        ) -> np.ndarray:
            return np.array(self.completed_edges(images, as_masks(holes)))

        canvases = []
        for scene in _scenes(images, holes, None):
            canvases.append(self.edges_in_strips(scene))
            paint(canvases[-1], scene, plan_areas(scene.hole, large), run)
        return np.stack(canvases)

    def edges_in_strips(self, scene: Scene) -> np.ndarray:
        """Canny's edges of the known region of a photo of any size.

        Args:
            scene: the photo and its hole.

        Returns:
            uint8 `(H, W, 1)`. Above `STRIP_PIXELS` it may lack pixels of faint lines
            that meet a strong one only far beyond their strip.
        """
        height, width = scene.hole.shape
        rows = max(STRIP_PIXELS // width, 1)
        margin = _FOLLOWED + max(int(4 * self.sigma), 0)
        lines = np.empty((height, width, 1), np.uint8)
        for top in range(0, height, rows):
            start = max(top - margin, 0)
            strip = scene.cut((slice(start, top + rows + margin), slice(None)))
            found = self.known_edges(strip.image[None], as_masks(strip.hole[None]))
            lines[top : top + rows] = found[0][top - start : top - start + rows]
        return lines


def as_masks(holes: np.ndarray) -> np.ndarray:
    """Brings bool `(B, H, W)` to the networks' masks, float32 `(B, H, W, 1)`."""
    return holes[..., None].astype(np.float32)


def _scenes(
    images: np.ndarray, holes: np.ndarray, drawings: np.ndarray | None
) -> Iterator[Scene]:
    for index, (image, hole) in enumerate(zip(images, holes, strict=True)):
        yield Scene(image, hole, None if drawings is None else drawings[index, ..., 0])
