"""Unpickles PyTorch's tensors as NumPy arrays, and nothing that could run code.

The file is not trusted. Before a pickle is loaded, its instructions are checked: only
those that build plain data are admitted, and none that would cost far more memory,
stack or time than the file has bytes. Names are never imported: each stays a `_Name`,
which calls only this module's counterparts of PyTorch's functions for tensors. Every
offset, shape and stride is checked against its storage.
"""

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

DTYPES = {
    "torch.DoubleStorage": "f8",
    "torch.FloatStorage": "f4",
    "torch.HalfStorage": "f2",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "i8",
    "torch.IntStorage": "i4",
    "torch.ShortStorage": "i2",
    "torch.CharStorage": "i1",
    "torch.ByteStorage": "u1",
    "torch.BoolStorage": "?",
}
_TUPLES = set("EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3".split())
_PUT = set("PUT BINPUT LONG_BINPUT MEMOIZE".split())
_GET = set("GET BINGET LONG_BINGET".split())
# What may be taken from the memo. Tuples may not: as keys, tuples of one tuple twice
# would take twice as long to hash at each level.
_SHARED = set(
    "STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 "
    "GLOBAL STACK_GLOBAL REDUCE EMPTY_LIST LIST EMPTY_DICT DICT "
    "APPEND APPENDS SETITEM SETITEMS".split()
)
_OTHERS = set(
    "PROTO FRAME STOP MARK BUILD BINPERSID NONE NEWTRUE NEWFALSE FLOAT BINFLOAT "
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4".split()
)
_ADMITTED = _TUPLES | _PUT | _GET | _SHARED | _OTHERS
_INSTRUCTION_LIMIT = 200_000  # a full-size checkpoint has about 3,000
_TUPLE_LIMIT = 20_000  # which may lie within each other, and are hashed recursively
_MEMO_LIMIT = 200_000  # a larger index would make Python reserve that much memory
_DEPTH_LIMIT = 32
_RANK_LIMIT = 32
_EXPANSION_LIMIT = 1 << 20  # values of a tensor that repeats a smaller storage


class Refused(Exception):
    """Something that is not admitted; the caller adds the file's name."""


def quote(text: object) -> str:
    """Makes one short printable line of what an untrusted file holds."""
    shown = ascii(str(text)[:80])[1:-1]
    return shown if len(str(text)) <= 80 else shown + "..."


def unpickle(
    stream: IO[bytes], storage: Callable[[str, str, int], np.ndarray] | None = None
) -> Any:
    """Loads the next pickle of a stream, which is then at the pickle's end.

    Args:
        stream: reading past its end must return what there is, as `io.BytesIO` does.
        storage: gives the values of a storage by key, dtype and size. None: the pickle
            may name none.

    Returns:
        Dictionaries, lists, tuples, numbers, strings and read-only arrays.

    Raises:
        Refused: it asks for more than data.
        Exception: whatever Python raises where the pickle is broken.
    """
    found = _Unpickler(io.BytesIO(_checked(stream)), storage).load()
    return _plain(found, {})


def _checked(stream: IO[bytes]) -> bytes:
    """Returns the bytes of one pickle, whose instructions are all admitted."""
    start, before, tuples = stream.tell(), "", 0
    memo: dict[int, bool] = {}  # whether it may be taken
    for count, (code, argument, _) in enumerate(pickletools.genops(stream)):
        name: str = code.name
        tuples += name in _TUPLES
        if name not in _ADMITTED:
            shown = "" if argument is None else f" ({quote(argument)})"
            raise Refused(f"the pickle instruction {name}{shown}")
        if count > _INSTRUCTION_LIMIT or tuples > _TUPLE_LIMIT:
            raise Refused("far more pickle instructions than a checkpoint has")
        if name in _PUT:
            index: Any = len(memo) if argument is None else argument
            if index > _MEMO_LIMIT:
                raise Refused(f"a memo index of {index}")
            memo[index] = before in _SHARED
        elif name in _GET and not memo[int(argument or 0)]:
            raise Refused("a tuple or number that is used twice")
        before = name
    end = stream.tell()
    stream.seek(start)
    return stream.read(end - start)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], storage: Callable | None):
        super().__init__(stream, encoding="latin-1")  # of Python 2's strings
        self._storage = storage
        self._storages: dict[str, tuple[str, int, np.ndarray]] = {}

    def find_class(self, module: str, name: str) -> Any:
        text = f"{module}.{name}"
        if text not in DTYPES and text not in _REBUILD:
            raise Refused(quote(text))
        return _Name(text)

    def persistent_load(self, found: Any) -> "_Storage":
        """Reads ("storage", type, key, device, size), then None in older files."""
        if type(found) is not tuple or len(found) not in (5, 6):
            raise Refused("a persistent id that is no storage")
        word, kind, key, _, size, *view = found
        dtype = DTYPES.get(kind.text) if type(kind) is _Name else None
        sound = word == "storage" and type(key) is str and _sizes(size)
        if dtype is None or not sound or view not in ([], [None]):
            raise Refused("a persistent id that is no storage")
        if self._storage is None:
            raise Refused("a storage in the file's header")
        if key not in self._storages:
            self._storages[key] = dtype, size, self._storage(key, dtype, size)
        *known, values = self._storages[key]
        if known != [dtype, size]:
            raise Refused(f"storage {quote(key)} declared twice and differently")
        return _Storage(values)


class _Name(NamedTuple):
    """A name that the pickle asks for, as `module.attribute`; never looked up."""

    text: str

    def __call__(self, *arguments: Any) -> Any:
        if self.text not in _REBUILD:
            raise Refused(f"a call of {self.text}")
        return _REBUILD[self.text](*arguments)

    def __setstate__(self, _: Any) -> None:
        raise Refused(f"changing the attributes of {self.text}")


class _Storage(NamedTuple):
    values: np.ndarray


class _OrderedDict(dict):
    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        # PyTorch hangs `_metadata` (layer versions) on a state's OrderedDict: dropped.
        if type(state) is not dict:
            raise Refused("changing the attributes of a dictionary")


def _sizes(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value < 1 << 62 for value in values)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> np.ndarray:
    """Makes a view of a storage; offset and strides count values, as in PyTorch."""
    if type(storage) is not _Storage:
        raise Refused("a tensor without a storage")
    if (
        not type(shape) is type(strides) is tuple
        or not len(shape) == len(strides) <= _RANK_LIMIT
        or not _sizes(offset, *shape, *strides)
    ):
        raise Refused("a tensor whose offset, shape or strides are no sizes")
    values = storage.values
    if math.prod(n or 1 for n in shape) > max(values.size, _EXPANSION_LIMIT):
        shown = quote(shape)
        raise Refused(f"a tensor of shape {shown} on a storage of {values.size} values")
    if not all(shape):
        return np.zeros(shape, values.dtype)
    steps = ((n - 1) * step for n, step in zip(shape, strides, strict=True))
    last = offset + sum(steps)
    if last >= values.size:
        raise Refused(
            f"a tensor that reaches value {last} of a storage of {values.size}"
        )
    # The stride of an axis of one is never used and may be too large for NumPy.
    bytes_apart = [
        step * values.itemsize if n > 1 else 0
        for n, step in zip(shape, strides, strict=True)
    ]
    return np.lib.stride_tricks.as_strided(
        values[offset:], shape, bytes_apart, writeable=False
    )


def _parameter(tensor: Any, *_: Any) -> np.ndarray:
    if type(tensor) is not np.ndarray:
        raise Refused("a parameter without a tensor")
    return tensor


_REBUILD: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _OrderedDict,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
}


def _plain(found: Any, seen: dict[int, Any], depth: int = 0) -> Any:
    """Copies containers; what is shared is visited once."""
    if type(found) in (_Storage, _Name):
        raise Refused("a storage or a type that belongs to no tensor")
    if not isinstance(found, dict | list | tuple):
        return found
    if depth > _DEPTH_LIMIT:
        raise Refused(f"containers nested more than {_DEPTH_LIMIT} deep")
    if id(found) not in seen:
        if isinstance(found, dict):
            if not all(isinstance(key, str | int | float) for key in found):
                raise Refused("a dictionary key that is no string or number")
            copy: Any = {k: _plain(v, seen, depth + 1) for k, v in found.items()}
        else:
            copy = type(found)(_plain(value, seen, depth + 1) for value in found)
        seen[id(found)] = copy
    return seen[id(found)]
