"""Runs the notebooks in place and keeps what a reader wants to see: `make notebooks`.

Kept are texts, tables and pictures, the latter as JPEG where there is one: a tenth of
the size. Left out is what differs from machine to machine: what libraries write to
stderr, and when each cell ran.

    python notebooks/execute.py [NOTEBOOK...]
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
SECONDS_A_CELL = 600


def main() -> None:
    """Runs the notebooks named, or all."""
    for path in map(Path, sys.argv[1:] or sorted(FOLDER.glob("*.ipynb"))):
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": path.parent}}
        NotebookClient(
            notebook, timeout=SECONDS_A_CELL, kernel_name="python3", resources=resources
        ).execute()
        tidy(notebook)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        print(f"{path}: {path.stat().st_size // 1000} kB", flush=True)


def tidy(notebook: nbformat.NotebookNode) -> None:
    """Drops from an executed notebook what no reader needs.

    Args:
        notebook: is changed.
    """
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/jpeg" in data:
                data.pop("image/png", None)
            if data.keys() > {"text/plain"}:  # a stand-in, with an address in memory
                del data["text/plain"]


if __name__ == "__main__":
    main()
