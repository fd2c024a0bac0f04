"""Figures by bins, their intervals, the table."""

import numpy as np
import pytest

from tf_edgeconnect.evaluation.bootstrap import mean_interval
from tf_edgeconnect.evaluation.results import Evaluation
from tf_edgeconnect.evaluation.summary import Figures, differences, figures_by_bin
from tf_edgeconnect.evaluation.table import (
    difference_rows,
    latex,
    markdown,
    table_rows,
)


@pytest.fixture(scope="module")
def systems(evaluated):
    return [Evaluation.read(folder) for folder in evaluated]


def test_interval_of_a_mean_is_near_the_normal_one():
    values = np.random.default_rng(1).normal(5, 2, 400)
    error = values.std() / np.sqrt(len(values))
    low, high = mean_interval(values)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_systems_are_resampled_alike():
    values = np.random.default_rng(1).random(30)
    low, high = mean_interval(values)
    assert mean_interval(values + 2) == pytest.approx((low + 2, high + 2))
    assert mean_interval(values) == (low, high)
    assert mean_interval(values, seed=1) != (low, high)


def test_one_picture_has_no_interval():
    assert mean_interval(np.array([3.0])) is None
    assert mean_interval(np.array([])) is None


def test_a_figure_is_the_mean_over_pictures_of_a_bin(systems):
    figures = figures_by_bin(systems[0])
    assert list(figures) == ["0-10%", "20-30%", "40-50%", "all"]
    assert [one.n for one in figures.values()] == [1, 2, 1, 4]
    # 30 % wrong on 2, 6, 6 and 12 of 24 columns, the first six a tenth more.
    parts = [30 * 2 / 24, 33 * 6 / 24, 30 * 6 / 24, 30 * 12 / 24]
    assert figures["20-30%"].values["l1"] == pytest.approx(np.mean(parts[1:3]))
    assert figures["all"].values["l1"] == pytest.approx(np.mean(parts))
    assert figures["all"].values["fid"] == pytest.approx(30)
    assert "fid" not in figures["0-10%"].values
    low, high = figures["20-30%"].intervals["l1"]
    assert (low, high) == pytest.approx((parts[2], parts[1]))


def test_edge_scores_come_from_summed_counts(systems):
    # Three true, one false, two missed a picture.
    values = figures_by_bin(systems[1])["20-30%"].values
    assert values["precision"] == pytest.approx(3 / 4)
    assert values["recall"] == pytest.approx(3 / 5)
    assert values["f1"] == pytest.approx(6 / 9)
    assert "f1" not in figures_by_bin(systems[0])["20-30%"].values


def test_json_has_the_agreed_keys(systems):
    found = figures_by_bin(systems[1])["all"].json()
    assert found.keys() >= {"l1", "psnr", "ssim", "fid", "lpips", "n"}
    assert found["lpips"] is None and found["n"] == 4
    assert found["intervals"].keys() == {"l1", "psnr", "ssim"}
    assert found["edges"]["recall"] == pytest.approx(0.6)
    assert figures_by_bin(systems[0])["all"].json()["edges"] is None


def test_differences_are_paired_by_picture(systems):
    found = differences(*systems)
    # One picture alone has no interval, so no difference is told.
    assert found["0-10%"] == {}
    one = found["all"]["psnr"]
    pairs = zip(systems[0].images, systems[1].images, strict=True)
    values = [other.psnr - first.psnr for first, other in pairs]
    assert (one.n, one.mean) == (4, pytest.approx(np.mean(values)))
    assert one.interval[0] > min(values) - 1e-9


def figures(**values) -> dict[str, Figures]:
    return {"all": Figures(3, values)}


def best(metric: str, *values: float | None) -> list[bool]:
    rows = table_rows([figures(**({metric: v} if v else {})) for v in values])
    return [cell.best for row in rows if row.metric == metric for cell in row.cells]


def test_the_better_end_depends_on_the_metric():
    assert best("l1", 2.0, 1.0) == [False, True]
    assert best("psnr", 2.0, 1.0) == [True, False]


def test_figures_that_print_alike_are_both_best():
    assert best("l1", 1.004, 1.001, 1.3) == [True, True, False]


def test_one_system_alone_is_not_the_best():
    assert best("psnr", 2.0) == [False]
    assert best("psnr", 2.0, None) == [False, False]


def test_a_metric_without_figures_keeps_a_row_of_dashes():
    rows = table_rows([figures(l1=1.0)])
    assert [(row.metric, row.bin) for row in rows] == [
        ("l1", "all"),
        ("lpips", "all"),
        ("fid", "all"),
    ]
    assert rows[-1].cells[0].text == "–"


def test_markdown_says_what_is_better_and_marks_the_best():
    text = markdown(table_rows([figures(psnr=20.0), figures(psnr=21.0)]), ["a|b", "c"])
    head, rule, row = text.splitlines()[:3]
    assert r"a\|b" in head and rule == "| --- | --- | --: | --: | --: |"
    assert row == "| PSNR (dB) ↑ | all | 3 | 20.00 | **21.00** |"


def test_a_difference_is_bold_where_zero_is_outside_on_the_better_side(systems):
    rows = difference_rows([differences(systems[0], systems[1])])
    assert {row.metric for row in rows} == {"l1", "ssim", "psnr"}
    assert all(row.cells[0].best for row in rows)
    turned = difference_rows([differences(systems[1], systems[0])])
    assert not any(row.cells[0].best for row in turned)
    assert difference_rows([]) == []


def test_latex_is_well_formed(systems):
    rows = table_rows([figures_by_bin(one) for one in systems])
    text = latex(rows, ["50% a_b", r"c\d"], "A caption & {more}")
    lines = text.splitlines()
    opened = [x for x in lines if x.startswith(r"\begin")]
    closed = [x for x in lines if x.startswith(r"\end")]
    assert opened[0] == r"\begin{table}" and closed[-1] == r"\end{table}"
    assert r"\begin{tabular}{llrrr}" in opened and r"\end{tabular}" in closed
    assert r"50\% a\_b & c\textbackslash{}d" in text
    assert r"A caption \& \{more\}" in text
    body = [line for line in lines if line.endswith(r"\\")]
    assert len(body) == len(rows) + 1
    for line in body:
        assert line.replace(r"\&", "").count("&") == 4
    plain = text.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    # A bare one would comment the rest of its line out.
    assert all("%" not in line.replace(r"\%", "") for line in lines[1:])
    assert text.isascii()
