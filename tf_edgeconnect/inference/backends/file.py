"""`FileBackend`: what exported `.tflite` and `.onnx` files have in common.

A file takes images and masks and runs Canny itself, or takes edges in place of Canny's,
too. None of this needs TensorFlow.
"""

import abc
import os
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.arrays import canny

METADATA_NAME = "tf_edgeconnect"  # of the JSON that an export keeps in its file


class FileBackend(abc.ABC):
    """One exported file; `run` is its runtime's.

    Args:
        path: of the file.
        facts: what the export noted in it.
    """

    draws = paints = True
    sigma: float | None
    size: int | None = None
    max_pixels: int | None = None

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        """Keeps what the export noted."""
        self.sigma = self._sigma = facts["sigma"]
        self.description = f"{path} ({facts['precision']}, from {facts['source']})"
        self.takes_edges: bool = facts["edges_input"]

    @abc.abstractmethod
    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the file on uint8 arrays by the names of its inputs."""

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fills holes along the edge generator's edges, or those given."""
        arrays = {"image": images, "mask": np.uint8(255) * masks}
        if self.takes_edges:
            guides = self.known_edges(images, masks)
            if edges is not None:
                guides = np.where(masks, edges, guides)
                for mask, guide in zip(masks, guides, strict=True):
                    if mask.any() and not guide[mask].any():
                        # One faint pixel, or the file would predict the edges.
                        guide[tuple(np.argwhere(mask)[0])] = 1
            arrays["edges"] = guides
        results = self.run(arrays)
        completed = "completed_edges" if self.takes_edges else "edges"
        return results["inpainted"], results[completed]

    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Canny's edges where known, the edge generator's inside the hole."""
        return self.fill(images, masks)[1]

    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Canny's edges where known, at any size."""
        return canny(images, masks, self._sigma)


def contents_of(path: Path) -> bytes:
    """Reads a model's file.

    Raises:
        InputError: there is none.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"model {path} {what}; expected a {path.suffix} file")
    return path.read_bytes()


def not_ours(path: Path) -> InputError:
    """Makes the error for a file that `export` did not write, or not completely."""
    kind = path.suffix.removeprefix(".")
    return InputError(
        f"model {path} is not a whole file of `tf-edgeconnect export --format {kind}`"
    )


def usable_threads() -> int:
    """Returns how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
