"""`SavedModelBackend`: an exported SavedModel in the place of Keras networks."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.graph import PAIR, InpaintGraph, errors_named, traced


class SavedModelBackend:
    """The signatures of a SavedModel, and Canny beside them.

    Args:
        folder: of one version, see `loading.find_export`.

    Raises:
        InputError: it does not load.
    """

    draws = paints = True
    size = None

    def __init__(self, folder: str | Path) -> None:
        """Loads the SavedModel."""
        folder = Path(folder)
        try:
            facts = json.loads((folder / "model.json").read_text())
            self.sigma: float = facts["sigma"]
            self.max_pixels: int | None = facts.get("max_pixels")
            self.description = f"{folder} (exported from {facts['source']})"
            self._model = tf.saved_model.load(str(folder))  # owns its variables
        except (tf.errors.OpError, OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"export {folder} does not load: {reason}; export the model again"
            ) from None
        graph = InpaintGraph(None, None, self.sigma)
        self._known_edges = traced(graph.known_edges, input_signature=PAIR)

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Fills holes; the signature that takes edges does not give them back."""
        if edges is None:
            result = self._run("serving_default", images, masks)
            return result["inpainted"], result["edges"]
        result = self._run("inpaint_with_edges", images, masks, edges=edges)
        return result["inpainted"], None

    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Canny's edges where known, the edge generator's inside the hole."""
        return self._run("predict_edges", images, masks)["edges"]

    @errors_named
    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Canny's edges where known."""
        return np.array(self._known_edges(images, masks.astype(np.float32)))

    @errors_named
    def _run(
        self, signature: str, images: np.ndarray, masks: np.ndarray, **edges: np.ndarray
    ) -> dict[str, np.ndarray]:
        planes = {"image": images, "mask": np.uint8(255) * masks, **edges}
        tensors = {name: tf.constant(plane) for name, plane in planes.items()}
        results = self._model.signatures[signature](**tensors)
        return {name: np.array(result) for name, result in results.items()}
