"""`TFLiteBackend`: an exported `.tflite` file, run by LiteRT without TensorFlow.

The file takes photos of one size `N` only. Of a larger photo each hole runs with its
surroundings at the photo's own scale, as `regions` plans it: tiles where it is longer
than `N`, reduced where it is so thick that the networks would see nothing known from
its middle. Shrinking whole photos to `N` instead would blur every hole; tiling them
whole would run parts without a hole.
"""

import json
import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.arrays import canny
from tf_edgeconnect.inference.backends import SignatureBackend

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

METADATA_NAME = "tf_edgeconnect"  # of the JSON that an export keeps in its file


class TFLiteBackend(SignatureBackend):
    """An exported TFLite file, one photo at a time.

    Args:
        path: written by `tf-edgeconnect export --format tflite`.
        threads: to run on; None: as many as this process may use.

    Raises:
        InputError: ai-edge-litert is not installed, or the file is none of ours.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        """Opens the file."""
        interpreter, facts = open_file(Path(path), threads or usable_threads())
        self.size = facts["size"]
        self.max_pixels = facts["size"] ** 2
        self.sigma = facts["sigma"]
        self.description = f"{path} ({facts['precision']}, from {facts['source']})"
        self._signatures = {
            name: interpreter.get_signature_runner(name)
            for name in ("serving_default", "predict_edges", "inpaint_with_edges")
        }
        self.known_edges = partial(canny, sigma=facts["sigma"])
        self._lock = threading.Lock()  # an interpreter has one set of tensors

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Calls a signature."""
        with self._lock:
            return self._signatures[signature](**inputs)


def open_file(path: Path, threads: int) -> tuple["Interpreter", dict[str, Any]]:
    """Opens an exported TFLite file.

    Args:
        path: of the file.
        threads: to run on.

    Returns:
        An interpreter of it, and what the export noted: `size`, `precision`, `sigma`,
        `source` and others.

    Raises:
        InputError: ai-edge-litert is not installed, or the file is none of ours.
    """
    require_litert()
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter

    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"model {path} {what}; expected a .tflite file")
    contents = path.read_bytes()
    not_ours = InputError(
        f"model {path} is not a whole file of `tf-edgeconnect export --format tflite`"
    )
    try:
        interpreter = Interpreter(model_content=contents, num_threads=threads)
    except (ValueError, RuntimeError):
        raise not_ours from None
    model = schema.Model.GetRootAs(contents)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == METADATA_NAME.encode():
            text = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
            return interpreter, json.loads(text)
    raise not_ours


def require_litert() -> None:
    """Refuses to go on without the package that runs TFLite files.

    Raises:
        InputError: ai-edge-litert is not installed; it says how to.
    """
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"TFLite files need ai-edge-litert ({error}): "
            "pip install 'tf-edgeconnect[tflite]'"
        ) from None


def usable_threads() -> int:
    """Returns on how many processors this process may run."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
