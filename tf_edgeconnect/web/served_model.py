"""`ServedModel`: one version of an export, loaded and run as TF Serving does it.

Like TF Serving it restores the graph into a Session and runs it by tensor names,
because a SavedModel may load in Python and still fail there. It does not check ranks:
the graph itself must refuse wrong ones.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from starlette.exceptions import HTTPException
from tensorflow.core.protobuf import config_pb2

from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.inference.loading import SAVED_MODEL_FILE, find_export

DEFAULT_SIGNATURE = "serving_default"
# The loader's own; clients may not call it.
_INIT_SIGNATURE = "__saved_model_init_op"
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 412,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
}


class RequestError(HTTPException):
    """An error in a request: a sentence, `detail`, and a gRPC status code."""

    def __init__(
        self, detail: str, code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT
    ) -> None:
        super().__init__(_HTTP.get(code, 500), detail)
        self.code = code


class ServedModel:
    """The latest version of an export, ready for requests from several threads.

    Args:
        export: folder of version folders, `EXPORT/1`, `EXPORT/2`, or one of these.
        name: the model's name in requests.

    Attributes:
        version: the number of its folder.
        signatures: signature name -> SignatureDef.

    Raises:
        InputError: there is no export, or it does not load.
    """

    def __init__(self, export: str | Path, name: str) -> None:
        folder = find_export(export)
        if folder is None:
            raise InputError(
                f"export {export} has neither a {SAVED_MODEL_FILE} nor a version "
                "folder such as 1/ with one; make it with `tf-edgeconnect export "
                "--model M -o EXPORT`"
            )
        self.name = name
        self.version = int(folder.name) if folder.name.isdigit() else 1
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph)
        try:
            with graph.as_default():
                meta = tf.compat.v1.saved_model.loader.load(
                    self._session, [tf.saved_model.SERVING], str(folder)
                )
        except (tf.errors.OpError, OSError, RuntimeError, ValueError) as error:
            self._session.close()
            raise InputError(
                f"export {folder} does not load: {one_line(error)}; export the model "
                "again"
            ) from None
        self.signatures = dict(meta.signature_def)
        self.signatures.pop(_INIT_SIGNATURE, None)
        self._calls = {name: self._callable(name) for name in self.signatures}

    def close(self) -> None:
        """Frees the session's memory."""
        self._session.close()

    def check(self, name: str, version: str | None) -> None:
        """Raises `RequestError` unless this model and version, or None, are meant."""
        if name != self.name or version not in (None, str(self.version)):
            asked = f"model {name!r}" + (f", version {version}" if version else "")
            raise RequestError(
                f"{asked} is not served here; {self.name!r}, version {self.version} is",
                grpc.StatusCode.NOT_FOUND,
            )

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, Any],
        as_array: Callable[[str, Any, tf.DType], np.ndarray],
    ) -> dict[str, np.ndarray]:
        """Runs one signature.

        Args:
            signature: its name; empty for the default.
            inputs: input name -> value as it was sent.
            as_array: converts an input's name and value to an array of a type.

        Returns:
            Output name -> array.

        Raises:
            RequestError: the signature is unknown, inputs are missing, unknown or of
                another type, or the graph refuses them.
        """
        signature = signature or DEFAULT_SIGNATURE
        if signature not in self.signatures:
            raise RequestError(
                f"signature {signature!r} is not in the model; it has "
                f"{', '.join(sorted(self.signatures))}"
            )
        definition = self.signatures[signature]
        if inputs.keys() != set(definition.inputs):
            raise RequestError(
                f"signature {signature} takes the inputs {sorted(definition.inputs)}, "
                f"got {sorted(inputs)}"
            )
        arrays = [
            as_array(key, inputs[key], tf.as_dtype(info.dtype))
            for key, info in definition.inputs.items()
        ]
        try:
            values = self._calls[signature](*arrays)
        except tf.errors.OpError as error:
            # After the sentence come the graph's nodes, one per line.
            sentence = error.message.split("\n\t [[")[0].strip()
            code = _CODES.get(error.error_code, grpc.StatusCode.INTERNAL)
            raise RequestError(sentence, code) from None
        return dict(zip(definition.outputs, values, strict=True))

    def _callable(self, name: str) -> Any:
        # Session.run would check ranks and cast types in Python; this calls the
        # runtime directly, as TF Serving does. TensorFlow 2.21.
        definition = self.signatures[name]
        options = config_pb2.CallableOptions()
        options.feed.extend(info.name for info in definition.inputs.values())
        options.fetch.extend(info.name for info in definition.outputs.values())
        return self._session._make_callable_from_options(options)
