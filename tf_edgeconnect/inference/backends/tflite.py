"""`TFLiteBackend`: an exported `.tflite` file, run by LiteRT without TensorFlow.

The file takes photos of one size `N` only. Of a larger photo each hole runs with its
surroundings at the photo's own scale, as `regions` plans it: tiles where it is longer
than `N`, reduced where it is so thick that the networks would see nothing known from
its middle. Shrinking whole photos to `N` instead would blur every hole; tiling them
whole would run parts without a hole.
"""

import io
import json
import threading
import zipfile
from pathlib import Path

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.backends.file import (
    METADATA_NAME,
    FileBackend,
    contents_of,
    not_ours,
    usable_threads,
)


class TFLiteBackend(FileBackend):
    """An exported TFLite file, one photo at a time.

    Args:
        path: written by `tf-edgeconnect export --format tflite`.

    Raises:
        InputError: ai-edge-litert is not installed, or the file is none of ours.
    """

    def __init__(self, path: str | Path) -> None:
        """Opens the file."""
        require_litert()
        from ai_edge_litert.interpreter import Interpreter

        path = Path(path)
        contents = contents_of(path)
        try:
            # TFLite's way to files inside a file: a zip archive behind the model.
            with zipfile.ZipFile(io.BytesIO(contents)) as archive:
                facts = json.loads(archive.read(METADATA_NAME))
            interpreter = Interpreter(
                model_content=contents, num_threads=usable_threads()
            )
        except (ValueError, RuntimeError, KeyError, zipfile.BadZipFile):
            raise not_ours(path) from None
        super().__init__(path, facts)
        self.size = facts["size"]
        self.max_pixels = facts["size"] ** 2
        self._signature = interpreter.get_signature_runner("serving_default")
        self._lock = threading.Lock()  # an interpreter has one set of tensors

    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the file; see `FileBackend`."""
        with self._lock:
            return self._signature(**arrays)


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
