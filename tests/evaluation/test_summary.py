"""Estimates by bins, their intervals, the table."""

import numpy as np
import pytest

from tests.evaluation.small_evaluation import HISTOGRAM
from tf_edgeconnect.evaluation.report import Section, markdown
from tf_edgeconnect.evaluation.results import Evaluation, ImageResult
from tf_edgeconnect.evaluation.summary import (
    Estimate,
    bootstrap_means,
    differences,
    edge_scores,
    summarize,
    table_rows,
)
from tf_edgeconnect.metrics.edges import EdgeMetrics


@pytest.fixture(scope="module")
def systems(evaluated):
    return [Evaluation.read(folder) for folder in evaluated]


def interval(values):
    return bootstrap_means({"l1": np.array(values)})["l1"].interval


def test_interval_of_a_mean_is_near_the_normal_one():
    values = np.random.default_rng(1).normal(5, 2, 400)
    error = values.std() / np.sqrt(len(values))
    low, high = interval(values)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_systems_are_resampled_alike():
    values = np.random.default_rng(1).random(30)
    low, high = interval(values)
    assert interval(values + 2) == pytest.approx((low + 2, high + 2))
    assert interval(values) == (low, high)


def test_one_picture_has_no_interval_and_none_no_figure():
    assert interval([3.0]) is None and interval([3.0, np.nan]) is None
    assert bootstrap_means({"l1": np.array([np.nan])}) == {}


def test_a_figure_is_the_mean_over_pictures_of_a_bin(systems):
    figures = summarize(systems[0])
    assert list(figures) == ["0-10%", "20-30%", "40-50%", "all"]
    assert [one["l1"].n for one in figures.values()] == [1, 2, 1, 4]
    # 30 % wrong on 2, 6, 6 and 12 of 24 columns, the first six a tenth more.
    parts = [30 * 2 / 24, 33 * 6 / 24, 30 * 6 / 24, 30 * 12 / 24]
    assert figures["20-30%"]["l1"].value == pytest.approx(np.mean(parts[1:3]))
    assert figures["all"]["l1"].value == pytest.approx(np.mean(parts))
    assert figures["all"]["fid"].value == pytest.approx(30)
    assert "fid" not in figures["0-10%"]
    low, high = figures["20-30%"]["l1"].interval
    assert (low, high) == pytest.approx((parts[2], parts[1]))


def test_edge_scores_come_from_summed_counts(systems):
    # Three true, one false, two missed a picture.
    values = {name: x.value for name, x in summarize(systems[1])["20-30%"].items()}
    assert values["precision"] == pytest.approx(3 / 4)
    assert values["recall"] == pytest.approx(3 / 5)
    assert values["f1"] == pytest.approx(6 / 9)
    # Above 100 recall 3/5 at precision 3/4, from 100 on 1 at 5/6.
    average_precision = 3 / 5 * 3 / 4 + 2 / 5 * 5 / 6
    assert values["edge_average_precision"] == pytest.approx(average_precision)
    assert values["best_threshold"] == pytest.approx(99.5 / 255)
    assert "f1" not in summarize(systems[0])["20-30%"]


def test_edge_scores_at_a_threshold_are_those_of_the_metric():
    generator = np.random.default_rng(2)
    true = generator.random((40, 40)) < 0.2
    edges = np.uint8(255 * np.clip(generator.normal(0.3 + 0.2 * true, 0.2), 0, 1))
    histogram = [np.bincount(edges[true == x], minlength=256) for x in (False, True)]
    image = ImageResult("a", "all", 1.0, 0, 0, 0, edge_histogram=histogram)
    for threshold in (0.3, 0.5):
        metric = EdgeMetrics(threshold)
        batch = (x[None, ..., None] for x in (true, edges / 255, np.ones_like(edges)))
        metric.update_state(*batch)
        expected = {name: float(value) for name, value in metric.result().items()}
        found = edge_scores([image], threshold)
        for name in ("precision", "recall", "f1"):
            assert found[name] == pytest.approx(expected[name])
        assert found["edge_average_precision"] == pytest.approx(
            expected["average_precision"]
        )
    f1 = [edge_scores([image], value / 255)["f1"] for value in range(255)]
    best = edge_scores([image], found["best_threshold"])["f1"]
    assert best == pytest.approx(max(f1))


def test_scores_without_an_edge_are_undefined():
    image = ImageResult("a", "all", 1.0, 0, 0, 0)
    assert edge_scores([image], 0.5) == {}
    nothing = [HISTOGRAM[0], [0] * 256]
    image = ImageResult("a", "all", 1.0, 0, 0, 0, edge_histogram=nothing)
    found = edge_scores([image], 0.9)
    assert all(np.isnan(value) for value in found.values())


def test_differences_are_paired_by_picture(systems):
    found = differences(*systems)
    # One picture alone has no interval, so no difference is told.
    assert found["0-10%"] == {}
    one = found["all"]["psnr"]
    pairs = zip(systems[0].images, systems[1].images, strict=True)
    values = [other.psnr - first.psnr for first, other in pairs]
    assert (one.n, one.value) == (4, pytest.approx(np.mean(values)))
    assert one.interval[0] > min(values) - 1e-9


def figures(**values) -> dict[str, dict[str, Estimate]]:
    return {"all": {name: Estimate(value, 3) for name, value in values.items()}}


def best(metric: str, *values: float | None) -> list[bool]:
    rows = table_rows([figures(**{metric: v} if v else {"ssim": 1.0}) for v in values])
    return [cell.best for row in rows if row.metric == metric for cell in row.cells]


def test_the_best_of_a_row_are_those_that_print_alike_if_there_is_another():
    assert best("l1", 2.0, 1.0) == [False, True]
    assert best("psnr", 2.0, 1.0) == [True, False]
    assert best("l1", 1.004, 1.001, 1.3) == [True, True, False]
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
    rows = table_rows([figures(psnr=20.0), figures(psnr=21.0)])
    text = markdown(Section(systems=["a|b", "c"], rows=rows))
    head, rule, row = text.splitlines()[:3]
    assert r"a\|b" in head and rule == "| --- | --- | --: | --: | --: |"
    assert row == "| PSNR (dB) ↑ | all | 3 | 20.00 | **21.00** |"


def test_a_difference_is_bold_where_zero_is_outside_on_the_better_side(systems):
    rows = table_rows([differences(systems[0], systems[1])], signed=True)
    assert {row.metric for row in rows} == {"l1", "ssim", "psnr"}
    assert all(row.cells[0].best for row in rows)
    turned = table_rows([differences(systems[1], systems[0])], signed=True)
    assert not any(row.cells[0].best for row in turned)
    assert table_rows([], signed=True) == []
