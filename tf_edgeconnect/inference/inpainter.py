"""`Inpainter`: fills holes in photos as NumPy arrays, single or in batches.

Everything that does not depend on the backend is done here: checks, the choice of the
parts that a large photo runs in, and messages about what cannot be done.
"""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import calls
from tf_edgeconnect.inference.areas import RUN_SIDE, Large, Way, choose, plan_areas
from tf_edgeconnect.inference.arrays import Inpainted, as_edges, as_pair
from tf_edgeconnect.inference.backends import Backend
from tf_edgeconnect.inference.loading import load_backend
from tf_edgeconnect.inference.painting import Run, paint

logger = logging.getLogger(__name__)


class Inpainter:
    """Fills holes in photos of any size.

    Args:
        backend: what runs the networks: Keras models, an export or a server.

    Attributes:
        description, draws, paints, sigma, takes_edges, takes_sigma, edge_generator,
            inpaint_generator: those of the `Backend`.
        on_region: called with the number of finished parts of a large photo and their
            total; or None.

    Example:
        >>> inpainter = Inpainter.load("runs/quickstart")
        >>> filled, edges = inpainter(image, mask)
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.description = backend.description
        self.draws, self.paints = backend.draws, backend.paints
        self.sigma = backend.sigma
        self.takes_edges, self.takes_sigma = backend.takes_edges, backend.takes_sigma
        self.edge_generator = backend.edge_generator
        self.inpaint_generator = backend.inpaint_generator
        pixels = backend.max_pixels or RUN_SIDE**2
        self._side = backend.size or min(RUN_SIDE, math.isqrt(pixels))
        self.on_region: Callable[[int, int], object] | None = None
        self._warned = False

    @classmethod
    def load(
        cls, where: str | Path, *, timeout: float = 60.0, ca: str | None = None
    ) -> "Inpainter":
        """Loads a model, or connects to a server that has one.

        Args:
            where: a preset's name; a run directory (its most advanced stage is used); a
                folder with a `model.json`; an exported SavedModel (the latest of
                several versions); a `.tflite` or `.onnx` file; or a server of TF
                Serving's API, `grpc://HOST:PORT[/NAME][?label=L|version=N]`, `grpcs://`
                for TLS, and `http://` or `https://` for REST.
            timeout: seconds after which a request to a server fails.
            ca: PEM file of the certificate authority that the server's certificate is
                from.

        Raises:
            InputError: there is no such model, it is damaged, or a package is missing.
            ServingError: the server does not respond, or has no such model.
        """
        return cls(load_backend(where, timeout=timeout, ca=ca))

    def __call__(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        edges: np.ndarray | None = None,
        *,
        published: bool = False,
        large: Large = "auto",
        sigma: float | None = None,
    ) -> Inpainted:
        """Fills the hole of a photo, or of each photo of a batch.

        Args:
            image: uint8 `(H, W, 3)` or `(B, H, W, 3)`, RGB.
            mask: uint8 or bool of `image`'s height and width, with or without a last
                axis of 1; above 127 (or true) = hole.
            edges: uint8 of the mask's shape, white = edge: replaces the predicted edges
                inside the hole; outside it Canny's edges are used.
            published: use the raw output of the edge generator outside the hole too,
                and truncate colours to whole grey levels, as the published test script
                does; photos are then always processed whole. Keras models only.
            large: how to process a photo larger than those in training: `full` (whole),
                `crop` (each hole with its surroundings, thick ones reduced) or `tile`
                (in overlapping, blended tiles); `auto` is `full` up to 512 x 512
                pixels, then `crop`. See `areas`.
            sigma: Canny's sigma in pixels, if `takes_sigma`; by default the model's.

        Returns:
            The filled photo and its edges.

        Raises:
            InputError: an array of another type, rank or size, inverted edges, a photo
                too large for the memory, or a model that cannot do this.
            ServingError: a server gave no picture.
        """
        planes = self._planes(
            image, mask, edges, published, large, sigma, with_edges=True
        )
        filled, completed = planes[..., :3], planes[..., 3:]
        return Inpainted(
            filled.reshape(np.shape(image)), completed.reshape(np.shape(mask))
        )

    def paint(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        edges: np.ndarray | None = None,
        *,
        published: bool = False,
        large: Large = "auto",
        sigma: float | None = None,
    ) -> np.ndarray:
        """Fills holes as `__call__` does, but returns only the image.

        This is much faster for a large photo that is processed in parts, since Canny
        then runs only on these parts.
        """
        planes = self._planes(
            image, mask, edges, published, large, sigma, with_edges=False
        )
        return planes.reshape(np.shape(image))

    def predict_edges(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        *,
        large: Large = "auto",
        sigma: float | None = None,
    ) -> np.ndarray:
        """Completes the edges of a photo, or of each of a batch, without filling it.

        Returns:
            uint8 of the mask's shape: Canny's edges where the photo is known, the edge
            generator's inside the hole.
        """
        backend = self._at(sigma)
        images, masks = as_pair(image, mask)
        self._warn_without_edge_generator()

        def run(
            images: np.ndarray, masks: np.ndarray, _: np.ndarray | None
        ) -> np.ndarray:
            return calls.predict_edges(backend, images, masks)

        way = self._way(images, large)
        return self._painted(
            run, images[..., :0], images, masks, None, way, backend
        ).reshape(np.shape(mask))

    def photo_edges(
        self, image: np.ndarray, *, sigma: float | None = None
    ) -> np.ndarray:
        """Returns Canny's edges of a whole photo.

        `image` is uint8 `(H, W, 3)`, RGB; the edges are uint8 `(H, W)`, 0 or 255.
        """
        images, no_hole = image[None], np.zeros((1, *image.shape[:2], 1), bool)
        return calls.known_edges(self._at(sigma), images, no_hole)[0, ..., 0]

    def _planes(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        edges: np.ndarray | None,
        published: bool,
        large: Large,
        sigma: float | None,
        *,
        with_edges: bool,
    ) -> np.ndarray:
        """Fills photos: uint8 `(B, H, W, 3)`, or `(B, H, W, 4)` with the edges."""
        backend = self._at(sigma)
        if not self.paints:
            raise InputError(
                f"the model {self.description} has no inpaint generator, only an edge "
                "generator; train the inpaint stage, or ask for edges only"
            )
        if published:
            self._check_published(edges, large)
        images, masks = as_pair(image, mask)
        if edges is not None:
            if not self.takes_edges:
                raise InputError(
                    f"the model {self.description} takes no edges; export it again "
                    "with --edges-input"
                )
            edges = as_edges(edges, masks)
        elif masks.any():
            self._warn_without_edge_generator()

        def run(
            images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None
        ) -> np.ndarray:
            parts: Any
            if published:
                parts = backend.fill_as_published(images, masks)
            else:
                parts = calls.fill(backend, images, masks, edges, with_edges=with_edges)
            return np.concatenate(parts if with_edges else parts[:1], axis=-1)

        way = "full" if published else self._way(images, large)
        edged = backend if with_edges else None
        return self._painted(run, images, images, masks, edges, way, edged)

    def _painted(
        self,
        run: Run,
        canvases: np.ndarray,
        images: np.ndarray,
        masks: np.ndarray,
        edges: np.ndarray | None,
        way: Way,
        edged: Backend | None,
    ) -> np.ndarray:
        """Runs photos whole, or paints the holes of their canvases part by part.

        Args:
            run: the networks.
            canvases: what known pixels of the result are, uint8 `(B, H, W, C)`.
            images: the photos.
            masks: their holes.
            edges: given by a person, or None.
            way: how they run.
            edged: finds known edges to add to the canvases; None: they have none.

        Returns:
            What `run` gives, uint8 `(B, H, W, C)` or `(B, H, W, C + 1)`.
        """
        try:
            if way == "full" and masks.any():
                return run(images, masks, edges)
            known = [] if edged is None else [calls.known_edges(edged, images, masks)]
            canvases = np.concatenate([canvases, *known], axis=-1)
            given = [] if edges is None else [edges]
            planes = np.concatenate([images, np.uint8(255) * masks, *given], axis=-1)
            for canvas, plane, mask in zip(canvases, planes, masks, strict=True):
                areas = plan_areas(mask[..., 0], way, self._side)
                paint(canvas, plane, areas, run, self._side, self.on_region)
            return canvases
        except MemoryError:
            height, width = images.shape[1:3]
            raise InputError(
                f"a photo of {width} x {height} needs more memory than is available; "
                "make it smaller",
                ", or run it in parts with --large crop or tile",
            ) from None

    def _way(self, images: np.ndarray, large: Large) -> Way:
        """Says whether photos run whole or how they run in parts."""
        size, (height, width) = self.backend.size, images.shape[1:3]
        if size is not None and large == "auto" and (height, width) != (size, size):
            return "crop"  # at its own scale, whatever the size of the photo
        if size is not None and large == "full" and max(height, width) > size:
            raise InputError(
                f"the model {self.description} runs on {size} x {size} pixels at most, "
                f"but the photo has {width} x {height}: large must be 'crop', 'tile' "
                "or 'auto'"
            )
        return choose((height, width), large, self._side)

    def _at(self, sigma: float | None) -> Backend:
        if sigma is None or sigma == self.sigma:
            return self.backend
        return self.backend.at_sigma(sigma)

    def _check_published(self, edges: np.ndarray | None, large: Large) -> None:
        if edges is not None or not self.draws:
            raise InputError(
                "published uses the raw output of the edge generator: it needs a "
                "model that has one, and takes no edges"
            )
        if large not in ("auto", "full"):
            raise InputError(
                "published runs on the whole photo at once, as the original code "
                f"does: large {large!r} must be 'full' or 'auto'"
            )

    def _warn_without_edge_generator(self) -> None:
        if not self.draws and not self._warned:
            self._warned = True
            logger.warning(
                "the model %s has no edge generator: only known edges and the edges "
                "that you give guide the fill",
                self.description,
            )
