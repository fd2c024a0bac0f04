"""Presets: packing a run, checking what was packed, finding it by name."""

import json

import numpy as np
import pytest

from tf_edgeconnect import presets
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.packing import pack
from tf_edgeconnect.models.storage import load_networks, resolve, save_networks

FIGURES = {"psnr": 23.5, "ssim": 0.8, "lpips": None, "n": 2}


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    run = tmp_path_factory.mktemp("run")
    weights = run / "weights"
    edge, paint = edge_generator(4, 1), inpaint_generator(4, 1)
    save_networks(weights / "edge", {"edge_generator": edge}, {"step": 3})
    about = {"stage": "inpaint", "step": 5, "sigma": 2.0, "source": "trained on x"}
    save_networks(weights / "inpaint", {"inpaint_generator": paint}, about)
    return run


@pytest.fixture(scope="module")
def packed(run_dir, tmp_path_factory):
    report = tmp_path_factory.mktemp("report") / "report.json"
    bins = {"all": FIGURES | {"l1": 1.0}}
    report.write_text(json.dumps({"systems": {"small": bins}}))
    return pack(run_dir, report.parent / "packed", report, "two photos")


def test_a_packed_run_holds_the_weights_rounded_to_float16(run_dir, packed):
    names = ("edge_generator", "inpaint_generator")
    assert resolve(packed) == dict.fromkeys(names, packed)
    networks, meta = load_networks(packed)
    assert (meta["stage"], meta["step"]) == ("inpaint", 5)
    assert meta["source"] == "two photos"
    assert meta["figures"] == {"small": {"all": FIGURES}}
    for name, folder in resolve(run_dir).items():
        whole = load_networks(folder)[0][name].variables
        for before, after in zip(whole, networks[name].variables, strict=True):
            rounded = before.numpy().astype(np.float16).astype(np.float32)
            np.testing.assert_array_equal(after.numpy(), rounded)
            assert after.dtype == "float32"


def test_packing_halves_the_files(run_dir, packed):
    def size(folder):
        return (folder / "inpaint_generator.weights.h5").stat().st_size

    saved = size(run_dir / "weights" / "inpaint")
    numbers = sum(v.numpy().size for v in load_networks(packed)[0][
        "inpaint_generator"].variables)  # fmt: skip
    assert saved - size(packed) > 1.9 * numbers


def test_a_damaged_weights_file_is_named(packed, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in packed.iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    path = damaged / "edge_generator.weights.h5"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="edge_generator.weights.h5 is damaged"):
        load_networks(damaged)


def test_packing_refuses_what_it_cannot_pack(run_dir, packed, tmp_path):
    with pytest.raises(InputError, match="already exists"):
        pack(run_dir, packed)
    with pytest.raises(InputError, match="has no inpaint_generator to pack"):
        pack(run_dir / "weights" / "edge", tmp_path / "new")
    with pytest.raises(InputError, match="is not the report.json"):
        pack(run_dir, tmp_path / "new", packed / "model.json")
    assert not (tmp_path / "new").exists()


def test_a_preset_is_found_by_name_unless_a_path_is_called_so(
    packed, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(presets, "ROOT", packed.parent)
    with pytest.raises(InputError, match="preset small is missing from this install"):
        resolve("small")
    packed.rename(packed.with_name("small"))
    try:
        shipped = packed.with_name("small")
        assert set(resolve("small").values()) == {shipped}
        (tmp_path / "small").mkdir()
        with pytest.raises(InputError, match="contains no trained weights"):
            resolve("small")
    finally:
        shipped.rename(packed)
