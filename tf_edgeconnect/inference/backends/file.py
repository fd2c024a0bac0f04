"""Backends for exported `.tflite` and `.onnx` files, which need no TensorFlow.

A file takes images and masks and runs Canny itself, or takes edges instead of Canny's.

A TFLite file takes photos of one size `N` only. In a larger photo each hole runs with
its surroundings at the photo's own scale, as `areas` plans it: in tiles where it is
longer than `N`, reduced where it is so thick that the networks would see nothing known
from its middle. Shrinking whole photos to `N` instead would blur every hole; tiling
whole photos would run parts without a hole.
"""

import abc
import io
import json
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.arrays import canny
from tf_edgeconnect.inference.backends import Backend

METADATA_NAME = "tf_edgeconnect"  # of the JSON that an export keeps in its file
_ERRORS_ONLY = 3


class FileBackend(Backend):
    """One exported file; a runtime adds `_open` and `run`.

    Args:
        path: of the file.

    Raises:
        InputError: the runtime is not installed, or `export` did not write the file.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        kind = path.suffix.removeprefix(".")
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise InputError(f"model {path} {what}; expected a .{kind} file")
        try:
            facts = self._open(path.read_bytes())
        except InputError:
            raise
        except Exception:  # ONNX Runtime's own kinds have no common one
            raise InputError(
                f"model {path} is not a complete file from `tf-edgeconnect export "
                f"--format {kind}`"
            ) from None
        self.sigma: float = facts["sigma"]
        self.description = f"{path} ({facts['precision']}, from {facts['source']})"
        self.takes_edges = facts["edges_input"]

    @abc.abstractmethod
    def _open(self, contents: bytes) -> dict[str, Any]:
        """Prepares the runtime; returns what the export noted in the file."""

    @abc.abstractmethod
    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the file on uint8 arrays by the names of its inputs."""

    def fill(
        self, images: np.ndarray, masks: np.ndarray, edges: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fills holes along the edge generator's edges, or those given."""
        arrays = {"image": images, "mask": np.uint8(255) * masks}
        if not self.takes_edges:
            results = self.run(arrays)
            return results["inpainted"], results["edges"]
        guides = self.known_edges(images, masks)
        if edges is not None:
            guides = np.where(masks, edges, guides)
            for mask, guide in zip(masks, guides, strict=True):
                if mask.any() and not guide[mask].any():
                    # One faint pixel, or the file would predict the edges.
                    guide[tuple(np.argwhere(mask)[0])] = 1
        results = self.run({**arrays, "edges": guides})
        return results["inpainted"], results["completed_edges"]

    def predict_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, the edge generator's inside the hole."""
        return self.fill(images, masks)[1]

    def known_edges(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """Returns Canny's edges where known, at any size."""
        return canny(images, masks, self.sigma)


class OnnxBackend(FileBackend):
    """An exported ONNX file, at any size and batch, run by ONNX Runtime on the CPU."""

    def _open(self, contents: bytes) -> dict[str, Any]:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(
                f"ONNX files need onnxruntime ({error}): "
                "pip install 'tf-edgeconnect[onnx]'"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _usable_threads()
        options.log_severity_level = _ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(
            contents, options, providers=["CPUExecutionProvider"]
        )
        self._outputs = [output.name for output in self._session.get_outputs()]
        metadata = self._session.get_modelmeta().custom_metadata_map
        return json.loads(metadata[METADATA_NAME])

    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the file on uint8 arrays by the names of its inputs."""
        results = self._session.run(self._outputs, arrays)
        return dict(zip(self._outputs, results, strict=True))


class TFLiteBackend(FileBackend):
    """An exported TFLite file, run by LiteRT, one photo at a time."""

    def _open(self, contents: bytes) -> dict[str, Any]:
        require_litert()
        from ai_edge_litert.interpreter import Interpreter

        # TFLite's way to files inside a file: a zip archive behind the model.
        with zipfile.ZipFile(io.BytesIO(contents)) as archive:
            facts = json.loads(archive.read(METADATA_NAME))
        interpreter = Interpreter(model_content=contents, num_threads=_usable_threads())
        self.size = facts["size"]
        self.max_pixels = facts["size"] ** 2
        self._signature = interpreter.get_signature_runner("serving_default")
        self._lock = threading.Lock()  # an interpreter has one set of tensors
        return facts

    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the file on uint8 arrays by the names of its inputs."""
        with self._lock:
            return self._signature(**arrays)


def require_litert() -> None:
    """Checks that the package that runs TFLite files is installed.

    Raises:
        InputError: it is not.
    """
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"TFLite files need ai-edge-litert ({error}): "
            "pip install 'tf-edgeconnect[tflite]'"
        ) from None


def _usable_threads() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
