"""The local server's start: what it loads and what it refuses."""

import importlib.util
import socket

import numpy as np
import pytest

from tf_edgeconnect.cli.addresses import warn_if_reachable
from tf_edgeconnect.cli.main import run
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.exports_on_disk import find_export
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
from tf_edgeconnect.models.storage import save_networks
from tf_edgeconnect.server.loading import ServedModel


def test_versions_are_ordered_as_numbers(tmp_path):
    for name in ("2", "10", "9", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    assert find_export(tmp_path).name == "10"


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_folder_without_an_export_is_refused(tmp_path, capsys, name):
    assert run(["serve", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: export") and "tf-edgeconnect export" in error
    assert error.count("\n") == 1


def test_two_models_to_serve_are_refused(tmp_path, capsys):
    assert run(["serve", str(tmp_path), "--model", "small"]) == 2
    assert capsys.readouterr().err.startswith("error: EXPORT and --model name two")


def test_without_an_export_a_model_is_exported_and_served(
    tmp_path, capsys, monkeypatch
):
    from tf_edgeconnect.server.local import LocalServer

    networks = {
        "edge_generator": edge_generator(2, 0),
        "inpaint_generator": inpaint_generator(2, 0),
    }
    save_networks(tmp_path / "model", networks, {"sigma": 2.0})
    answers = []

    def wait(server):
        image = np.zeros((1, 16, 16, 3), np.uint8)
        mask = np.zeros((1, 16, 16, 1), np.uint8)
        inputs = {"image": image, "mask": mask}
        answers.append(server.model.predict("", inputs)["inpainted"])
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalServer, "wait", wait)
    ports = ["--port", "0", "--rest-port", "0"]
    assert run(["serve", "--model", str(tmp_path / "model"), *ports]) == 0
    told = capsys.readouterr().out
    assert f"serving model {tmp_path / 'model'}, exported as version 1" in told
    assert np.array_equal(answers[0], np.zeros((1, 16, 16, 3)))


def test_a_broken_export_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"broken")
    with pytest.raises(InputError, match="does not load"):
        ServedModel(tmp_path)


def test_a_port_in_use_is_refused(export):
    from tf_edgeconnect.server.local import LocalServer

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="--port"):
            LocalServer(export, port=port, rest_port=0)
        with pytest.raises(InputError, match="--rest-port"):
            LocalServer(export, port=0, rest_port=port)


def test_a_missing_extra_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert run(["serve", str(tmp_path)]) == 2
    assert "pip install 'tf-edgeconnect[serving]'" in capsys.readouterr().err


def test_only_other_hosts_bring_a_warning(capsys):
    for host in ("127.0.0.1", "::1", "localhost"):
        warn_if_reachable(host)
    assert capsys.readouterr().err == ""
    warn_if_reachable("0.0.0.0")
    assert "without TLS" in capsys.readouterr().err


def test_a_body_over_the_servers_bound_is_refused(export):
    from tf_edgeconnect.client import Client, ServingError
    from tf_edgeconnect.server.local import LocalServer

    image = np.zeros((1, 40, 40, 3), np.uint8)
    with LocalServer(export, port=0, rest_port=0, max_bytes=3000) as server:
        with Client(f"http://127.0.0.1:{server.rest_port}", attempts=1) as client:
            with pytest.raises(ServingError) as refusal:
                client.inpaint(image, image[..., :1])
            # Its socket may be closed before all is sent.
            assert refusal.value.code in ("INVALID_ARGUMENT", "UNAVAILABLE")
            small = image[:, :4, :4]
            assert client.inpaint(small, small[..., :1])[0].shape == small.shape
        with Client(f"127.0.0.1:{server.port}") as client:
            with pytest.raises(ServingError) as refusal:
                client.inpaint(image, image[..., :1])
            assert refusal.value.code == "RESOURCE_EXHAUSTED"
            assert client.inpaint(small, small[..., :1])[0].shape == small.shape
