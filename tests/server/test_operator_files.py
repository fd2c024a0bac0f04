"""The operator's files agree with TF Serving's messages and with each other."""

import socket
import subprocess
import sys
from pathlib import Path

import yaml

SERVING = Path(__file__).parents[2] / "serving"


def test_labels_name_versions_that_are_loaded():
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    text = (SERVING / "models.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert set(model.version_labels) == {"stable", "canary"}
    versions = model.model_version_policy.specific.versions
    assert set(model.version_labels.values()) <= set(versions)


def test_compose_and_kubernetes_run_the_same_server():
    compose = yaml.safe_load((SERVING / "compose.yaml").read_text())
    manifests = (SERVING / "kubernetes" / "edgeconnect.yaml").read_text()
    deployment = next(
        item for item in yaml.safe_load_all(manifests) if item["kind"] == "Deployment"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    service = compose["services"]["edgeconnect"]
    assert container["image"] == service["image"] == "tensorflow/serving:2.19.1"
    assert container["args"] == service["command"]


def test_the_server_stops_after_a_pause_and_runs_as_many_requests_as_memory_holds():
    compose = yaml.safe_load((SERVING / "compose.yaml").read_text())
    service = compose["services"]["edgeconnect"]
    assert service["pre_stop"][0]["command"][0] == "sleep"
    threads, gigabytes, megapixels = 4, 6, 4
    assert f"--grpc_max_threads={threads}" in service["command"]
    assert service["mem_limit"] == f"{gigabytes}g"
    assert threads == int((gigabytes - 0.7) / (megapixels * 0.3))
    assert [port.split(":")[-1] for port in service["ports"]] == ["8501"]


def test_a_load_test_without_a_server_ends_in_a_line():
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    script, model = SERVING / "load_test.py", f"grpc://localhost:{port}"
    done = subprocess.run(
        [sys.executable, script, "--model", model], capture_output=True, text=True
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: UNAVAILABLE")
