"""A photo, its mask and a model that the tests of `inpaint` share."""

import pytest
from PIL import Image

from tests.pictures import hole_of, pixels
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.inference import Inpainter


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a photo of 20 x 16 and its mask."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pixels(16, 20, 3)).save("photo.png")
    Image.fromarray(hole_of(16, 20)).save("mask.png")
    return tmp_path


@pytest.fixture
def inpaint(tiny_run, tiny_inpainter, capsys, monkeypatch):
    """Runs the command: exit code, stdout, stderr without the line on the model.

    The networks are loaded, and their graphs traced, once for all tests.
    """
    monkeypatch.setattr(Inpainter, "load", lambda path, **_: tiny_inpainter)

    def command(*arguments):
        code = run(["inpaint", *map(str, arguments), "--model", str(tiny_run)])
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if not line.startswith("model: ")]
        return code, out, "\n".join(lines)

    return command
