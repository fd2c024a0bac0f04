"""Runs that are killed, stopped, or run out of disk, each a process of its own."""

import json
import os
import resource
import signal
import subprocess
import sys

import numpy as np
from PIL import Image

from tests.pictures import hole_of, pixels
from tests.trainers.tiny_run import (
    PATIENCE,
    PROJECT,
    Commands,
    command,
    journal,
    same,
    weights,
)

LONG = "train.steps=100000"
LARGEST = 65536  # bytes of a file on a disk that stands for a full one


def limit_files(process: subprocess.Popen, size: int) -> None:
    _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, most))


def test_killed_stopped_and_out_of_disk_a_run_ends_as_one_never_interrupted(
    tmp_path, tiny_run, tiny_inpainter
):
    run_dir, whole = tmp_path / "run", tmp_path / "whole"
    with Commands() as killed:
        killed.send(command(run_dir, LONG))
        killed.until("edge 7/100000")  # after the checkpoint of step 6

    with Commands() as commands:
        commands.send(command(run_dir, LONG))
        commands.until("edge: continues at step")
        commands.until("/100000  g_adv")
        commands.process.send_signal(signal.SIGTERM)
        code, printed = commands.result()
        assert code == 75, printed
        assert "edge: saved, not finished; the same command continues" in printed
        before = weights(run_dir)
        step = int(before["step"])
        assert (run_dir / "checkpoints/edge" / f"ckpt-{step}.index").exists()

        # A checkpoint does not fit on the disk; then not even the journal does.
        limit_files(commands.process, LARGEST)
        for padding in (0, LARGEST):
            if padding:
                with (run_dir / "metrics.jsonl").open("a") as file:
                    print(json.dumps({"stage": "x" * padding}), file=file)
            written = journal(run_dir)
            commands.send(command(run_dir, LONG))
            code, printed = commands.result()
            assert code == 2, printed
            error = [t for t in printed.splitlines() if t.startswith("error: ")]
            assert len(error) == 1 and "File too large" in error[0], printed
            assert f"the checkpoint of step {step} is kept" in error[0]
            assert "Traceback" not in printed
            assert same(weights(run_dir), before)
            assert journal(run_dir)[: len(written)] == written
        limit_files(commands.process, resource.RLIM_INFINITY)

        # The same process takes what is left, and fills a photo.
        image, hole = pixels(16, 20, 3), hole_of(16, 20)
        photo, mask, out = (tmp_path / f"{name}.png" for name in ("a", "mask", "out"))
        Image.fromarray(image).save(photo)
        Image.fromarray(hole).save(mask)
        fill = ["inpaint", photo, mask, "-o", out, "--model", tiny_run]
        trains = [command(to, f"train.steps={step + 2}") for to in (run_dir, whole)]
        commands.send(*trains, list(map(str, fill)))
        for _ in range(3):
            code, printed = commands.result()
            assert code == 0, printed
    assert same(weights(run_dir), weights(whole))
    filled, expected = np.array(Image.open(out)), tiny_inpainter(image, hole).image
    np.testing.assert_allclose(filled * 1.0, expected, atol=1)


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
    assert done.stdout.split() == ["joint", "skipped", "refused", "run"]
