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

PATIENCE = 900  # seconds until a hanging process counts as a failure


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


LONG = "train.steps=100000"


def kill_at(step: int, run_dir) -> None:
    process = start(command(run_dir, LONG))
    lines_until(process, f"edge {step}/100000")
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)


def test_killed_stopped_and_out_of_disk_a_run_ends_as_one_never_interrupted(tmp_path):
    run_dir = tmp_path / "run"
    for kill in range(2):
        kill_at(random.Random(kill).randint(2, 12) + 10 * kill, run_dir)

    # SIGTERM saves and exits 75.
    process = start(command(run_dir, LONG))
    lines_until(process, "edge: continues at step")
    lines_until(process, "/100000  g_adv")
    process.send_signal(signal.SIGTERM)
    code, output = finish(process)
    assert code == 75, output
    assert "edge: saved, not finished; the same command continues" in output
    before = weights(run_dir)
    step = int(before["step"])
    assert (run_dir / "checkpoints/edge" / f"ckpt-{step}.index").exists()

    def allow_small_files_only():
        # Stands for a full disk: no file may grow beyond 16 KiB.
        resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))

    # A full disk keeps the last good checkpoint.
    code, output = finish(
        start(command(run_dir, LONG), preexec_fn=allow_small_files_only)
    )
    assert code == 2, output
    error = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and f"the checkpoint of step {step} is kept" in error[0]
    assert "Traceback" not in output
    assert same(weights(run_dir), before)

    for folder in (run_dir, tmp_path / "whole"):
        train("edge", config(f"train.steps={step + 2}"), folder)
    assert same(weights(run_dir), weights(tmp_path / "whole"))


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
    facts = ["edge", "joint", "refused", "skipped", "run"]
    assert done.stdout.split() == facts
