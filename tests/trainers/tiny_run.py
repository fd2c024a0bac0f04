"""A run so small that a stage takes seconds, in this process or in one of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tf_edgeconnect.config import Config, load_config
from tf_edgeconnect.models.storage import load_networks

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = [
    "data.size=24",
    "model.filters=4",
    "model.residual_blocks=0",
    "model.edge_norm=spectral",
    "losses.edge_adversarial=1",  # as published: more to save and to restore
    "losses.feature_matching=10",
    "losses.edge_cross_entropy=0",
    "train.batch_size=2",
    "train.steps=6",
    "train.log_every=1",
    "train.validate_every=3",
    "train.sample_every=6",
    "train.checkpoint_every=2",
    "train.val_examples=2",
    "train.deterministic=true",
]


def config(*overrides: str) -> Config:
    """Returns the quickstart made tiny, with further overrides."""
    return load_config("quickstart", [*SETTINGS, *overrides])


def command(run_dir: Path, *arguments: str, stage: str = "edge") -> list[str]:
    """Returns the command line of a tiny run."""
    settings = [part for text in SETTINGS for part in ("--set", text)]
    program = [sys.executable, "-m", "tf_edgeconnect", "train", "--stage", stage]
    return [*program, "--run-dir", str(run_dir), *settings, *arguments]


def start(arguments: list[str], preexec_fn=None, **variables: str) -> subprocess.Popen:
    """Starts a command with its output in a pipe and further environment variables."""
    return subprocess.Popen(
        arguments,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=preexec_fn,
    )


def weights(run_dir: Path, stage: str = "edge") -> dict[str, np.ndarray]:
    """Returns all published weights of a stage by name, and its step."""
    networks, meta = load_networks(run_dir / "weights" / stage)
    named = {
        f"{name}/{variable.path}": variable.numpy()
        for name, network in networks.items()
        for variable in network.variables
    }
    return {**named, "step": np.array(meta["step"])}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Returns whether two results of `weights` agree bit for bit."""
    # Names of variables that Keras numbers may differ; their order does not.
    pairs = zip(one.values(), other.values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def journal(run_dir: Path) -> list[dict]:
    """Returns the lines of `metrics.jsonl`."""
    text = (run_dir / "metrics.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]
