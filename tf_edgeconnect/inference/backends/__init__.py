"""`Backend`: all that a runtime has to do to fill holes; one module for each."""

import abc
from typing import Protocol

import numpy as np


class Backend(Protocol):
    """Runs the networks on photos of one size; `Inpainter` does everything else.

    `images` are uint8 `(B, H, W, 3)`, RGB; `masks` bool `(B, H, W, 1)`, true = hole;
    `edges` uint8 `(B, H, W, 1)`, white = edge. Several threads may call a backend.

    Attributes:
        description: which networks these are, for messages.
        sigma: of Canny, in pixels; None: the model's own, not known here.
        draws: whether there is an edge generator.
        paints: whether there is an inpaint generator.
        size: the only height and width that `fill` and `predict_edges` take; None: any.
        max_pixels: bound of B x H x W of one call; None: memory alone.
    """

    description: str
    sigma: float | None
    draws: bool
    paints: bool
    size: int | None
    max_pixels: int | None

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills the holes.

        Args:
            images: their values inside the hole do not matter.
            masks: each with a hole or without.
            edges: to follow inside the hole, black outside; None: the model's own.

        Returns:
            The filled images, known pixels bit-identical, and the completed edges that
            were followed; None where the runtime does not return them.
        """

    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, the edge generator's inside the hole."""

    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, none inside the hole; at any size."""


class SignatureBackend(abc.ABC):
    """Runs the signatures of an export; a runtime adds how one is called."""

    description: str
    sigma: float | None = None
    draws = paints = True
    size: int | None = None
    max_pixels: int | None = None

    @abc.abstractmethod
    def predict(
        self, signature: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls a signature: input name -> array enters, output name -> array leaves.

        Raises:
            InputError: what is wrong with the inputs.
        """

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills holes; the signature that takes edges does not give them back."""
        pair = {"image": images, "mask": np.uint8(255) * masks}
        if edges is None:
            results = self.predict("serving_default", pair)
        else:
            results = self.predict("inpaint_with_edges", {**pair, "edges": edges})
        return results["inpainted"], results.get("edges")

    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Canny's edges where known, the edge generator's inside the hole."""
        pair = {"image": images, "mask": np.uint8(255) * masks}
        return self.predict("predict_edges", pair)["edges"]
