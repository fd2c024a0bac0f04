"""The local server's start: what it loads and what it refuses."""

import importlib.util
import json
import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tf_edgeconnect.cli.main import run
from tf_edgeconnect.cli.terminal import warn_if_reachable
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export import saved_model
from tf_edgeconnect.inference.loading import find_export
from tf_edgeconnect.web.serve import ModelServer, authority


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
    assert capsys.readouterr().err.startswith("error: EXPORT and --model exclude")


def test_without_an_export_a_model_is_exported_and_served(export, capsys, monkeypatch):
    answers, folders = [], []

    def export_model(model, folder):
        assert str(model) == "runs/mine"
        folders.append(Path(folder))
        return SimpleNamespace(path=shutil.copytree(export / "1", folders[0] / "1"))

    def wait(server):
        image = np.zeros((1, 16, 16, 3), np.uint8)
        inputs = {"image": image, "mask": image[..., :1]}
        as_sent = lambda key, value, dtype: value  # noqa: E731
        answers.append(server.model.predict("", inputs, as_sent)["inpainted"])
        raise KeyboardInterrupt

    monkeypatch.setattr(saved_model, "export_saved_model", export_model)
    monkeypatch.setattr(ModelServer, "wait", wait)
    ports = ["--port", "0", "--rest-port", "0"]
    assert run(["serve", "--model", "runs/mine", *ports]) == 0
    printed = capsys.readouterr().out
    assert "serving model runs/mine, exported as version 1" in printed
    assert np.array_equal(answers[0], np.zeros((1, 16, 16, 3)))
    assert not folders[0].exists()


def test_a_broken_export_is_refused(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"broken")
    with pytest.raises(InputError, match="does not load"):
        ModelServer(tmp_path)


def test_a_port_in_use_is_refused(export):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="--port"):
            ModelServer(export, port=port)
        with pytest.raises(InputError, match="--rest-port"):
            ModelServer(export, rest_port=port)


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


def test_a_message_over_the_servers_bound_is_refused(export, monkeypatch):
    import grpc

    from tf_edgeconnect.web import app
    from tf_edgeconnect.web import grpc as web_grpc

    monkeypatch.setattr(app, "MAX_BYTES", 3000)
    monkeypatch.setattr(web_grpc, "MAX_MESSAGE", 3000)
    with ModelServer(export) as server:
        answers = [ask_rest(server, bytes(size)) for size in (3001, 2000)]
        assert [status for status, _ in answers] == [413, 400]
        with pytest.raises(grpc.RpcError) as refusal:
            ask_grpc(server, np.zeros((1, 40, 40, 3), np.uint8))
        assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        ask_grpc(server, np.zeros((1, 4, 4, 3), np.uint8))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
def test_both_wires_answer_on_ipv4_and_ipv6(export, host):
    with ModelServer(export, host=host) as server:
        url = f"http://{authority(host, server.rest_port)}/v1/models/edgeconnect"
        with urllib.request.urlopen(url) as answer:
            assert json.load(answer)["model_version_status"][0]["state"] == "AVAILABLE"
        image = np.zeros((1, 4, 4, 3), np.uint8)
        assert "edges" in ask_grpc(server, image, host).outputs


def ask_rest(server, body):
    url = f"http://127.0.0.1:{server.rest_port}/v1/models/edgeconnect:predict"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def ask_grpc(server, image, host="127.0.0.1"):
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "edgeconnect"
    for key, array in {"image": image, "mask": image[..., :1]}.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(array))
    with grpc.insecure_channel(authority(host, server.port)) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        return stub.Predict(request, timeout=30)
