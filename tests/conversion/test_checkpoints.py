"""Folders of published checkpoints become weights folders, or nothing is written."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from tf_edgeconnect.conversion.checkpoints import convert
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import load_networks, read_meta

PUBLISHED = Path(__file__).resolve().parent.parent / "fixtures" / "published"
FILES = sorted(path.name for path in PUBLISHED.iterdir())


@pytest.fixture
def source(tmp_path):
    """A folder to put checkpoints into."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def refusal(source, destination, **options):
    """The one line of a conversion that must fail and write nothing."""
    before = sorted(destination.parent.rglob("*"))
    with pytest.raises(InputError) as caught:
        convert(source, destination, **options)
    assert sorted(destination.parent.rglob("*")) == before
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    ("files", "networks", "stage"),
    [
        (["EdgeModel_gen.pth"], {"edge_generator"}, "edge"),
        (["EdgeModel_dis.pth"], {"edge_discriminator"}, "edge"),
        (
            ["InpaintingModel_gen.pth", "InpaintingModel_dis.pth"],
            {"inpaint_generator", "inpaint_discriminator"},
            "inpaint",
        ),
    ],
)
def test_any_subset_of_the_four_files_is_taken(
    source, tmp_path, files, networks, stage
):
    for name in files:
        shutil.copy(PUBLISHED / name, source)
    (source / "notes.txt").write_text("other files do not matter")
    converted = convert(source, tmp_path / "weights")
    meta = read_meta(tmp_path / "weights")
    assert set(meta["networks"]) == networks == {found.network for found in converted}
    assert meta["stage"] == stage


@pytest.mark.parametrize("name", FILES)
def test_one_file_of_any_name_is_recognised_by_what_it_holds(source, tmp_path, name):
    renamed = shutil.copy(PUBLISHED / name, source / "latest.pth")
    (found,) = convert(renamed, tmp_path / "weights")
    (expected,) = convert(PUBLISHED / name, tmp_path / "expected")
    assert found.network == expected.network


def test_a_second_conversion_needs_overwrite(tmp_path):
    destination = tmp_path / "weights"
    convert(PUBLISHED / "EdgeModel_gen.pth", destination)
    message = refusal(PUBLISHED / "InpaintingModel_gen.pth", destination)
    assert "holds weights already" in message and "--overwrite" in message
    convert(PUBLISHED / "InpaintingModel_gen.pth", destination, overwrite=True)
    assert set(load_networks(destination)[0]) == {"inpaint_generator"}


def test_a_folder_of_other_things_is_never_replaced(tmp_path):
    destination = tmp_path / "photos"
    destination.mkdir()
    (destination / "holiday.jpg").write_bytes(b"precious")
    message = refusal(PUBLISHED, destination, overwrite=True)
    assert "not empty and no weights folder" in message
    (tmp_path / "file").touch()
    assert "is a file" in refusal(PUBLISHED, tmp_path / "file")


def test_a_source_without_checkpoints_is_named(source, tmp_path):
    assert "holds none of EdgeModel_gen.pth" in refusal(source, tmp_path / "weights")
    missing = refusal(tmp_path / "nowhere", tmp_path / "weights")
    assert "there is no such file or folder" in missing


def test_one_bad_file_among_good_ones_leaves_nothing_written(source, tmp_path):
    for name in FILES:
        shutil.copy(PUBLISHED / name, source)
    (source / "InpaintingModel_dis.pth").write_bytes(b"<!DOCTYPE html><html>")
    message = refusal(source, tmp_path / "weights")
    assert message.startswith(f"{source / 'InpaintingModel_dis.pth'}: a web page")


def test_a_truncated_download_is_named(source, tmp_path):
    whole = (PUBLISHED / "EdgeModel_gen.pth").read_bytes()
    path = source / "EdgeModel_gen.pth"
    path.write_bytes(whole[: len(whole) // 2])
    assert f"{path}: a damaged or truncated" in refusal(source, tmp_path / "weights")


def test_a_file_under_anothers_name_is_named(source, tmp_path):
    swapped = shutil.copy(PUBLISHED / "EdgeModel_dis.pth", source / "EdgeModel_gen.pth")
    message = refusal(swapped, tmp_path / "weights")
    assert "holds a discriminator, expected a generator" in message
    shutil.copy(PUBLISHED / "InpaintingModel_gen.pth", source / "EdgeModel_gen.pth")
    assert "edge generator misses" in refusal(source, tmp_path / "weights")


def legacy_file(path: Path, saved: object) -> Path:
    """A checkpoint without tensors in the older format."""
    header = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})
    parts = (*header, saved, [])
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))
    return path


@pytest.mark.parametrize(
    ("saved", "word"),
    [
        ({"state_dict": {}, "epoch": 3}, "holds the keys state_dict, epoch, expected"),
        ({}, "holds nothing, expected `generator`"),
        ({"generator": 5}, "not a checkpoint of EdgeConnect"),
        ({"generator": {}}, "does not take 3 or 4 channels"),
        ({"discriminator": {"conv1.0.weight": 7}}, "does not take 2 or 3 channels"),
    ],
)
def test_a_checkpoint_of_another_system_is_refused(source, tmp_path, saved, word):
    path = legacy_file(source / "model.pth", saved)
    assert word in refusal(path, tmp_path / "weights")


def test_golden_files_of_today_and_of_2019_become_equal_weights(
    golden_checkpoints, tmp_path
):
    convert(golden_checkpoints / "EdgeModel_dis.pth", tmp_path / "today")
    convert(golden_checkpoints / "legacy", tmp_path / "older")
    today = load_networks(tmp_path / "today")[0]["edge_discriminator"]
    older = load_networks(tmp_path / "older")[0]["edge_discriminator"]
    for one, other in zip(today.variables, older.variables, strict=True):
        np.testing.assert_array_equal(one, other)
