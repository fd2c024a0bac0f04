"""The program: its exit codes, its one-line errors, its light start."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tf_edgeconnect.cli import main
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.version import __version__

ROOT = Path(__file__).parents[2]
COMMANDS = [
    command.callback.__name__.replace("_", "-")
    for command in main.app.registered_commands
]


@pytest.fixture
def app_that_raises(monkeypatch):
    """Puts one command, `do`, in the place of the program's own."""

    def install(error):
        app = typer.Typer()

        @app.command()
        def do() -> None:
            raise error

        @app.callback()
        def options() -> None:
            pass

        monkeypatch.setattr(main, "app", app)

    return install


def test_help_imports_nothing_heavy(fresh_python):
    printed = fresh_python(
        "import sys\nfrom tf_edgeconnect.cli.main import run\n"
        f"for command in {['', *COMMANDS]}:\n"
        "    assert run([*command.split(), '--help']) == 0\n"
        "print(*sys.modules)"
    )
    modules = set(printed.splitlines()[-1].split())
    heavy = {"tensorflow", "keras", "numpy", "cv2", "PIL", "skimage"}
    assert "typer" in modules and modules & heavy == set()


@pytest.mark.parametrize("tool", sorted((ROOT / "tools").glob("*.py")), ids=str)
def test_a_tool_runs_its_command_from_anywhere(tool):
    done = subprocess.run(
        [sys.executable, tool, "--help"],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"tf-edgeconnect {tool.stem}" in done.stdout


def test_every_command_is_listed_with_what_it_is_for(capsys):
    assert main.run([]) == 0
    listed = capsys.readouterr().out
    for name, command in zip(COMMANDS, main.app.registered_commands, strict=True):
        assert name in listed
        assert command.callback.__doc__.strip()


def test_version(capsys):
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"tf-edgeconnect {__version__}\n"


def test_module_runs_as_program():
    done = subprocess.run(
        [sys.executable, "-m", "tf_edgeconnect", "trian"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: No such command 'trian'. Did you mean 'train'?; "
        "see `tf-edgeconnect --help`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train"], "Missing option '--stage'. Choose from: edge, inpaint, "),
        (["train", "--stage", "paint"], "Invalid value for '--stage': 'paint' is not "),
        (["train", "--stage", "edge", "--bogus"], "No such option: --bogus; see `tf-e"),
        (["train", "--stage", "edge", "more"], "unexpected extra argument"),
        (["train", "--stage", "edge", "--set", "seed"], "override 'seed': expected ke"),
        (["train", "--stage", "edge", "--config", "plces"], "config 'plces': expected"),
    ],
)
def test_wrong_usage_is_one_line_and_2(capsys, arguments, message):
    assert main.run(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert message in error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("the mask is\n  empty"), "error: the mask is empty\n"),
        (FileNotFoundError(2, "No such file", "a.png"), "error: a.png: No such file\n"),
        (OSError("truncated"), "error: truncated\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "w.h5"),
            "error: w.h5: the disk is full (No space left on device)\n",
        ),
        (
            RuntimeError("w.index; No space left on device"),
            "error: the disk is full: w.index; No space left on device\n",
        ),
    ],
)
def test_what_a_user_can_put_right_is_one_line_and_2(
    capsys, app_that_raises, error, message
):
    app_that_raises(error)
    assert main.run(["do"]) == 2
    assert capsys.readouterr().err == message


def test_a_fault_of_ours_keeps_its_traceback(app_that_raises):
    app_that_raises(KeyError("a fault"))
    with pytest.raises(KeyError, match="a fault"):
        main.run(["do"])


def test_an_interruption_is_quiet_and_130(capsys, app_that_raises):
    app_that_raises(KeyboardInterrupt())
    assert main.run(["do"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_main_exits_with_the_code(app_that_raises):
    app_that_raises(InputError("no"))
    with pytest.raises(SystemExit) as exit_:
        main.main(["do"])
    assert exit_.value.code == 2
