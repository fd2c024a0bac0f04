"""Two workers on loopback train as one; killed or stopped, they continue exactly."""

import contextlib
import json
import signal
import socket

import numpy as np
import pytest

from tests.trainers.tiny_run import (
    Commands,
    command,
    config,
    journal,
    same,
    weights,
)
from tf_edgeconnect.trainers.run import train

STAGE = "inpaint"
# An average, a mean over the global mask, and more photos than go round evenly.
MORE = ["train.ema=0.5", "train.schedule=plateau", "train.val_examples=3"]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextlib.contextmanager
def two_workers():
    """Two processes for the commands of two workers."""
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
    chief, other = (
        Commands(
            TF_CONFIG=json.dumps(
                {"cluster": cluster, "task": {"type": "worker", "index": index}}
            )
        )
        for index in range(2)
    )
    with chief, other:
        yield chief, other


def training(run_dir, steps: int) -> list[str]:
    settings = command(run_dir, *MORE, f"train.steps={steps}", stage=STAGE)
    return [*settings, "--strategy", "multi-worker"]


def figures(run_dir) -> list[dict]:
    timed_or_text = ("images_per_second", "stage")
    return [
        {name: value for name, value in line.items() if name not in timed_or_text}
        for line in journal(run_dir)
    ]


def test_two_workers_train_as_one_and_continue_after_a_kill_and_a_stop(tmp_path):
    run_dir, whole = tmp_path / "run", tmp_path / "whole"

    with two_workers() as (chief, other):
        for worker in (chief, other):
            worker.send(training(run_dir, 100_000))
        chief.until(f"{STAGE} 3/100000")
        other.process.kill()
        code, output = chief.end()
    assert code == 75, output
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "worker 0 lost another worker" in errors[0], output
    assert "Traceback" not in output

    with two_workers() as (chief, other):
        for worker in (chief, other):
            worker.send(training(run_dir, 100_000))
        chief.until(f"{STAGE}: continues at step")
        chief.until("/100000  l1")
        other.process.send_signal(signal.SIGTERM)
        ends = [worker.result() for worker in (chief, other)]
        assert [code for code, _ in ends] == [75, 75], ends
        step = int(weights(run_dir, STAGE)["step"])
        assert (run_dir / "checkpoints" / STAGE / f"ckpt-{step}.index").exists()
        assert journal(run_dir)[-1]["step"] == step

        steps = step + 2
        for worker in (chief, other):
            worker.send(*(training(folder, steps) for folder in (run_dir, whole)))
        ends = [worker.result() for worker in (chief, other) for _ in range(2)]
        assert [code for code, _ in ends] == [0] * 4, ends
    assert same(weights(run_dir, STAGE), weights(whole, STAGE))
    assert figures(run_dir) == figures(whole)

    alone = tmp_path / "alone"
    train(STAGE, config(*MORE, f"train.steps={steps}"), alone, strategy="single")
    for one, two in zip(figures(alone), figures(whole), strict=True):
        for name in one:
            if "gradient_norm" not in name:  # of a replica's own share
                assert two[name] == pytest.approx(one[name], rel=1e-5)
    pairs = zip(
        weights(alone, STAGE).items(), weights(whole, STAGE).values(), strict=True
    )
    for (name, one), two in pairs:
        if one.ndim == 4:  # a bias without a gradient follows Adam's rounding
            np.testing.assert_allclose(two, one, atol=1e-6, err_msg=name)
