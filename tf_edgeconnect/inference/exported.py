"""An exported SavedModel in the place of Keras networks.

Its signatures fill holes and draw edges; Canny alone, for photos without a hole and
around a person's drawing, is run beside them.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.inference.inpainter import Inpainter
from tf_edgeconnect.inference.regions import Large


class ExportedInpainter(Inpainter):
    """An `Inpainter` on a SavedModel, without Keras models.

    Args:
        folder: of one version, see `exports_on_disk`.

    Raises:
        InputError: it does not load.
    """

    def __init__(self, folder: str | Path) -> None:
        """Loads the SavedModel."""
        folder = Path(folder)
        try:
            facts = json.loads((folder / "model.json").read_text())
            sigma, source = facts["sigma"], facts["source"]
            model = tf.saved_model.load(str(folder))
        except (tf.errors.OpError, OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"export {folder} does not load: {reason}; export the model again"
            ) from None
        self._trace(_SavedGraph(model, sigma), f"{folder} (exported from {source})")

    def _painted(
        self,
        image: np.ndarray,
        mask: np.ndarray,
        edges: np.ndarray | None,
        published: bool,
        large: Large,
        with_edges: bool,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        if published:
            raise InputError(
                f"the model {self.description} paints along composite edges only; "
                "published needs the run directory or weights folder it was made from"
            )
        try:
            return super()._painted(image, mask, edges, published, large, with_edges)
        except tf.errors.InvalidArgumentError as error:
            raise _refusal(error) from None

    def predict_edges(
        self, image: np.ndarray, mask: np.ndarray, *, large: Large = "auto"
    ) -> np.ndarray:
        """Completes edges; see `Inpainter`."""
        try:
            return super().predict_edges(image, mask, large=large)
        except tf.errors.InvalidArgumentError as error:
            raise _refusal(error) from None


class _SavedGraph:
    """A `Graph` of the signatures of a SavedModel, and of Canny beside them."""

    def __init__(self, model: Any, sigma: float) -> None:
        self.sigma = sigma
        self.known_edges = InpaintGraph(None, None, sigma).known_edges
        self._model = model  # it owns the variables of its signatures

    def _run(
        self, signature: str, images: tf.Tensor, mask: tf.Tensor, **edges: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        function = self._model.signatures[signature]
        return function(image=images, mask=tf.cast(255 * mask, tf.uint8), **edges)

    def completed_edges(self, images: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        return self._run("predict_edges", images, mask)["edges"]

    def fill(self, images: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        result = self._run("serving_default", images, mask)
        return result["inpainted"], result["edges"]

    def fill_along(
        self, images: tf.Tensor, mask: tf.Tensor, drawing: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        result = self._run("inpaint_with_edges", images, mask, edges=drawing)
        lines = tf.where(mask > 0, drawing, self.known_edges(images, mask))
        return result["inpainted"], lines


def _refusal(error: tf.errors.InvalidArgumentError) -> InputError:
    """What a check in the graph says, without the names of operations around it."""
    sentence = re.search(r"assertion failed: \[(.*)\]", error.message)
    return InputError(sentence[1] if sentence else error.message)
