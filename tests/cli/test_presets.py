"""The command `presets`, and the model that the other commands take by default."""

import csv

import numpy as np
import pytest
from PIL import Image

from tf_edgeconnect import presets
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.presets import folder


def test_presets_lists_what_ships_with_its_figures(capsys):
    assert run(["presets"]) == 0
    first, *systems = capsys.readouterr().out.splitlines()
    assert first.startswith("small (the default of --model): ")
    assert any("PSNR" in line and "LPIPS" in line for line in systems)


def test_the_preset_stays_small():
    sizes = [path.stat().st_size for path in folder("small").iterdir()]
    assert sum(sizes) <= 12e6


def test_attribution_names_a_free_licence_for_each_training_photo(capsys):
    assert run(["presets", "--attribution"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(rows) == len({row["file"] for row in rows}) > 2000
    free = {"CC0", "CC BY", "MIT", "public domain"}
    free.add("US government work (public domain)")
    assert {row["licence"] for row in rows} <= free
    assert all(row["attribution"] and row["origin"] for row in rows)


def test_inpaint_needs_no_model(tmp_path, capsys):
    photo = np.full((32, 40, 3), (200, 120, 40), np.uint8)
    hole = np.zeros((32, 40), bool)
    hole[12:20, 12:24] = True
    photo[hole] = 0
    Image.fromarray(photo).save(tmp_path / "photo.png")
    Image.fromarray(hole).save(tmp_path / "mask.png")
    paths = [str(tmp_path / name) for name in ("photo.png", "mask.png")]
    assert run(["inpaint", *paths, "-o", str(tmp_path / "out.png")]) == 0
    assert "presets/small" in capsys.readouterr().err
    filled = np.asarray(Image.open(tmp_path / "out.png")).astype(int)
    # A plain surface is continued, not left black.
    assert np.abs(filled - (200, 120, 40)).max() < 40
    np.testing.assert_array_equal(filled[~hole], photo[~hole])


def test_a_damaged_preset_is_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "model.json").write_text("{")
    monkeypatch.setattr(presets, "ROOT", tmp_path)
    assert run(["presets"]) == 2
    assert "preset small is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pack", "runs/absent"], "--pack needs -o"),
        (["-o", "new"], "belong to --pack"),
        (["--pack", "absent", "-o", "new"], "or a preset: small"),
    ],
)
def test_wrong_options_are_one_line(options, words, capsys):
    assert run(["presets", *options]) == 2
    assert words in capsys.readouterr().err
