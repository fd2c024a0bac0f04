"""Completion in shells: what is offered, by the program's own protocol and in bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tf_edgeconnect.cli import main
from tf_edgeconnect.config import config_names
from tf_edgeconnect.presets import NAMES

ROOT = Path(__file__).parents[2]


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A working directory with two runs, an export, and a folder that is neither."""
    for file in (
        "runs/quickstart/config.yaml",
        "runs/quiet/config.yaml",
        "exported/1/saved_model.pb",
        "photos/a.jpg",
    ):
        path = tmp_path / file
        path.parent.mkdir(parents=True)
        path.touch()
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def offered(monkeypatch, capsys):
    """Asks as a shell does that completes the last word of a line."""

    def ask(line, shell="bash"):
        monkeypatch.setenv("_TF_EDGECONNECT_COMPLETE", f"complete_{shell}")
        words = line.split(" ")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        with pytest.raises(SystemExit) as stopped:
            main.run([])
        assert stopped.value.code == 0
        return capsys.readouterr().out

    return ask


def test_commands_options_and_choices_are_offered(offered):
    assert offered("tf-edgeconnect in").split() == ["inpaint", "info"]
    assert {"--model", "--edges", "--large"} <= set(
        offered("tf-edgeconnect inpaint --").split()
    )
    stages = offered("tf-edgeconnect train --stage ").split()
    assert stages == ["edge", "inpaint", "edge-inpaint", "joint"]


def test_names_of_configs_and_settings_are_offered(offered):
    assert offered("tf-edgeconnect train --config ").split() == config_names()
    assert offered("tf-edgeconnect doctor --config pl").split() == ["places2"]
    assert offered("tf-edgeconnect train --set train.batch").split() == [
        "train.batch_size="
    ]
    assert "train=" not in offered("tf-edgeconnect train --set ").split()


def test_presets_and_folders_with_a_model_are_offered(offered, runs):
    everything = offered("tf-edgeconnect inpaint --model ").split()
    assert everything == [*NAMES, "exported", "runs/quickstart", "runs/quiet"]
    asked = "tf-edgeconnect train --run-dir runs/quic"
    assert offered(asked).split() == ["runs/quickstart"]
    assert offered("tf-edgeconnect export --model photos/").split() == []
    assert offered("tf-edgeconnect export --model no/such/").split() == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered_too(offered, shell):
    assert "inpaint" in offered("tf-edgeconnect inp", shell)
    assert "places2" in offered("tf-edgeconnect train --config pl", shell)


def test_completing_imports_nothing_heavy():
    script = (
        "import sys\nfrom tf_edgeconnect.cli.main import run\n"
        "try:\n    run([])\nexcept SystemExit:\n    pass\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={
            **os.environ,
            "_TF_EDGECONNECT_COMPLETE": "complete_bash",
            "COMP_WORDS": "tf-edgeconnect inpaint --model ",
            "COMP_CWORD": "3",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == NAMES[0]


IN_BASH = """
tf-edgeconnect() { "$PYTHON" -m tf_edgeconnect "$@"; }
tf-edgeconnect --install-completion
source "$HOME/.bashrc"
export _TF_EDGECONNECT_COMPLETE=
COMP_WORDS=("$PROGRAM" train --config plac) COMP_CWORD=3
_tf_edgeconnect_completion "$PROGRAM"
echo "offered: ${COMPREPLY[*]}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_once_completion_is_installed(tmp_path):
    program = tmp_path / "tf-edgeconnect"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tf_edgeconnect "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "--norc", "-c", IN_BASH],
        cwd=ROOT,
        env={
            **os.environ,
            "HOME": str(tmp_path),
            "PYTHON": sys.executable,
            "PROGRAM": str(program),
        },
        capture_output=True,
        text=True,
    )
    assert "bash completion installed" in done.stdout, done.stderr
    assert "offered: places2" in done.stdout, done.stderr
