"""What a run prints and what it keeps in `metrics.jsonl`."""

import io
import json
import math

from rich.console import Console

from tf_edgeconnect.trainers.writer import RunWriter, describe_validation


def test_a_validation_is_put_into_words():
    figures = {
        "val/hole_l1": 0.05,
        "val/hole_psnr": 23.456,
        "val/psnr": 31.5,
        "val/average_precision": 0.2,
        "val/base_rate": 0.1,
        "val/f1": 0.25,
    }
    assert describe_validation(figures) == (
        "hole L1 0.0500; hole PSNR 23.46 dB; PSNR 31.50 dB; edges' average precision "
        "0.200, 2.00 times the base rate 0.100, F1 0.250"
    )


def test_what_is_undefined_shows_as_a_dash():
    for nothing in (None, math.nan):
        figures = {"average_precision": nothing, "base_rate": 0.0, "f1": nothing}
        assert describe_validation(figures) == (
            "edges' average precision -, - times the base rate 0.000, F1 -"
        )


def printed(stage, figures, pace):
    output = io.StringIO()
    console = Console(file=output, soft_wrap=True, width=20)
    with RunWriter(stage, 0, 10, 2, console) as writer:
        writer.training(5, figures, 1e-4, pace)
    return output.getvalue()


def test_without_a_terminal_lines_are_plain_and_unbroken():
    # Gradient norms are for the file; the pace is not known yet.
    figures = {"edge/d_loss": 0.5, "edge/g_gradient_norm": 1.0}
    assert printed("edge", figures, math.nan) == "edge 5/10  d_loss 0.5000\n"
    assert printed("edge", figures, 0.25).endswith("8.0 images/s, 0:00:01 left\n")


def test_figures_of_two_networks_are_told_apart():
    figures = {"edge/g_adv": 0.5, "inpaint/g_adv": 0.25, "inpaint/l1": 1}
    shown = "edge/g_adv 0.5000  inpaint/g_adv 0.2500  l1 1.0000"
    assert printed("joint", figures, math.nan) == f"joint 5/10  {shown}\n"


def test_a_line_that_a_kill_cut_short_does_not_take_the_next_with_it(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"stage": "edge", "step": 2}\n{"stage": "edge", "st')
    writer = RunWriter("edge", 2, 10, 2, quiet=True)
    writer.open(tmp_path)
    writer.validation(4, {"val/psnr": 9.0})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]


def test_a_resumed_run_forgets_the_lines_of_steps_that_are_done_again(tmp_path):
    kept = [{"stage": "edge", "step": 2, "x": 1.0}, {"stage": "joint", "step": 9}]
    later = {"stage": "edge", "step": 4, "x": 2.0}
    text = "".join(json.dumps(line) + "\n" for line in (*kept, later))
    path = tmp_path / "metrics.jsonl"
    path.write_text(text + '{"stage": "edge", "st')  # killed within a line
    writer = RunWriter("edge", 2, 10, 2, quiet=True)
    writer.open(tmp_path)
    assert [json.loads(line) for line in path.read_text().splitlines()] == kept
    writer.validation(4, {"val/psnr": math.nan})
    assert writer.figures_of(2)["x"] == 1.0
    assert writer.figures_of(4)["val/psnr"] is None
