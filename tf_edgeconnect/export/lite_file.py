"""A TFLite file as bytes: what operations are in it, and what it tells of itself.

The facts of an export are JSON in the file's metadata, under the name that
`inference.backends.tflite` looks for.
"""

import copy
import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.backends.tflite import METADATA_NAME

_IDENTIFIER = b"TFL3"
_DEQUANTIZE = schema.BuiltinOperator.DEQUANTIZE
_DEQUANTIZE_FLOAT16 = 3  # the first version that takes float16
_CONVOLUTIONS = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.TRANSPOSE_CONV,
)


def operations(contents: bytes) -> Counter[str]:
    """Counts the operations of all signatures.

    Args:
        contents: of a TFLite file.

    Returns:
        Names as in TFLite's schema; those that are not built in start with `CUSTOM`,
        among them TensorFlow's (`Flex...`).
    """
    names = {
        value: name
        for name, value in vars(schema.BuiltinOperator).items()
        if not name.startswith("_")
    }
    model = schema.Model.GetRootAs(contents)
    codes = []
    for index in range(model.OperatorCodesLength()):
        code = model.OperatorCodes(index)
        # Small numbers stand in the older, narrower field.
        name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        custom = code.CustomCode()
        codes.append(name if custom is None else f"{name} {custom.decode()}")
    counts: Counter[str] = Counter()
    for index in range(model.SubgraphsLength()):
        graph = model.Subgraphs(index)
        for place in range(graph.OperatorsLength()):
            counts[codes[graph.Operators(place).OpcodeIndex()]] += 1
    return counts


def describe(contents: bytes, facts: dict[str, Any]) -> bytes:
    """Adds facts to the metadata of a TFLite file.

    Args:
        contents: of the file.
        facts: JSON values.

    Returns:
        The new contents.
    """
    model = schema.ModelT.InitFromPackedBuf(contents)
    entry = schema.MetadataT()
    entry.name = METADATA_NAME.encode()
    entry.buffer = _add_buffer(model, json.dumps(facts, sort_keys=True).encode())
    model.metadata = [*(model.metadata or []), entry]
    return _packed(model)


def halve_kernels(contents: bytes) -> bytes:
    """Stores the kernels of convolutions as float16, all else as it is.

    The converter's own float16 mode rounds each constant of the file, those that
    Canny's exact sums rest on too.

    Args:
        contents: of a TFLite file in float32.

    Returns:
        The new contents; kernels are widened when the file is loaded.
    """
    model = schema.ModelT.InitFromPackedBuf(contents)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = _DEQUANTIZE
    code.version = _DEQUANTIZE_FLOAT16
    model.operatorCodes.append(code)
    halves: dict[int, int] = {}  # the signatures share their kernels
    for graph in model.subgraphs:
        for index in _kernels(model, graph):
            wide = graph.tensors[index]
            if wide.buffer not in halves:
                kernel = np.asarray(model.buffers[wide.buffer].data).view(np.float32)
                half = kernel.astype(np.float16).tobytes()
                halves[wide.buffer] = _add_buffer(model, half)
            half = copy.copy(wide)
            half.type, half.buffer = schema.TensorType.FLOAT16, halves[wide.buffer]
            half.name = wide.name + b"_float16"
            wide.buffer = 0  # of nothing: computed
            widening = schema.OperatorT()
            widening.opcodeIndex = len(model.operatorCodes) - 1
            widening.inputs, widening.outputs = [len(graph.tensors)], [index]
            graph.tensors.append(half)
            graph.operators.insert(0, widening)
    for wide in halves:
        model.buffers[wide].data = None
    return _packed(model)


def _kernels(model: schema.ModelT, graph: schema.SubGraphT) -> list[int]:
    """Tensors that are constant kernels of convolutions."""
    kernels = set()
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if max(code.builtinCode, code.deprecatedBuiltinCode) in _CONVOLUTIONS:
            kernels.add(int(operator.inputs[1]))
    return sorted(
        index
        for index in kernels
        if model.buffers[graph.tensors[index].buffer].data is not None
    )


def _add_buffer(model: schema.ModelT, data: bytes) -> int:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def _packed(model: schema.ModelT) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def write_new(path: Path, contents: bytes) -> None:
    """Writes a file that must not exist yet; it is complete or absent.

    Raises:
        InputError: it exists by now.
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(prefix=".partial-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(contents)
        os.chmod(partial, 0o644)  # mkstemp's is for its owner alone
        os.link(partial, path)  # unlike a rename, fails where the name is taken
    except FileExistsError:
        raise InputError(
            f"output {path} exists; remove it or give another name"
        ) from None
    finally:
        os.unlink(partial)
