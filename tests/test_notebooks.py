"""The committed notebooks as a reader finds them; that they run is nbmake's to test."""

import importlib.util
import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs the dev extra")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 400_000
# Folders of the machine that ran them; "/v1/models" is an address.
OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|var|work|usr|Users|opt)/")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def outputs(cells):
    return [output for cell in cells for output in cell.outputs]


def shown(cells):
    return [output.get("data", {}) for output in outputs(cells)]


def test_there_are_six_and_the_readme_links_each():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name[:3] for path in NOTEBOOKS] == [f"0{n}_" for n in range(1, 7)]
    assert [p.name for p in NOTEBOOKS if f"(notebooks/{p.name})" not in readme] == []


def test_outputs_are_those_of_one_run_from_top_to_bottom(cells):
    order = [cell.execution_count for cell in cells]
    assert order == list(range(1, len(cells) + 1))
    assert [one for one in outputs(cells) if one.output_type == "error"] == []


def test_pictures_are_there_and_the_file_is_small(path, cells):
    assert any("image/jpeg" in data for data in shown(cells))
    assert path.stat().st_size < MOST_BYTES


def test_nothing_tells_of_the_machine_that_ran_it(path, cells):
    texts = [one.get("text", "") for one in outputs(cells)]
    texts += [
        text
        for data in shown(cells)
        for kind, text in data.items()
        if "image" not in kind
    ]
    assert OF_A_MACHINE.findall("\n".join(texts)) == []
    assert [one for one in outputs(cells) if one.get("name") == "stderr"] == []


def test_links_to_files_lead_somewhere(path):
    sources = [cell.source for cell in nbformat.read(path, 4).cells]
    links = re.findall(r"\]\(([^)#]+)\)", "\n".join(sources))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_tidy_keeps_what_is_to_be_seen():
    spec = importlib.util.spec_from_file_location(
        "execute", ROOT / "notebooks" / "execute.py"
    )
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    picture = {"image/png": "a", "image/jpeg": "b", "text/plain": "<Image at 0x7f>"}
    v4 = nbformat.v4
    cell = v4.new_code_cell(
        "1 + 1",
        execution_count=1,
        metadata={"execution": {"iopub.status.busy": "2026-01-01T00:00:00Z"}},
        outputs=[
            v4.new_output("stream", name="stderr", text="W0000 no GPU"),
            v4.new_output("stream", name="stdout", text="told"),
            v4.new_output("execute_result", data=picture, execution_count=1),
            v4.new_output("execute_result", data={"text/plain": "2"}),
        ],
    )
    notebook = v4.new_notebook(cells=[cell, v4.new_markdown_cell("text")])
    execute.tidy(notebook)
    kept = notebook.cells[0].outputs
    assert kept[0].text == "told"
    assert [dict(one.data) for one in kept[1:]] == [
        {"image/jpeg": "b"},
        {"text/plain": "2"},
    ]
    assert notebook.cells[0].metadata == {}
    assert notebook.cells[1].source == "text"
