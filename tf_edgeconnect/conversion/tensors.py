"""The storages and tensors that a PyTorch pickle describes, and the arrays they become.

Enters: the arguments of PyTorch's own rebuild functions, which are data out of an
untrusted file. Leaves: read-only NumPy views of storages, each bounds-checked, so that
no declared size, stride or offset can reach past its storage or claim memory that the
file does not hold.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from tf_edgeconnect.conversion.pickles import Damaged, Name, Refused, quote

STORAGE_DTYPES = {
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
_DEPTH_LIMIT = 32
_RANK_LIMIT = 32
_EXPANSION_LIMIT = 1 << 20  # values of a tensor that repeats a smaller storage


class Whole(NamedTuple):
    """What a storage is as a whole: its dtype and how many values it has."""

    dtype: str
    size: int

    def nbytes(self) -> int:
        """Length in the file."""
        return self.size * (2 if self.dtype == "bfloat16" else int(self.dtype[1:] or 1))


class Storage(NamedTuple):
    """A stretch of a storage, in values."""

    key: str
    whole: Whole
    start: int
    size: int


class Tensor(NamedTuple):
    """A view of a storage, in values."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def zip_storage(found: Any) -> Storage:
    """Reads a persistent id of today's format: (word, type, key, device, size)."""
    if type(found) is not tuple or len(found) != 5:
        raise Refused("a persistent id that is no storage")
    word, kind, key, _, size = found
    if (
        word != "storage"
        or type(kind) is not Name
        or kind.text not in STORAGE_DTYPES
        or type(key) is not str
        or not _is_size(size)
    ):
        raise Refused("a persistent id that is no storage")
    return Storage(key, Whole(STORAGE_DTYPES[kind.text], size), 0, size)


def legacy_storage(found: Any) -> Storage:
    """Reads a persistent id of the older format: a sixth item says which stretch."""
    if type(found) is not tuple or len(found) != 6:
        raise Refused("a persistent id that is no storage")
    storage, view = zip_storage(found[:5]), found[5]
    if view is None:
        return storage
    if type(view) is not tuple or len(view) != 3 or not all(map(_is_size, view[1:])):
        raise Refused("a persistent id that is no storage")
    start, size = view[1:]
    if start + size > storage.size:
        raise Refused(f"a view past the end of storage {quote(storage.key)}")
    return storage._replace(start=start, size=size)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _ordered_dict(pairs: Any = ()) -> dict[str, Any]:
    # Python 2 wrote the items as an argument, Python 3 sets them afterwards.
    sequences = (list, tuple)
    if type(pairs) not in sequences or not all(
        type(pair) in sequences and len(pair) == 2 and type(pair[0]) is str
        for pair in pairs
    ):
        raise Refused("a dictionary of no pairs")
    return dict(pairs)


def _tensor(*arguments: Any) -> Tensor:
    if len(arguments) < 4 or type(arguments[0]) is not Storage:
        raise Refused("a tensor without a storage")
    storage, offset, shape, strides = arguments[:4]
    if (
        not _is_size(offset)
        or any(type(item) is not tuple for item in (shape, strides))
        or len(shape) != len(strides)
        or len(shape) > _RANK_LIMIT
        or not all(_is_size(item) for item in shape + strides)
    ):
        raise Refused("a tensor whose offset, shape or strides are no sizes")
    if math.prod(n or 1 for n in shape) > max(storage.size, _EXPANSION_LIMIT):
        shown = quote(shape)
        raise Refused(
            f"a tensor of shape {shown} on a storage of {storage.size} values"
        )
    if all(shape):
        steps = ((n - 1) * step for n, step in zip(shape, strides, strict=True))
        last = offset + sum(steps)
        if last >= storage.size:
            raise Refused(
                f"a tensor that reaches value {last} of a storage of {storage.size}"
            )
    return Tensor(storage, offset, shape, strides)


def _parameter(*arguments: Any) -> Tensor:
    if not arguments or type(arguments[0]) is not Tensor:
        raise Refused("a parameter without a tensor")
    return arguments[0]


REBUILD: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
}


class Arrays:
    """Puts arrays in the place of tensors; each storage is read once.

    Args:
        read: gives the bytes of a storage by its key.
        byte_order: of the file, `<` or `>`.
    """

    def __init__(self, read: Callable[[str], bytes], byte_order: Literal["<", ">"]):
        self._read = read
        self._byte_order = byte_order
        self._storages: dict[str, tuple[Whole, np.ndarray]] = {}
        self._filled: dict[int, Any] = {}

    def fill(self, found: Any, depth: int = 0) -> Any:
        """Replaces every tensor inside nested containers.

        Raises:
            Refused: too deep (or within itself), or a storage or type on its own.
            Damaged: a storage of another length than declared.
        """
        if depth > _DEPTH_LIMIT:
            raise Refused(f"containers nested more than {_DEPTH_LIMIT} deep")
        if type(found) is Tensor:
            return self._array(found)
        if type(found) in (dict, list, tuple):
            if id(found) not in self._filled:  # what is shared is visited once
                self._filled[id(found)] = self._fill_container(found, depth + 1)
            return self._filled[id(found)]
        if type(found) in (Storage, Name):
            raise Refused("a storage or a type that belongs to no tensor")
        return found

    def _fill_container(self, found: Any, depth: int) -> Any:
        if type(found) is dict:
            return {key: self.fill(value, depth) for key, value in found.items()}
        return type(found)(self.fill(value, depth) for value in found)

    def _array(self, tensor: Tensor) -> np.ndarray:
        values = self._values(tensor.storage)
        if not all(tensor.shape):
            return np.zeros(tensor.shape, values.dtype)
        strides = [
            step * values.itemsize if n > 1 else 0
            for n, step in zip(tensor.shape, tensor.strides, strict=True)
        ]
        start = tensor.storage.start + tensor.offset
        return np.lib.stride_tricks.as_strided(
            values[start:], tensor.shape, strides, writeable=False
        )

    def _values(self, storage: Storage) -> np.ndarray:
        key, whole = storage.key, storage.whole
        if key not in self._storages:
            self._storages[key] = (whole, self._decode(key, whole))
        known, values = self._storages[key]
        if known != whole:
            raise Refused(f"storage {quote(key)} declared twice and differently")
        return values

    def _decode(self, key: str, whole: Whole) -> np.ndarray:
        data = self._read(key)
        if len(data) != whole.nbytes():
            raise Damaged(
                f"storage {quote(key)} has {len(data)} bytes, expected {whole.nbytes()}"
            )
        stored = "u2" if whole.dtype == "bfloat16" else whole.dtype
        values = np.frombuffer(data, np.dtype(stored).newbyteorder(self._byte_order))
        values = values.astype(values.dtype.newbyteorder("="))
        if whole.dtype == "bfloat16":  # the upper half of a float32
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values
