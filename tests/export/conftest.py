"""Tiny networks, and one export of them that the tests of this folder share."""

import contextlib
import io
import json
import shutil
from types import SimpleNamespace

import pytest

from tf_edgeconnect.cli.main import run

MAX_PIXELS = 10_000


@pytest.fixture(scope="session")
def weights(tiny_run):
    """A weights folder with both generators."""
    return tiny_run / "weights" / "joint"


@pytest.fixture(scope="session")
def inpainter(tiny_inpainter):
    """The networks as trained."""
    return tiny_inpainter


@pytest.fixture(scope="session")
def exported(tiny_run, tmp_path_factory):
    """Version 2 of an export, written by the command; it never was in version 1."""
    folder = tmp_path_factory.mktemp("export")
    shutil.copytree(tiny_run, folder / "run")
    (folder / "run" / "config.yaml").write_text("seed: 3\n")
    (folder / "exported" / "1").mkdir(parents=True)
    command = ["export", "--model", folder / "run", "-o", folder / "exported"]
    command += ["--size", "16", "--max-megapixels", MAX_PIXELS / 1e6]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        code = run(list(map(str, command)))
    path = folder / "exported" / "2"
    facts = json.loads((path / "model.json").read_text())
    return SimpleNamespace(
        path=path, facts=facts, code=code, printed=printed.getvalue()
    )
