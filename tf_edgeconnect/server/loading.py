"""`ServedModel`: one version of an export, loaded and run as TF Serving does it.

TF Serving restores the graph into a Session and runs it by tensor names; a SavedModel
may load in Python and still fail there, so this one goes the same way. Requests enter
as arrays by input name and leave as arrays by output name. Ranks are not checked here:
as with TF Serving, the graph itself must refuse a wrong one.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.exports_on_disk import SAVED_MODEL_FILE, find_export

DEFAULT_SIGNATURE = "serving_default"
# Made by the loader for itself; no client may call it.
_INIT_SIGNATURE = "__saved_model_init_op"


class RequestError(Exception):
    """A request that gets no answer.

    Args:
        code: name of a gRPC status code, such as `INVALID_ARGUMENT`.
        message: one sentence.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ServedModel:
    """The latest version of an export, ready for requests from several threads.

    Args:
        export: folder of version folders, `EXPORT/1`, `EXPORT/2`, or one of these.

    Attributes:
        version: the number of its folder.
        signatures: signature name -> SignatureDef.

    Raises:
        InputError: there is no export, or it does not load.
    """

    def __init__(self, export: str | Path) -> None:
        folder = _found(export)
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
            reason = " ".join(str(error).split())[:300]
            raise InputError(
                f"export {folder} does not load: {reason}; export the model again"
            ) from None
        self.signatures = {
            name: signature
            for name, signature in meta.signature_def.items()
            if name != _INIT_SIGNATURE
        }
        self._calls = {name: self._callable(name) for name in self.signatures}

    def close(self) -> None:
        """Gives the memory of the session back."""
        self._session.close()

    def dtypes(self, signature: str) -> dict[str, tf.DType]:
        """Returns input name -> type of a signature.

        Args:
            signature: its name; empty for the default.

        Raises:
            RequestError: there is no such signature.
        """
        inputs = self.signatures[self._known(signature)].inputs
        return {name: tf.as_dtype(info.dtype) for name, info in inputs.items()}

    def predict(
        self, signature: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Runs one signature.

        Args:
            signature: its name; empty for the default.
            inputs: input name -> array of the input's own type.

        Returns:
            Output name -> array.

        Raises:
            RequestError: the signature is unknown, an input is missing, too many or of
                another type, or the graph refuses them.
        """
        name = self._known(signature)
        expected = self.dtypes(name)
        lacking, spare = expected.keys() - inputs, inputs.keys() - expected
        if lacking or spare:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"signature {name} takes the inputs {sorted(expected)}; missing: "
                f"{sorted(lacking)}, unexpected: {sorted(spare)}",
            )
        for key, array in inputs.items():
            got = tf.as_dtype(array.dtype if array.dtype != object else np.bytes_)
            if got != expected[key]:
                raise RequestError(
                    "INVALID_ARGUMENT",
                    f"input {key} of {name} must be {expected[key].name}, got "
                    f"{got.name}",
                )
        definition = self.signatures[name]
        try:
            values = self._calls[name](*(inputs[key] for key in definition.inputs))
        except tf.errors.OpError as error:
            raise RequestError(_code_name(error), _sentence(error)) from None
        return dict(zip(definition.outputs, values, strict=True))

    def _known(self, signature: str) -> str:
        name = signature or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise RequestError(
                "INVALID_ARGUMENT",
                f"signature {name!r} is not in the model; it has "
                f"{', '.join(sorted(self.signatures))}",
            )
        return name

    def _callable(self, name: str) -> Any:
        # Session.run would refuse wrong ranks in Python and cast types; this goes
        # straight to the runtime, as TF Serving does. TensorFlow 2.21.
        definition = self.signatures[name]
        options = config_pb2.CallableOptions()
        options.feed.extend(info.name for info in definition.inputs.values())
        options.fetch.extend(info.name for info in definition.outputs.values())
        return self._session._make_callable_from_options(options)


def _found(export: str | Path) -> Path:
    """Finds the folder to serve, of several versions that of the latest."""
    folder = find_export(export)
    if folder is None:
        raise InputError(
            f"export {export} has neither a {SAVED_MODEL_FILE} nor a version folder "
            f"such as 1/ with one; make it with {_EXPORT}"
        )
    return folder


_EXPORT = "`tf-edgeconnect export --model M -o EXPORT`"


def _code_name(error: tf.errors.OpError) -> str:
    import grpc

    names = {code.value[0]: code.name for code in grpc.StatusCode}
    return names.get(error.error_code, "INTERNAL")


def _sentence(error: tf.errors.OpError) -> str:
    # Behind the sentence comes the trace of nodes, one a line.
    return error.message.split("\n\t [[")[0].strip()
