"""What `TF_CONFIG` may say, and what is refused in one line."""

import json
import socket
import threading

import pytest

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.trainers.workers import Cluster, read_cluster, wait_for_all


def tf_config(cluster, task) -> str:
    return json.dumps({"cluster": cluster, "task": task})


@pytest.mark.parametrize(
    ("cluster", "task", "index"),
    [
        ({"worker": ["a:1", "b:2"]}, {"type": "worker", "index": 1}, 1),
        ({"chief": ["a:1"], "worker": ["b:2"]}, {"type": "chief", "index": 0}, 0),
        ({"chief": ["a:1"], "worker": ["b:2"]}, {"type": "worker", "index": 0}, 1),
    ],
)
def test_the_chief_comes_first(monkeypatch, cluster, task, index):
    monkeypatch.setenv("TF_CONFIG", tf_config(cluster, task))
    assert read_cluster() == Cluster(("a:1", "b:2"), index)


WORKER = {"type": "worker", "index": 0}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        tf_config({"ps": ["a:1"], "worker": ["b:1"]}, WORKER),
        tf_config({"worker": "a:1"}, WORKER),
        tf_config({"worker": ["a"]}, WORKER),
        tf_config({"worker": ["a:1"]}, None),
        tf_config({"worker": ["a:1"]}, {"type": "worker", "index": 1}),
        tf_config({"worker": ["a:1"]}, {"type": ["worker"]}),
        tf_config({"worker": ["a:1", "a:1"]}, WORKER),
    ],
)
def test_what_tensorflow_could_not_use_is_refused_in_one_line(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG is invalid") as told:
        read_cluster()
    assert "\n" not in str(told.value) and "host1:2222" in str(told.value)


def test_several_workers_need_the_variable(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match="needs TF_CONFIG .*host1:2222"):
        read_cluster()


def test_workers_wait_for_each_other_and_say_for_whom(capsys):
    first, second = (socket.create_server(("localhost", 0)) for _ in range(2))
    addresses = tuple(f"localhost:{s.getsockname()[1]}" for s in (first, second))
    first.close()
    second.close()
    waiting = threading.Thread(target=wait_for_all, args=[Cluster(addresses, 0)])
    waiting.start()
    with socket.create_server(("localhost", int(addresses[1].split(":")[1]))):
        waiting.join()
    said = capsys.readouterr().err
    assert f"worker 0 of 2 at {addresses[0]}" in said


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on port {port}"):
            wait_for_all(Cluster((f"localhost:{port}",), 0))
