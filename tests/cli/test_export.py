"""What `export` refuses on the command line."""

import pytest

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.models.generators import inpaint_generator
from tf_edgeconnect.models.storage import save_networks


def test_a_run_without_an_edge_generator_is_refused(tmp_path, capsys):
    stage = tmp_path / "weights" / "inpaint"
    networks = {"inpaint_generator": inpaint_generator(2, 0)}
    save_networks(stage, networks, {"sigma": 2.0})
    code = run(["export", "--model", str(tmp_path), "-o", str(tmp_path / "out")])
    assert code == 2
    printed = capsys.readouterr().err
    assert "no edge generator" in printed and "train --stage edge" in printed
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "m", "--precision", "int4"], "'int4' is not one of"),
        (
            ["--model", "m", "--precision", "int8"],
            "--precision int8 is not for --format saved-model, which takes float32, "
            "bfloat16, float16",
        ),
        (
            ["--model", "m", "--format", "tflite", "--precision", "bfloat16"],
            "which takes float32, float16, int8, int8-full",
        ),
        (["--model", "m", "--photos", "p"], "--photos is for --format tflite and onnx"),
        (["--model", "m", "--edges-input"], "--edges-input is for --format tflite and"),
        (["--model", "m", "--max-megapixels", "0"], "'--max-megapixels'"),
        (
            ["--model", "m", "--format", "onnx", "--size", "16"],
            "--size is for --format saved-model and tflite only",
        ),
        (
            ["--model", "m", "--format", "onnx", "--precision", "float16"],
            "--precision float16 is not for --format onnx, which takes float32",
        ),
        (["--model", "m", "--format", "onnx"], "must be the name of a .onnx file"),
        (
            ["--model", "m", "--format", "tflite", "--size", "16", "--size", "32"],
            "export once for each",
        ),
        (
            ["--model", "m", "--format", "tflite", "--max-megapixels", "9"],
            "--max-megapixels is for --format saved-model only",
        ),
        (["--model", "m", "--format", "tflite"], "must be the name of a .tflite file"),
        (["--model", "absent"], "absent does not exist"),
    ],
)
def test_wrong_options_are_one_line(tmp_path, capsys, options, words):
    assert run(["export", "-o", str(tmp_path / "out"), *options]) == 2
    printed = capsys.readouterr().err.strip()
    assert words in printed.splitlines()[-1]
    assert not (tmp_path / "out").exists()
