"""`KerasBackend`: Keras models in this process."""

import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tf_edgeconnect.edges.exact import NO_EDGES
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.backends import Backend
from tf_edgeconnect.inference.graph import EDGES, PAIR, InpaintGraph, on_arrays
from tf_edgeconnect.models.storage import load_networks, resolve


class KerasBackend(Backend):
    """Runs Keras models; the only backend that fills as published, at any sigma.

    Args:
        edge_generator: predicts the edges inside the hole; None: only given edges are
            used.
        inpaint_generator: fills the hole; None: only edges can be predicted.
        sigma: Canny's sigma in pixels, as in training; 0 (random in training) means 2,
            -1 means no edges.
        description: names the networks in messages.

    Raises:
        InputError: there is no generator.
    """

    def __init__(
        self,
        edge_generator: keras.Model | None,
        inpaint_generator: keras.Model | None,
        sigma: float = 2.0,
        description: str = "networks given as Keras models",
    ) -> None:
        if edge_generator is None and inpaint_generator is None:
            raise InputError("an Inpainter needs at least one generator, got none")
        self.edge_generator = edge_generator
        self.inpaint_generator = inpaint_generator
        self.sigma = sigma = float(sigma)
        self.description = description
        self.draws = edge_generator is not None
        self.paints = inpaint_generator is not None
        self.takes_sigma = sigma != NO_EDGES
        self._others: dict[float, KerasBackend] = {}
        graph = InpaintGraph(edge_generator, inpaint_generator, sigma)
        networks = [n for n in (edge_generator, inpaint_generator) if n is not None]
        # The first maps are of full size, and so are the last, of few channels.
        filters = max(_first_filters(network) for network in networks)

        # Each is traced at its first or second use.
        wrapped = functools.partial(on_arrays, filters=filters)
        self._fill = wrapped(graph.fill)
        self._fill_along = wrapped(graph.fill_along, [*PAIR, EDGES])
        self._fill_as_published = wrapped(graph.fill_as_published)
        self._completed_edges = wrapped(graph.completed_edges)
        self._known_edges = wrapped(graph.known_edges)

    @classmethod
    def load(cls, path: str | Path) -> "KerasBackend":
        """Loads a preset, the most advanced stage of a run, or a weights folder.

        Raises:
            InputError: the path is none of these, or its weights are damaged.
        """
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

    def at_sigma(self, sigma: float) -> Backend:
        """Returns the same networks with another sigma of Canny."""
        if not self.takes_sigma:
            return super().at_sigma(sigma)
        if sigma not in self._others:
            self._others[sigma] = KerasBackend(
                self.edge_generator, self.inpaint_generator, sigma, self.description
            )
        return self._others[sigma]

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fills holes along the edge generator's edges, or those given."""
        if edges is None:
            return self._fill(images, masks)
        return self._fill_along(images, masks, edges)

    def fill_as_published(
        self, images: np.ndarray, masks: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fills like the published test script; see `InpaintGraph`."""
        return self._fill_as_published(images, masks)

    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, the edge generator's inside the hole."""
        return self._completed_edges(images, masks)

    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, none inside the hole; at any size."""
        return self._known_edges(images, masks)


def _first_filters(network: keras.Model) -> int:
    kernels = (v.shape for v in network.variables if len(v.shape) == 4)
    return next(kernels, (64,))[-1]
