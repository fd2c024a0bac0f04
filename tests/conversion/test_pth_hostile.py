"""Checkpoints made to do harm: nothing in them is run, and each is refused by name."""

import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tf_edgeconnect.conversion.pth import read_checkpoint


def short(text: str) -> bytes:
    """A string as a pickle instruction."""
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def number(value: int) -> bytes:
    """An integer as a pickle instruction."""
    return pickle.dumps(value, 2)[2:-1]


def storage(key: str = "0", size: int = 4, kind: str = "FloatStorage") -> bytes:
    """A persistent id as a pickle instruction."""
    return (
        b"(" + short("storage") + b"ctorch\n" + kind.encode() + b"\n"
        + short(key) + short("cpu") + number(size) + b"tQ"
    )  # fmt: skip


def tensor(offset=0, shape=(4,), strides=(1,), inside=None) -> bytes:
    """A rebuilt tensor as pickle instructions."""
    sizes = b"".join(b"(" + b"".join(map(number, n)) + b"t" for n in (shape, strides))
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + (inside or storage()) + number(offset)
        + sizes + b"\x89ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def saved(value: bytes) -> bytes:
    """A pickle of `{"x": value}`."""
    return b"\x80\x02}" + short("x") + value + b"s."


def zipped(tmp_path: Path, data_pkl: bytes, data: bytes = bytes(16), **options) -> Path:
    """A checkpoint in today's format around a pickle and one storage."""
    path = tmp_path / "hostile.pth"
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("hostile/data.pkl", data_pkl)
        archive.writestr("hostile/byteorder", "little")
        archive.writestr("hostile/data/0", data)
    return path


def test_the_harness_of_hostile_files_writes_readable_ones(tmp_path):
    path = zipped(tmp_path, saved(tensor(1, (3,))), np.arange(4, dtype="<f4").tobytes())
    np.testing.assert_array_equal(read_checkpoint(path)["x"], [1, 2, 3])


class Runs:
    """What every exploit of pickle rests on: `__reduce__` names a callable."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def exploits(here: Path) -> dict[str, tuple[bytes, str]]:
    """Pickles that would leave a file behind if anything in them were run."""
    touch = f"touch {here}/executed"
    code = f"open('{here}/executed', 'w')"
    return {
        "os.system by REDUCE": (
            pickle.dumps({"x": Runs(os.system, touch)}, 2),
            ".system",
        ),
        "protocol 4": (pickle.dumps({"x": Runs(os.system, touch)}, 4), ".system"),
        "protocol 0": (pickle.dumps({"x": Runs(os.system, touch)}, 0), ".system"),
        "builtins.eval": (pickle.dumps({"x": Runs(eval, code)}, 2), "eval"),
        "builtins.exec": (pickle.dumps({"x": Runs(exec, code)}, 4), "exec"),
        "getattr": (saved(b"cbuiltins\ngetattr\n"), "builtins.getattr"),
        "dotted STACK_GLOBAL": (
            saved(short("torch") + short("storage.os.system") + b"\x93"),
            "torch.storage.os.system",
        ),
        "GLOBAL below an admitted module": (
            saved(b"ctorch._utils\n_rebuild_tensor_v2.__globals__\n"),
            "_rebuild_tensor_v2.__globals__",
        ),
        "torch.load itself": (
            saved(b"ctorch.serialization\nload\n"),
            "serialization.load",
        ),
        "INST": (saved(b"(" + short(touch) + b"ios\nsystem\n"), "INST (os system)"),
        "OBJ": (saved(b"(cos\nsystem\n" + short(touch) + b"o"), "OBJ"),
        "NEWOBJ": (
            saved(b"ccollections\nOrderedDict\n)\x81"),
            "NEWOBJ",
        ),
        "extension registry": (saved(b"\x82\x01"), "EXT1"),
        "call of a string": (
            saved(short("os.system") + short(touch) + b"\x85R"),
            "'str' object is not callable",
        ),
        "call of a storage type": (
            saved(b"ctorch\nFloatStorage\n" + number(9) + b"\x85R"),
            "a call of torch.FloatStorage",
        ),
        "call of a call's result": (
            saved(b"ccollections\nOrderedDict\n)R" + short(touch) + b"\x85R"),
            "'_OrderedDict' object is not callable",
        ),
        "BUILD on a function": (
            saved(
                b"ccollections\nOrderedDict\n}" + short("__code__") + short("x") + b"sb"
            ),
            "attributes of collections.OrderedDict",
        ),
        "BUILD of slots": (
            saved(b"ccollections\nOrderedDict\n)RN}" + short("a") + b"Ns\x86b"),
            "attributes of a dictionary",
        ),
        "text persistent id": (saved(b"P0\n"), "PERSID"),
        "bytes": (pickle.dumps({"x": b"abc"}, 4), "SHORT_BINBYTES"),
        "a set": (pickle.dumps({"x": {1}}, 4), "EMPTY_SET"),
    }


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize("name", list(exploits(Path("/"))))
def test_nothing_in_a_pickle_is_run_and_what_it_asks_for_is_named(
    refusal, tmp_path, name, kind
):
    content, word = exploits(tmp_path)[name]
    if kind == "zip":
        path = zipped(tmp_path, content)
    else:
        path = tmp_path / "hostile.pth"
        header = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
        path.write_bytes(b"".join(pickle.dumps(h, 2) for h in header) + content)
    assert word in refusal(path)
    assert not (tmp_path / "executed").exists()
    # The oracle: Python's own pickle does run the first of them.
    if name == "os.system by REDUCE":
        pickle.loads(content)
        assert (tmp_path / "executed").exists()


HUGE = 1 << 50


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (tensor(offset=1), "reaches value 4 of a storage of 4"),
        (tensor(strides=(2,)), "reaches value 6"),
        (tensor(shape=(2, 2), strides=(4, 1)), "reaches value 5"),
        (tensor(offset=-1), "no sizes"),
        (tensor(strides=(-1,)), "no sizes"),
        (tensor(shape=(HUGE,), strides=(0,)), "a tensor of shape"),
        (tensor(shape=(0, HUGE), strides=(0, 0)), "a tensor of shape"),
        (tensor(shape=(1,) * 33, strides=(1,) * 33), "no sizes"),
        (tensor(shape=(2,), strides=(1, 1)), "no sizes"),
        (tensor(inside=storage(size=HUGE)), "expected 4503599627370496"),
        (tensor(inside=storage(size=5)), "16 bytes, expected 20"),
        (tensor(inside=storage(key="../../etc/passwd")), "no entry"),
        (tensor(inside=storage(key="1")), "no entry hostile/data/1"),
        (tensor(inside=storage(kind="UntypedStorage")), "torch.UntypedStorage"),
        (tensor(inside=short("0")), "a tensor without a storage"),
        (short("0") + b"Q", "a persistent id that is no storage"),
        (b"(" + short("module") + short("os") + b"tQ", "a persistent id"),
        (storage()[:-2] + number(0) + b"tQ", "a persistent id that is no storage"),
        (storage(), "a storage or a type that belongs to no tensor"),
        (b"ctorch\nFloatStorage\n", "belongs to no tensor"),
        (b"(" * 3, "damaged or truncated"),
        (b"h\x07", "damaged or truncated"),
        (b"0" * 3, "the pickle instruction POP"),
        (b"\x8d" + b"\xff" * 8, "damaged or truncated"),
        (b"\x8b" + b"\xff\xff\xff\x7f", "damaged or truncated"),
        (b"I" + b"9" * 5000 + b"\n", "damaged or truncated"),
        (b"Nr\xff\xff\xff\x7f", "a memo index of 2147483647"),
        (b"Np4294967295\n", "a memo index of 4294967295"),
        (b")" + b"\x85" * 20_000, "far more pickle instructions"),
        (b"N\x85q\x00h\x00\x86q\x00h\x00\x86", "a tuple or number that is used twice"),
        (b"]q\x00h\x00a", "nested more than 32 deep"),
        (b"(" * 40 + b"l" * 40, "nested more than 32 deep"),
        (b"}" + b"]" + b"Ns", "unhashable type: 'list'"),
    ],
)
def test_a_declaration_that_reaches_too_far_is_refused(refusal, tmp_path, value, word):
    assert word in refusal(zipped(tmp_path, saved(value)))


def test_lists_that_double_cost_no_more_than_they_weigh(tmp_path):
    # l0 = [], l1 = [l0, l0], ...: 2**25 leaves if each path were walked.
    doubling = b"(]q\x00"
    for n in range(25):
        doubling += b"](h%ch%ceq%c" % (n, n, n + 1)
    lists = read_checkpoint(zipped(tmp_path, saved(doubling + b"l")))["x"]
    assert len(lists) == 26 and lists[25][0] is lists[24]


def test_a_compressed_entry_is_refused_before_it_is_unpacked(refusal, tmp_path):
    path = zipped(tmp_path, saved(tensor()), compression=zipfile.ZIP_DEFLATED)
    assert "compressed or encrypted zip entry hostile/data.pkl" in refusal(path)


def test_an_entry_that_declares_more_than_the_file_holds_is_refused(refusal, tmp_path):
    path = zipped(tmp_path, saved(tensor()))
    content = bytearray(path.read_bytes())
    # Sizes in the central directory's last entry: bytes 20 to 27 of its header.
    place = content.rindex(b"PK\x01\x02")
    content[place + 20 : place + 28] = struct.pack("<II", 2**31, 2**31)
    path.write_bytes(content)
    assert "declares 2147483648 bytes" in refusal(path)


def test_one_storage_with_two_types_is_refused(refusal, tmp_path):
    halves = storage(size=8, kind="HalfStorage")
    both = b"(" + tensor() + tensor(inside=halves) + b"l"
    assert "declared twice" in refusal(zipped(tmp_path, saved(both)))


def test_a_pickle_that_ends_early_or_holds_no_dictionary_is_named(refusal, tmp_path):
    assert "a list, expected a dictionary" in refusal(zipped(tmp_path, b"\x80\x02]."))
    assert "damaged or truncated" in refusal(zipped(tmp_path, b"\x80\x02}"))


def test_a_zip_that_is_no_checkpoint_is_named(refusal, tmp_path):
    path = tmp_path / "photos.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "hello")
    assert "without one `data.pkl`" in refusal(path)


def test_names_of_a_hostile_file_cannot_write_to_the_terminal(refusal, tmp_path):
    path = zipped(tmp_path, saved(short("a\x1b[31m\n") + short("b" * 500) + b"\x93"))
    assert "\x1b" not in refusal(path)
