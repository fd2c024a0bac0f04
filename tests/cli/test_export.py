"""`export` from the command line: what it prints, writes and refuses."""

import keras
import pytest

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import save_networks

TINY = {"filters": 2, "residual_blocks": 0}


def test_an_export_is_the_next_version_and_says_what_it_holds(tmp_path, capsys):
    keras.utils.set_random_seed(1)
    stage = tmp_path / "run" / "weights" / "joint"
    networks = {
        "edge_generator": edge_generator(**TINY),
        "inpaint_generator": inpaint_generator(**TINY),
    }
    save_networks(stage, networks, {"stage": "joint", "step": 7, "sigma": 2.0})
    (tmp_path / "run" / "config.yaml").write_text("seed: 3\n")
    output = tmp_path / "exported"
    command = ["export", "--model", str(tmp_path / "run"), "-o", str(output)]
    (output / "1").mkdir(parents=True)
    assert run([*command, "--size", "16", "--max-megapixels", "0.001024"]) == 0
    printed = capsys.readouterr().out
    assert "(stage joint, step 7)" in printed
    assert (
        "signature inpaint_with_edges: image uint8, mask uint8, edges uint8 -> "
        "inpainted uint8\n"
    ) in printed
    assert "at 32x32: " in printed  # photos that 1024 pixels allow
    assert " MB on disk, float32\n" in printed
    assert printed.endswith(f"wrote {output / '2'}\n")
    assert (output / "2" / "config.yaml").read_text() == "seed: 3\n"
    assert sorted(path.name for path in output.iterdir()) == ["1", "2"]
    assert not list((output / "1").iterdir())


def test_a_run_without_an_edge_generator_is_refused(tmp_path, capsys):
    stage = tmp_path / "weights" / "inpaint"
    save_networks(
        stage, {"inpaint_generator": inpaint_generator(**TINY)}, {"sigma": 2.0}
    )
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
        (["--model", "m", "--max-megapixels", "0"], "0 is not in the range"),
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
