"""`SavedModelBackend`: an exported SavedModel."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.inference.backends import SignatureBackend
from tf_edgeconnect.inference.graph import InpaintGraph, errors_named, on_arrays


class SavedModelBackend(SignatureBackend):
    """The signatures of a SavedModel, and Canny for known edges.

    Args:
        folder: of one version, as `loading.find_export` returns it.

    Raises:
        InputError: it does not load.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        try:
            facts = json.loads((folder / "model.json").read_text())
            self.sigma = sigma = facts["sigma"]
            self.max_pixels = facts.get("max_pixels")
            self.description = f"{folder} (exported from {facts['source']})"
            self._model = tf.saved_model.load(str(folder))  # owns its variables
        except (tf.errors.OpError, OSError, ValueError, KeyError) as error:
            raise InputError(
                f"export {folder} does not load: {one_line(error)}; export the model "
                "again"
            ) from None
        self._known_edges = on_arrays(InpaintGraph(None, None, sigma).known_edges)

    @errors_named
    def predict(
        self, signature: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls a signature."""
        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        results = self._model.signatures[signature](**tensors)
        return {name: np.array(result) for name, result in results.items()}

    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, none inside the hole; at any size."""
        return self._known_edges(images, masks)
