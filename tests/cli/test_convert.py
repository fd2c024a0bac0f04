"""`convert` from the command line: what it prints, writes and refuses."""

import shutil
from pathlib import Path

import pytest

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.config import load_config
from tf_edgeconnect.models.storage import read_meta

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


def test_each_tensor_is_reported_with_where_it_went(tmp_path, capsys):
    assert run(["convert", str(FIXTURES / "published"), "-o", str(tmp_path / "w")]) == 0
    printed = capsys.readouterr().out
    assert (
        "EdgeModel_gen.pth: decoder.0.weight_orig (4, 2, 4, 4) -> "
        "edge_generator/decoder_1/kernel (4, 4, 2, 4)\n"
    ) in printed
    assert "70 tensors to the edge generator, iteration 4321\n" in printed
    # 70 and 44 of the generators, 18 and 18 of the discriminators.
    assert printed.count(" -> ") == 70 + 44 + 18 + 18
    assert printed.endswith(
        f"wrote {tmp_path / 'w'}: give it to --model or --init-from\n"
    )


def test_the_config_beside_the_checkpoints_gives_sigma(tmp_path, capsys):
    source = tmp_path / "places2"
    shutil.copytree(FIXTURES / "published", source)
    (source / "config.yml").write_text("SIGMA: 1.5\n")
    assert run(["convert", str(source), "-o", str(tmp_path / "w")]) == 0
    assert read_meta(tmp_path / "w")["sigma"] == 1.5
    assert "Canny's sigma is 1.5" in capsys.readouterr().out


def test_a_config_is_shown_side_by_side_and_written(tmp_path, capsys):
    source, target = tmp_path / "config.yml", tmp_path / "ours.yaml"
    source.write_text("MODEL: 2\nMASK: 1\nLR: 1e-4\n")
    assert run(["convert", str(source), "-o", str(target)]) == 0
    printed = capsys.readouterr()
    assert "LR: 1e-4 -> train.learning_rate: 0.0001\n" in printed.out
    assert f"train --stage inpaint --config {target}" in printed.out
    assert "warning: STYLE_LOSS_WEIGHT is missing" in printed.err
    assert load_config(target).mask.kinds == {"block": 1.0}


def test_an_existing_config_is_kept_unless_told_otherwise(tmp_path, capsys):
    source, target = tmp_path / "config.yml", tmp_path / "ours.yaml"
    source.write_text("MASK: 1\n")
    target.write_text("seed: 5\n")
    assert run(["convert", str(source), "-o", str(target)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert target.read_text() == "seed: 5\n"
    assert run(["convert", str(source), "-o", str(target), "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("name", "content", "target"),
    [
        ("EdgeModel_gen.pth", b"<html>404</html>", "weights"),
        ("EdgeModel_gen.pth", b"", "weights"),
        ("config.yml", b"MODEL: 9", "ours.yaml"),
        ("config.yml", b"MASK: 1", "ours"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    tmp_path, capsys, name, content, target
):
    source = tmp_path / name
    source.write_bytes(content)
    assert run(["convert", str(source), "-o", str(tmp_path / target)]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ") and printed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [source]
