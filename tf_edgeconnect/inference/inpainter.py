"""`Inpainter`: trained networks for photos as NumPy arrays, single or in batches."""

import logging
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.arrays import Inpainted, as_drawing, as_pair
from tf_edgeconnect.inference.exports_on_disk import find_export
from tf_edgeconnect.inference.graph import Graph, InpaintGraph, traced
from tf_edgeconnect.inference.large import InParts, as_masks
from tf_edgeconnect.inference.regions import Large, Scene, choose
from tf_edgeconnect.models.storage import load_networks, resolve

logger = logging.getLogger(__name__)

IMAGES = tf.TensorSpec([None, None, None, 3], tf.uint8)
MASK = tf.TensorSpec([None, None, None, 1], tf.float32)
DRAWING = tf.TensorSpec([None, None, None, 1], tf.uint8)


class Inpainter:
    """Two trained networks, ready for photos of any size.

    Args:
        edge_generator: draws edges inside the hole; None: the hole has only the edges
            that a person gives.
        inpaint_generator: paints the hole; None: only `predict_edges` works.
        sigma: of Canny, in pixels, as the networks were trained; 0 (random at training)
            means 2, -1 means no edges.
        description: says in messages which networks these are.

    Attributes:
        draws: whether there is an edge generator.
        paints: whether there is an inpaint generator.

    Example:
        >>> inpainter = Inpainter.load("runs/quickstart")
        >>> filled, edges = inpainter(image, mask)
    """

    def __init__(
        self,
        edge_generator: keras.Model | None,
        inpaint_generator: keras.Model | None,
        sigma: float = 2.0,
        description: str = "networks given as Keras models",
    ) -> None:
        """Prepares the graphs; each is traced at its first use."""
        if edge_generator is None and inpaint_generator is None:
            raise InputError("an Inpainter needs at least one generator, got none")
        self.edge_generator = edge_generator
        self.inpaint_generator = inpaint_generator
        graph = InpaintGraph(edge_generator, inpaint_generator, float(sigma))
        self._trace(graph, description)
        self._fill_as_published = traced(
            graph.fill_as_published, input_signature=[IMAGES, MASK]
        )
        self.draws = edge_generator is not None
        self.paints = inpaint_generator is not None

    def _trace(self, graph: Graph, description: str) -> None:
        self.sigma = graph.sigma
        self.description = description
        self.draws = self.paints = True
        self._warned = False
        pair = [IMAGES, MASK]
        self._known_edges = traced(graph.known_edges, input_signature=pair)
        self._completed_edges = traced(graph.completed_edges, input_signature=pair)
        self._fill = traced(graph.fill, input_signature=pair)
        self._fill_along = traced(graph.fill_along, input_signature=[*pair, DRAWING])
        self._in_parts = InParts(
            self._known_edges,
            self._completed_edges,
            self._fill,
            self._fill_along,
            self.sigma,
        )

    @classmethod
    def load(cls, path: str | Path) -> "Inpainter":
        """Loads the networks of a run directory, a weights folder or an export.

        Args:
            path: a run directory (its most advanced stage is taken), a folder with a
                `model.json`, or an exported SavedModel (of several versions the
                latest).

        Returns:
            An Inpainter whose `description` says what was loaded. That of an exported
            SavedModel has no Keras models: its attributes `edge_generator` and
            `inpaint_generator` are absent.

        Raises:
            InputError: the path is none of these, or its weights are damaged.
        """
        if export := find_export(path):
            from tf_edgeconnect.inference.exported import ExportedInpainter

            return ExportedInpainter(export)
        folders = resolve(path)
        networks: dict[str, keras.Model] = {}
        metas: dict[Path, dict[str, Any]] = {}
        for name in ("edge_generator", "inpaint_generator"):
            if name in folders:
                found, metas[folders[name]] = load_networks(folders[name], (name,))
                networks.update(found)
        if not networks:
            raise InputError(
                f"model {path} holds {sorted(folders)} but no generator; give a run "
                "directory or a weights folder that does"
            )
        first = next(iter(metas.values()))  # Canny feeds the edge generator first
        described = [
            f"{folder} (stage {meta.get('stage', 'unknown')}, "
            f"step {meta.get('step', 'unknown')})"
            for folder, meta in metas.items()
        ]
        return cls(
            networks.get("edge_generator"),
            networks.get("inpaint_generator"),
            first.get("sigma", 2.0),
            " and ".join(described),
        )

    def __call__(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        edges: np.ndarray | None = None,
        *,
        published: bool = False,
        large: Large = "auto",
    ) -> Inpainted:
        """Fills the hole of a photo, or of each photo of a batch.

        Args:
            image: uint8 `(H, W, 3)` or `(B, H, W, 3)`, RGB.
            mask: uint8 or bool of `image`'s height and width, with or without a last
                axis of 1; above 127 (or true) = hole.
            edges: uint8 of the mask's shape, white = line: used inside the hole in
                place of the edge generator's; outside it Canny's edges stay.
            published: feed the raw output of the edge generator, outside the hole
                too, and cut colours to whole grey levels, as the published test
                script does; the photo then always runs whole.
            large: how a photo runs that is larger than the networks were made for:
                `full` (whole), `crop` (each hole with its surroundings, thick ones
                reduced) or `tile` (in tiles that fade into each other); `auto` is
                `full` up to 512 x 512 pixels, then `crop`. See `regions`.

        Returns:
            The photo with its hole filled, and the edges that it was filled along.

        Raises:
            InputError: an array of another type, rank or size, an inverted drawing, or
                a model that lacks the network this needs.
        """
        filled, lines = self._painted(image, mask, edges, published, large, True)
        return Inpainted(filled, cast(np.ndarray, lines))

    def paint(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        edges: np.ndarray | None = None,
        *,
        published: bool = False,
        large: Large = "auto",
    ) -> np.ndarray:
        """Fills as calling it does, without the edges.

        A large photo that runs in parts takes far less time so: Canny, too, sees the
        parts alone.

        Args:
            image: as in `__call__`, and so are all others.
            mask: see there.
            edges: see there.
            published: see there.
            large: see there.

        Returns:
            uint8 of the image's shape.

        Raises:
            InputError: as `__call__`.
        """
        return self._painted(image, mask, edges, published, large, False)[0]

    def _painted(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        edges: np.ndarray | None,
        published: bool,
        large: Large,
        with_edges: bool,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        if not self.paints:
            raise InputError(
                f"the model {self.description} has no inpaint generator: it only draws "
                "edges; train the inpaint stage, or ask for edges only"
            )
        if published and (edges is not None or not self.draws):
            raise InputError(
                "published feeds the raw edges of the edge generator: it needs a model "
                "with one, and no edges given"
            )
        if published and large not in ("auto", "full"):
            raise InputError(
                f"published runs photos whole, as the original does: large {large!r} "
                "must be 'full' or 'auto'"
            )
        images, holes = as_pair(image, mask)
        drawing = None if edges is None else as_drawing(edges, holes)
        if drawing is None and holes.any():
            self._warn_without_edge_generator()
        large = "full" if published else choose(holes.shape[1:3], large)
        if large != "full":
            filled, lines = self._in_parts.filled(
                images, holes, drawing, large, with_edges=with_edges
            )
        elif not holes.any():
            filled, lines = images, self._known_edges(images, as_masks(holes))
        elif drawing is not None:
            filled, lines = self._fill_along(images, as_masks(holes), drawing)
        elif published:
            filled, lines = self._fill_as_published(images, as_masks(holes))
        else:
            filled, lines = self._fill(images, as_masks(holes))
        filled = np.array(filled).reshape(np.shape(image))
        return filled, np.array(lines).reshape(np.shape(mask)) if with_edges else None

    def predict_edges(
        self, image: np.ndarray, mask: np.ndarray, *, large: Large = "auto"
    ) -> np.ndarray:
        """Completes the edges of a photo without painting.

        Args:
            image: as in `__call__`.
            mask: as in `__call__`.
            large: as in `__call__`.

        Returns:
            uint8 of the mask's shape: Canny's edges where the photo is known, the edge
            generator's inside the hole.

        Raises:
            InputError: an array of another type, rank or size.
        """
        images, holes = as_pair(image, mask)
        self._warn_without_edge_generator()
        large = choose(holes.shape[1:3], large)
        if large == "full":
            lines = self._completed_edges(images, as_masks(holes))
        else:
            lines = self._in_parts.completed(images, holes, large)
        return np.array(lines).reshape(np.shape(mask))

    def photo_edges(self, image: np.ndarray) -> np.ndarray:
        """Canny's edges of a whole photo, which these networks were trained to draw.

        Args:
            image: uint8 `(H, W, 3)`, RGB.

        Returns:
            uint8 `(H, W)`, 0 or 255.
        """
        no_hole = np.zeros(image.shape[:2], bool)
        return self._in_parts.edges_in_strips(Scene(image, no_hole, None))[..., 0]

    def _warn_without_edge_generator(self) -> None:
        if not self.draws and not self._warned:
            self._warned = True
            logger.warning(
                "the model %s has no edge generator: only known edges, and those a "
                "person gives, guide the painting",
                self.description,
            )
