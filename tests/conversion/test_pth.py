"""What `read_checkpoint` reads, checked against files that PyTorch itself wrote."""

import io
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tf_edgeconnect.conversion.pth import read_checkpoint
from tf_edgeconnect.errors import InputError

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_every_tensor_equals_the_one_that_pytorch_saved(kind):
    found = read_checkpoint(FIXTURES / f"checkpoint_{kind}.pth")
    expected = np.load(FIXTURES / "checkpoint_expected.npz")
    assert list(found["generator"]) == list(expected)
    for name in expected:
        tensor = found["generator"][name]
        assert tensor.dtype == expected[name].dtype, name
        assert tensor.shape == expected[name].shape, name
        np.testing.assert_array_equal(tensor, expected[name], err_msg=name)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_plain_values_come_back_as_saved(kind):
    found = read_checkpoint(FIXTURES / f"checkpoint_{kind}.pth")
    assert found["iteration"] == 7
    assert found["notes"] == {
        "kind": "nsgan",
        "rates": [1e-4, -0.5, None],
        "flags": (True, 2**70),
    }


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_views_of_one_storage_share_memory(kind):
    state = read_checkpoint(FIXTURES / f"checkpoint_{kind}.pth")["generator"]
    assert np.shares_memory(state["float32"], state["permuted"])
    assert np.shares_memory(state["float32"], state["sliced"])


def test_a_big_endian_checkpoint_gives_the_same_values(tmp_path):
    path = tmp_path / "big.pth"
    with (
        zipfile.ZipFile(FIXTURES / "checkpoint_zip.pth") as source,
        zipfile.ZipFile(path, "w") as target,
    ):
        # Bytes a value of each storage, in the order of the fixture's tensors.
        widths = {"data/0": 8, "data/1": 4, "data/2": 2, "data/3": 2, "data/4": 8}
        widths |= {"data/5": 4, "data/6": 2, "data/10": 4, "data/11": 4, "data/13": 4}
        for name in source.namelist():
            data, inner = source.read(name), name.split("/", 1)[1]
            width = widths.get(inner, 1)
            swapped = (
                np.frombuffer(data, np.uint8).reshape(-1, width)[:, ::-1].tobytes()
            )
            target.writestr(name, b"big" if inner == "byteorder" else swapped)
    expected = np.load(FIXTURES / "checkpoint_expected.npz")
    found = read_checkpoint(path)["generator"]
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_golden_formats_of_today_and_of_2019_hold_equal_tensors(golden_checkpoints):
    today = read_checkpoint(golden_checkpoints / "EdgeModel_dis.pth")
    older = read_checkpoint(golden_checkpoints / "legacy" / "EdgeModel_dis.pth")
    assert len(today["discriminator"]) == 18
    for name, tensor in today["discriminator"].items():
        np.testing.assert_array_equal(older["discriminator"][f"module.{name}"], tensor)


def test_reading_needs_neither_pytorch_nor_tensorflow():
    script = (
        "import sys; from tf_edgeconnect.conversion.pth import read_checkpoint;"
        f"read_checkpoint({str(FIXTURES / 'checkpoint_zip.pth')!r});"
        "loaded = {'torch', 'tensorflow', 'keras'} & set(sys.modules);"
        "sys.exit(f'imported {loaded}' if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


# --- files that are no checkpoint, or a broken one ---------------------------------


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty file"),
        (b"\n<!DOCTYPE html><html><title>Google Drive</title>", "web page"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0",
            "Git LFS pointer",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "not a PyTorch checkpoint"),
        (bytes(1000), "not a PyTorch checkpoint"),
        (pickle.dumps({"generator": 1}), "not a PyTorch checkpoint"),
    ],
)
def test_a_file_of_another_kind_is_named(refusal, tmp_path, content, word):
    path = tmp_path / "EdgeModel_gen.pth"
    path.write_bytes(content)
    assert word in refusal(path)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_a_file_cut_anywhere_is_refused(refusal, tmp_path, kind):
    whole = (FIXTURES / f"checkpoint_{kind}.pth").read_bytes()
    path = tmp_path / "cut.pth"
    for length in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:length])
        refusal(path)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_a_file_with_changed_bytes_is_read_or_refused_in_one_line(tmp_path, kind):
    whole = (FIXTURES / f"checkpoint_{kind}.pth").read_bytes()
    draw = np.random.default_rng(0)
    path = tmp_path / "changed.pth"
    for _ in range(300):
        changed = bytearray(whole)
        for place in draw.integers(0, len(whole), 3):
            changed[place] = draw.integers(256)
        path.write_bytes(changed)
        try:
            read_checkpoint(path)
        except InputError as error:
            assert str(error).isprintable()


def test_a_missing_file_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "none.pth")


def test_a_legacy_file_with_lying_storages_is_refused(refusal, tmp_path):
    whole = (FIXTURES / "checkpoint_legacy.pth").read_bytes()
    stream = io.BytesIO(whole)
    for _ in range(3):
        pickle.load(stream)
    path = tmp_path / "lying.pth"
    # The number of values of a storage, repeated before its bytes.
    listed = whole.rindex(b"]q\x00(")
    place = whole.index(b"e.", listed) + 2
    path.write_bytes(whole[:place] + struct.pack("<q", 2**62) + whole[place + 8 :])
    assert "4611686018427387904 values, expected" in refusal(path)
