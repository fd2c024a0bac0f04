"""`Backend`: the interface of a runtime that fills holes; one module per runtime."""

import abc
from typing import Any

import numpy as np

from tf_edgeconnect.errors import InputError


class Backend(abc.ABC):
    """Runs the networks on photos of one size; `Inpainter` does everything else.

    `images` are uint8 `(B, H, W, 3)`, RGB; `masks` bool `(B, H, W, 1)`, true = hole;
    `edges` uint8 `(B, H, W, 1)`, white = edge. Several threads may call a backend.

    Attributes:
        description: names the networks in messages.
        sigma: of Canny, in pixels; None if only the model knows it.
        draws: whether there is an edge generator.
        paints: whether there is an inpaint generator.
        takes_edges: whether `fill` takes edges.
        takes_sigma: whether `at_sigma` takes another sigma.
        edge_generator: the Keras model; None where another runtime runs it.
        inpaint_generator: the Keras model; None where another runtime runs it.
        size: the only height and width that `fill` and `predict_edges` accept; None:
            any.
        max_pixels: largest B x H x W of one call; None: limited only by memory.
    """

    description: str
    sigma: float | None = None
    draws: bool = True
    paints: bool = True
    takes_edges: bool = True
    takes_sigma: bool = False
    edge_generator: Any = None
    inpaint_generator: Any = None
    size: int | None = None
    max_pixels: int | None = None

    @abc.abstractmethod
    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills the holes.

        Args:
            images: values inside the hole are ignored.
            masks: each with or without a hole.
            edges: those inside the hole, black outside; None: the edge generator's.

        Returns:
            The filled images, known pixels bit-identical, and the completed edges, or
            None if the runtime does not return them.
        """

    @abc.abstractmethod
    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, the edge generator's inside the hole."""

    @abc.abstractmethod
    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, none inside the hole; at any size."""

    def fill_as_published(
        self, images: np.ndarray, masks: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fills like the published test script; see `InpaintGraph`."""
        raise InputError(
            f"the model {self.description} accepts composite edges only; published "
            "needs the run directory or weights folder it was made from"
        )

    def at_sigma(self, sigma: float) -> "Backend":
        """Returns the same networks with another sigma of Canny."""
        raise InputError(
            f"the model {self.description} has its own sigma of Canny; another one "
            "needs a run directory or weights folder trained on known edges"
        )


class SignatureBackend(Backend):
    """Runs the signatures of an export; a runtime adds `predict` and `known_edges`."""

    @abc.abstractmethod
    def predict(self, signature: str, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        """Calls a signature with a dict of inputs and returns a dict of outputs.

        Raises:
            InputError: what is wrong with the inputs.
        """

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills holes; the signature that takes edges does not return them."""
        pair = {"image": images, "mask": np.uint8(255) * masks}
        if edges is None:
            results = self.predict("serving_default", pair)
        else:
            results = self.predict("inpaint_with_edges", {**pair, "edges": edges})
        return results["inpainted"], results.get("edges")

    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, the edge generator's inside the hole."""
        pair = {"image": images, "mask": np.uint8(255) * masks}
        return self.predict("predict_edges", pair)["edges"]
