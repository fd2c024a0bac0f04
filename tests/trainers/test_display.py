import io
import math

from rich.console import Console

from tf_edgeconnect.trainers.display import Display, describe_validation


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


def test_without_a_terminal_lines_are_plain_and_unbroken():
    output = io.StringIO()
    display = Display("edge", 0, 10, 2, Console(file=output, soft_wrap=True, width=20))
    with display:
        display.log(5, {"edge/d_loss": 0.5, "edge/g_gradient_norm": 1.0})
    # One step so far and no pace; gradient norms are for the journal.
    assert output.getvalue() == "edge 5/10  d_loss 0.5000\n"


def test_figures_of_two_networks_are_told_apart():
    output = io.StringIO()
    display = Display("joint", 0, 10, 2, Console(file=output, soft_wrap=True))
    with display:
        display.log(5, {"edge/g_adv": 0.5, "inpaint/g_adv": 0.25, "inpaint/l1": 1})
    shown = "edge/g_adv 0.5000  inpaint/g_adv 0.2500  l1 1.0000"
    assert output.getvalue() == f"joint 5/10  {shown}\n"
