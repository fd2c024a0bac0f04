"""What runs the networks: one module a runtime, each with one `Backend`."""

import abc

import numpy as np


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
