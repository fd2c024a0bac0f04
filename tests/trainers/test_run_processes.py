"""Runs that are killed, stopped, or run out of disk, each a process of its own."""

import os
import random
import resource
import signal
import subprocess
import sys

import pytest

from tests.trainers.tiny_run import PROJECT, command, config, same, start, weights
from tf_edgeconnect.trainers.run import train

PATIENCE = 300  # seconds until a hanging process counts as a failure


def finish(process) -> tuple[int, str]:
    output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, output


def lines_until(process, word: str) -> list[str]:
    """Reads a process's output up to a line with a word in it."""
    lines = []
    for line in process.stdout:
        lines.append(line)
        if word in line:
            return lines
    pytest.fail(f"no line with {word!r} in:\n{''.join(lines)}")


def test_a_run_killed_at_random_moments_ends_as_one_never_interrupted(tmp_path):
    long = ("--set", "train.steps=40")
    for kill in range(3):
        process = start(command(tmp_path / "killed", *long))
        step = random.Random(kill).randint(2, 12) + 10 * kill
        lines_until(process, f"edge {step}/40")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
    code, output = finish(start(command(tmp_path / "killed", *long)))
    assert code == 0, output
    assert "edge: continues at step" in output
    train("edge", config("train.steps=40"), tmp_path / "whole")
    assert same(weights(tmp_path / "killed"), weights(tmp_path / "whole"))


def test_sigterm_saves_and_exits_75(tmp_path):
    process = start(command(tmp_path / "run", "--set", "train.steps=100000"))
    lines_until(process, "edge 3/100000")
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 75, output
    assert "edge: saved, not finished; the same command continues" in output
    step = int(weights(tmp_path / "run")["step"])
    assert (tmp_path / "run/checkpoints/edge" / f"ckpt-{step}.index").exists()


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path):
    run_dir = tmp_path / "run"
    train("edge", config("train.steps=2"), run_dir)
    before = weights(run_dir)

    def allow_small_files_only():
        # Stands for a full disk: no file may grow beyond 16 KiB.
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

    code, output = finish(start(command(run_dir), preexec_fn=allow_small_files_only))
    assert code == 2, output
    error = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and "the checkpoint of step 2 is kept" in error[0]
    assert "Traceback" not in output
    assert same(weights(run_dir), before)
    train("edge", config(), run_dir)
    assert weights(run_dir)["step"] == 6


def test_two_replicas_give_the_losses_and_weights_of_one(tmp_path):
    script = PROJECT / "tests" / "trainers" / "two_replicas.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    facts = ["edge", "inpaint", "joint", "refused", "skipped", "run"]
    assert done.stdout.split() == facts
