"""The command `edit`: what it refuses. The page itself: tests/web."""

from types import SimpleNamespace

from tf_edgeconnect import edge_generator
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.models.storage import save_networks


def test_a_model_that_only_draws_is_refused(tmp_path, capsys):
    networks = {"edge_generator": edge_generator(filters=4, residual_blocks=1)}
    save_networks(tmp_path, networks, {"stage": "edge", "step": 1, "sigma": 2.0})
    assert run(["edit", "--model", str(tmp_path)]) == 2
    assert "train the inpaint stage" in capsys.readouterr().err


def test_a_file_without_the_input_edges_is_refused(monkeypatch, capsys):
    inpainter = SimpleNamespace(paints=True, takes_edges=False, description="a.onnx")
    monkeypatch.setattr(Inpainter, "load", lambda *_, **__: inpainter)
    assert run(["edit", "--model", "a.onnx"]) == 2
    assert "export it again with --edges-input" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_named(capsys):
    assert run(["edit", "--model", "http://127.0.0.1:1"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "error: the server answered UNAVAILABLE: http://127.0.0.1:1"
    )
    assert error.count("\n") == 1
