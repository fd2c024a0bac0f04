"""TensorFlow's start under a command: quiet, unless there is something to say.

A stand-in package called tensorflow writes to file descriptor 2 as the C++ side does.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAND_IN = """
import os
os.write(2, b"I0000 oneDNN custom operations are on\\n")
{ending}
class config:
    @staticmethod
    def list_physical_devices(kind=None):
        os.write(2, b"E0000 failed call to cuInit\\n") if kind is None else None
        return {gpus}
"""


@pytest.fixture
def start(tmp_path):
    """Runs `import_tensorflow` on a stand-in; returns what came on stderr."""

    def run(
        *, ending="", gpus="[]", driver="OSError", growth="", after="", **environment
    ):
        text = STAND_IN.format(ending=ending, gpus=gpus)
        (tmp_path / "tensorflow.py").write_text(text)
        script = (
            "import ctypes, os\n"
            f"def load(name):\n    if {driver}: raise {driver}\n"
            "ctypes.CDLL = load\n"
            "from tf_edgeconnect.cli.terminal import import_tensorflow\n"
            f"import_tensorflow({growth})\n"
            f"{after}os.write(2, b'after\\n')\n"
        )
        quiet = ("TF_CPP_MIN_LOG_LEVEL", "CUDA_VISIBLE_DEVICES")
        inherited = {key: os.environ[key] for key in os.environ if key not in quiet}
        paths = f"{tmp_path}{os.pathsep}{ROOT}"
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**inherited, "PYTHONPATH": paths, **environment},
            capture_output=True,
            text=True,
        )
        return done.stderr

    return run


def test_notes_of_the_start_are_held_back(start):
    assert start() == "after\n"


def test_notes_are_shown_where_the_import_fails(start):
    shown = start(ending="raise ImportError('no AVX here')")
    assert shown.startswith("I0000 oneDNN custom operations are on\n")
    assert shown.endswith("ImportError: no AVX here\n")


def test_notes_are_shown_to_who_sets_the_log_level(start):
    shown = start(TF_CPP_MIN_LOG_LEVEL="0")
    assert shown == "I0000 oneDNN custom operations are on\nafter\n"


def test_what_no_command_uses_is_left_out_of_the_import_alone(start):
    imports = """
import gc
try:
    import matplotlib
except ImportError:
    assert not gc.isenabled()
else:
    raise AssertionError("imported")
"""
    after = "import gc, matplotlib\nassert gc.isenabled()\n"
    assert start(ending=imports, after=after) == "after\n"


def test_a_gpu_that_lies_idle_is_told(start):
    told = start(driver="None").splitlines()
    assert told[0].startswith("note: ") and "tf-edgeconnect[gpu]" in told[0]
    assert told[1:] == ["after"]


def test_a_gpu_in_use_or_put_away_is_not_worth_a_note(start):
    assert start(driver="None", gpus="['GPU:0']") == "after\n"
    assert start(driver="None", CUDA_VISIBLE_DEVICES="-1") == "after\n"


@pytest.mark.parametrize(
    ("given", "growth", "environment"),
    [(None, "", "true"), (None, "False", None), ("false", "", "false")],
)
def test_gpu_memory_grows_unless_a_run_or_the_user_says_otherwise(
    start, monkeypatch, given, growth, environment
):
    monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH", raising=False)
    if given:
        monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", given)
    seen = "os.write(2, repr(os.environ.get('TF_FORCE_GPU_ALLOW_GROWTH')).encode())\n"
    assert start(growth=growth, after=seen) == f"{environment!r}after\n"
