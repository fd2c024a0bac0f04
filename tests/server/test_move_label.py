"""`serving/move_label.py` against a server that checks labels before it loads."""

import http.server
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

SERVING = Path(__file__).parents[2] / "serving"


class PollingServer(http.server.BaseHTTPRequestHandler):
    """Reads its config at each request, as TF Serving does at each poll.

    A config with a label of a version that is not loaded is refused as a whole.
    """

    def do_GET(self):
        server = self.server
        text = server.config.read_text()
        versions = {int(v) for v in re.findall(r"\bversions: (\d+)", text)}
        labels = dict(re.findall(r'key: "(\w+)" value: (\d+)', text))
        if not server.broken and {int(v) for v in labels.values()} <= server.loaded:
            server.loaded, server.labels = versions, labels
        elif not server.broken:
            server.refused.append(text)
        kind, name = self.path.split("/")[-2:]
        version = int(server.labels.get(name, 0) if kind == "labels" else name)
        state = "AVAILABLE" if version in server.loaded else "START"
        body = json.dumps(
            {"model_version_status": [{"version": str(version), "state": state}]}
        )
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *arguments):
        """Stays silent."""


@pytest.fixture
def server(tmp_path):
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), PollingServer)
    made.config = tmp_path / "models.config"
    made.config.write_text((SERVING / "models.config").read_text())
    made.loaded, made.labels, made.refused, made.broken = {1}, {}, [], False
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def move(server, label, version, timeout=20):
    return subprocess.run(
        [
            *(sys.executable, SERVING / "move_label.py", label, str(version)),
            *("--config", server.config, "--timeout", str(timeout)),
            *("--server", f"http://127.0.0.1:{server.server_port}"),
        ],
        capture_output=True,
        text=True,
    )


def test_a_label_moves_in_two_edits_that_the_server_accepts(server):
    done = move(server, "canary", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert server.loaded == {1, 2}
    assert server.labels == {"stable": "1", "canary": "2"}
    assert server.refused == []


def test_a_version_that_does_not_load_leaves_the_label_where_it_was(server):
    server.broken = True
    done = move(server, "canary", 7, timeout=0)
    assert done.returncode == 1 and "version 7 is not AVAILABLE" in done.stderr
    assert 'key: "canary" value: 1' in server.config.read_text()


def test_an_unknown_label_is_wrong_usage(server):
    before = server.config.read_text()
    done = move(server, "beta", 2)
    assert done.returncode == 2 and "no label 'beta'" in done.stderr
    assert server.config.read_text() == before
