"""A run so small that a stage takes seconds, in this process or in one of its own."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.config import Config, load_config
from tf_edgeconnect.models.storage import load_networks

PROJECT = Path(__file__).resolve().parents[2]
SETTINGS = [
    "data.size=24",
    "mask.kinds={block: 1}",  # traced faster than strokes are
    "edge.sigma=0.5",
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


@contextlib.contextmanager
def without_graph_optimizer():
    """Switches off what takes a fifth of a tiny training's time and speeds up none."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


def config(*overrides: str) -> Config:
    """Returns the quickstart made tiny, with further overrides."""
    return load_config("quickstart", [*SETTINGS, *overrides])


def command(run_dir: Path, *settings: str, stage: str = "edge") -> list[str]:
    """Returns the arguments of `tf-edgeconnect` for a tiny run."""
    every = [part for text in (*SETTINGS, *settings) for part in ("--set", text)]
    return ["train", "--stage", stage, "--run-dir", str(run_dir), *every]


def start(*commands: list[str], preexec_fn=None, **variables: str) -> subprocess.Popen:
    """Starts a process for one or more commands, its output in a pipe."""
    script = PROJECT / "tests" / "trainers" / "run_commands.py"
    return subprocess.Popen(
        [sys.executable, str(script), json.dumps(commands)],
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
