"""The files of a report."""

import csv
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.evaluation.small_evaluation import write_evaluation
from tf_edgeconnect.evaluation.figures import choose, plot
from tf_edgeconnect.evaluation.report import write_report
from tf_edgeconnect.evaluation.results import Evaluation, read_comparable
from tf_edgeconnect.evaluation.summary import summarize

VOID = {"meta", "img", "br"}
KEYS = ("l1", "psnr", "ssim", "fid", "lpips", "n")


class Page(HTMLParser):
    """Collects tags and attributes, and checks that tags are closed in order."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)


@pytest.fixture(scope="module")
def comparison(evaluated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    write_report(read_comparable(evaluated), folder)
    return folder


def test_all_files_are_written(comparison):
    found = {path.name for path in comparison.iterdir()}
    assert found == {
        "report.html",
        "report.md",
        "report.json",
        "table.tex",
        "images.csv",
        "figures",
    }
    assert len(list((comparison / "figures").glob("*.png"))) == 1 + 2 * 4


def test_the_page_is_well_formed_and_fetches_nothing(comparison):
    text = (comparison / "report.html").read_text()
    page = Page(text)
    assert not {"script", "link", "iframe"} & set(page.tags)
    sources = [value for name, value in page.attributes if name in ("src", "href")]
    assert sources and all(s.startswith(("data:image/", "#")) for s in sources)
    assert not any(words in text for words in ("http:", "https:", "url(", "@import"))


def test_the_page_links_to_each_of_its_sections(comparison):
    page = Page((comparison / "report.html").read_text())
    links = [value for name, value in page.attributes if name == "href"]
    anchors = [value for name, value in page.attributes if name == "id"]
    assert links == [f"#{anchor}" for anchor in anchors]
    assert len(set(anchors)) == len(anchors) == page.tags.count("h2")


def test_labels_are_escaped(comparison):
    text = (comparison / "report.html").read_text()
    assert "plain &amp; &lt;simple&gt;" in text and "<simple>" not in text
    tex = (comparison / "table.tex").read_text()
    assert r"plain \& <simple> & lines\_first" in tex


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_reader_is_told_how_it_was_measured(comparison, name):
    text = (comparison / name).read_text()
    for words in (
        "mean of per-picture values over the whole completed picture",
        "no column here reproduces its FID",
        "No LPIPS: no weights file was given: --lpips-weights FILE",
        "FID of 4 pictures",
        "Manifest SHA-256",
        "tf_edgeconnect 1, keras 3",
    ):
        assert words in text


def test_figures_are_in_the_json(comparison):
    found = json.loads((comparison / "report.json").read_text())
    assert found["protocol"] == "standard"
    assert re.fullmatch("[0-9a-f]{64}", found["manifest_sha256"])
    systems = found["systems"]
    assert list(systems) == ["plain & <simple>", "lines_first"]
    assert list(systems["lines_first"]) == ["0-10%", "20-30%", "40-50%", "all"]
    figures = systems["lines_first"]["all"]
    assert figures.keys() == {*KEYS, "intervals", "edges"}
    assert figures["lpips"] is None and figures["n"] == 4
    assert figures["fid"] == pytest.approx(10)
    assert figures["intervals"].keys() == {"l1", "psnr", "ssim"}
    assert figures["edges"]["recall"] == pytest.approx(0.6)
    assert systems["plain & <simple>"]["all"]["edges"] is None


def test_each_picture_is_in_the_csv(comparison):
    with (comparison / "images.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert rows[6]["name"] == "deep/c" and rows[6]["edge_false_negatives"] == "2"
    assert rows[0]["lpips"] == "" and float(rows[0]["psnr"]) == 17.5


def test_links_of_the_markdown_lead_to_files(comparison):
    links = re.findall(r"\]\((.+?)\)", (comparison / "report.md").read_text())
    assert len(links) == 3 + 1 + 2 * 4
    assert all((comparison / link).is_file() for link in links)


def test_a_report_is_the_same_when_written_again(evaluated, comparison, tmp_path):
    write_report(read_comparable(evaluated), tmp_path)
    for name in ("report.html", "report.json", "table.tex"):
        assert (tmp_path / name).read_bytes() == (comparison / name).read_bytes()


def test_without_its_photos_a_report_has_no_sheets_and_says_so(tmp_path):
    folder = write_evaluation(tmp_path / "system", "alone", 0.2)
    (tmp_path / "sources" / "photos" / "a.png").unlink()
    sections = write_report([Evaluation.read(folder)], folder)
    assert list(sections) == [
        "Table",
        "Notes",
        "Against the hole ratio",
        "How it was measured",
    ]
    assert "There are no sheets of pictures" in (folder / "report.md").read_text()


def test_pictures_are_ranked_by_the_error_inside_the_hole(evaluated):
    cases = choose(Evaluation.read(evaluated[0]).images)
    # b misses a tenth more than the others, which are equal: then by name.
    assert [one.name for one in cases["best"]] == ["a", "d", "deep/c"]
    assert [one.name for one in cases["worst"]] == ["b", "deep/c", "d"]
    assert len({one.name for one in cases["random"]}) == 3


def test_a_plot_holds_the_points_and_means_of_each_system(evaluated):
    systems = read_comparable(evaluated)
    summaries = [summarize(one) for one in systems]
    svg = plot("psnr", systems, summaries)
    root = ElementTree.fromstring(svg)
    name = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{name}text")]
    assert {"plain & <simple>", "lines_first", "hole ratio"} <= set(texts)
    assert len(list(root.iter(f"{name}image"))) == 1  # the points, as pixels
    assert plot("lpips", systems, summaries) is None


def test_the_latex_table_is_well_formed(comparison):
    text = (comparison / "table.tex").read_text()
    lines = text.splitlines()
    opened = [x for x in lines if x.startswith(r"\begin")]
    closed = [x for x in lines if x.startswith(r"\end")]
    assert opened == [r"\begin{table}", r"\begin{tabular}{llrrr}"]
    assert closed == [r"\end{tabular}", r"\end{table}"]
    body = [line for line in lines if line.endswith(r"\\")]
    assert r"L1 (\%) $\downarrow$ & 0-10\% & 1 & 2.50 & \textbf{0.83} \\" in body
    for line in body:
        assert line.replace(r"\&", "").count("&") == 4
        assert not line.startswith("[")
    assert text.count("{") == text.count("}")
    # A bare one would comment the rest of its line out.
    assert all("%" not in line.replace(r"\%", "") for line in lines[1:])
    assert text.isascii() and text.count(r"\midrule") == 9
