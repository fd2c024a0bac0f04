"""Reads a pickle without running it.

`pickle` calls whatever a file names. Here the instructions are listed by `pickletools`
and carried out by a small stack machine of our own that builds dictionaries, lists,
tuples, numbers and strings and knows no way to import, call or look up anything: a name
in the pickle stays a name (`Name`) and is answered by a table that the caller hands in.
Whatever is not in the table, and every instruction not listed here, is refused by name.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import IO, Any, NamedTuple

INSTRUCTION_LIMIT = 2_000_000  # a full-size checkpoint has about 3,000
_KEY_TYPES = (str, int, float, bool)


class Refused(Exception):
    """What was met and is not admitted; the caller adds the file's name."""


class Damaged(Refused):
    """Nothing forbidden, but bytes that are missing or make no sense."""


class Name(NamedTuple):
    """A name that the pickle asks for, as `module.attribute`; never looked up."""

    text: str


def quote(text: object) -> str:
    """One short printable line of a string out of an untrusted file."""
    shown = ascii(str(text)[:80])[1:-1]
    return shown if len(str(text)) <= 80 else shown + "..."


class RestrictedUnpickler:
    """A stack machine for the few pickle instructions that data needs.

    Args:
        stream: binary stream at the start of a pickle; left behind its end. Reading
            past the end must return what there is, as `io.BytesIO` does.
        rebuild: what to make of `name(*arguments)`, by name.
        names: further names that may stand as values.
        persistent: what to make of a persistent id.
    """

    def __init__(
        self,
        stream: IO[bytes],
        rebuild: Mapping[str, Callable[..., Any]],
        names: frozenset[str] = frozenset(),
        persistent: Callable[[Any], Any] | None = None,
    ):
        self._stream = stream
        self._rebuild = rebuild
        self._names = names
        self._persistent = persistent
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """Builds the object of the next pickle in the stream.

        Raises:
            Damaged: the pickle is cut short or is no pickle.
            Refused: it asks for more than data.
        """
        try:
            for count, step in enumerate(pickletools.genops(self._stream)):
                if count > INSTRUCTION_LIMIT:
                    raise Refused(f"more than {INSTRUCTION_LIMIT} pickle instructions")
                name = step[0].name
                if name not in _ACTIONS:
                    detail = f" ({quote(step[1])})" if step[1] is not None else ""
                    raise Refused(f"the pickle instruction {name}{detail}")
                _ACTIONS[name](self, step[1])
        except (ValueError, OverflowError, IndexError, KeyError) as error:
            raise Damaged(f"a broken pickle ({quote(error)})") from error
        if len(self._stack) != 1 or self._marked:
            raise Damaged("a broken pickle (objects left over at its end)")
        return self._stack[0]

    def _pop(self) -> Any:
        return self._stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marked.pop()
        return items

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _drop(self, _: Any) -> None:
        self._stack.pop()

    def _drop_to_mark(self, _: Any) -> None:
        self._pop_to_mark()

    def _mark(self, _: Any) -> None:
        self._marked.append(self._stack)
        self._stack = []

    def _remember(self, index: int | None) -> None:
        self._memo[len(self._memo) if index is None else index] = self._stack[-1]

    def _recall(self, index: int) -> None:
        self._push(self._memo[index])

    def _take_tuple(self, size: int) -> None:
        if len(self._stack) < size:
            raise IndexError("a tuple of missing values")
        values = tuple(self._stack[len(self._stack) - size :])
        del self._stack[len(self._stack) - size :]
        self._push(values)

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise Refused(f"appending to a {type(target).__name__}")
        target.extend(values)

    def _set_items(self, pairs: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not dict:
            raise Refused(f"setting items of a {type(target).__name__}")
        if len(pairs) % 2:
            raise IndexError("a key without a value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if type(key) not in _KEY_TYPES:
                raise Refused(f"a dictionary key of type {type(key).__name__}")
            target[key] = value

    def _make_dict(self, pairs: list[Any]) -> None:
        self._push({})
        self._set_items(pairs)

    def _ask_name(self, module: Any, attribute: Any) -> None:
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise Refused("a name that is no string")
        text = f"{module}.{attribute}"
        if text not in self._rebuild and text not in self._names:
            raise Refused(quote(text))
        self._push(Name(text))

    def _call(self, _: Any) -> None:
        arguments, target = self._pop(), self._pop()
        if type(target) is not Name or target.text not in self._rebuild:
            shown = target.text if type(target) is Name else type(target).__name__
            raise Refused(f"a call of {quote(shown)}")
        if type(arguments) is not tuple:
            raise Refused(f"a call of {quote(target.text)} without a tuple")
        self._push(self._rebuild[target.text](*arguments))

    def _build(self, _: Any) -> None:
        # PyTorch hangs `_metadata` (layer versions) on a state's OrderedDict: dropped.
        state, target = self._pop(), self._stack[-1]
        if type(target) is not dict or type(state) is not dict:
            shown = target.text if type(target) is Name else type(target).__name__
            raise Refused(f"changing the attributes of {quote(shown)}")

    def _ask_persistent(self, _: Any) -> None:
        if self._persistent is None:
            raise Refused("a persistent id")
        self._push(self._persistent(self._pop()))


_Machine = RestrictedUnpickler
_ACTIONS: dict[str, Callable[[RestrictedUnpickler, Any], None]] = {
    **dict.fromkeys(
        "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING "
        "SHORT_BINSTRING UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8".split(),
        _Machine._push,
    ),
    **dict.fromkeys(["PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"], _Machine._remember),
    **dict.fromkeys(["GET", "BINGET", "LONG_BINGET"], _Machine._recall),
    **dict.fromkeys(["PROTO", "FRAME", "STOP"], lambda machine, _: None),
    "NONE": lambda machine, _: machine._push(None),
    "NEWTRUE": lambda machine, _: machine._push(True),
    "NEWFALSE": lambda machine, _: machine._push(False),
    "MARK": _Machine._mark,
    "POP": _Machine._drop,
    "POP_MARK": _Machine._drop_to_mark,
    "EMPTY_TUPLE": lambda machine, _: machine._push(()),
    "TUPLE1": lambda machine, _: machine._take_tuple(1),
    "TUPLE2": lambda machine, _: machine._take_tuple(2),
    "TUPLE3": lambda machine, _: machine._take_tuple(3),
    "TUPLE": lambda machine, _: machine._push(tuple(machine._pop_to_mark())),
    "EMPTY_LIST": lambda machine, _: machine._push([]),
    "LIST": lambda machine, _: machine._push(machine._pop_to_mark()),
    "APPEND": lambda machine, _: machine._extend([machine._pop()]),
    "APPENDS": lambda machine, _: machine._extend(machine._pop_to_mark()),
    "EMPTY_DICT": lambda machine, _: machine._push({}),
    "DICT": lambda machine, _: machine._make_dict(machine._pop_to_mark()),
    "SETITEM": lambda machine, _: machine._set_items(
        [machine._pop(), machine._pop()][::-1]
    ),
    "SETITEMS": lambda machine, _: machine._set_items(machine._pop_to_mark()),
    "GLOBAL": lambda machine, text: machine._ask_name(*text.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine._ask_name(
        *[machine._pop(), machine._pop()][::-1]
    ),
    "REDUCE": _Machine._call,
    "BUILD": _Machine._build,
    "BINPERSID": _Machine._ask_persistent,
}
