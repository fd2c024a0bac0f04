"""`OnnxBackend`: an exported `.onnx` file, run by ONNX Runtime without TensorFlow."""

import json
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

_ERRORS_ONLY = 3


class OnnxBackend(FileBackend):
    """An exported ONNX file, at any size and batch, on the processor.

    Args:
        path: written by `tf-edgeconnect export --format onnx`.

    Raises:
        InputError: onnxruntime is not installed, or the file is none of ours.
    """

    def __init__(self, path: str | Path) -> None:
        """Opens the file."""
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(
                f"ONNX files need onnxruntime ({error}): "
                "pip install 'tf-edgeconnect[onnx]'"
            ) from None
        path = Path(path)
        contents = contents_of(path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = usable_threads()
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                contents, options, providers=["CPUExecutionProvider"]
            )
            metadata = self._session.get_modelmeta().custom_metadata_map
            facts = json.loads(metadata[METADATA_NAME])
        except Exception:  # its own kinds have no common one
            raise not_ours(path) from None
        super().__init__(path, facts)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs the file; see `FileBackend`."""
        results = self._session.run(self._outputs, arrays)
        return dict(zip(self._outputs, results, strict=True))
