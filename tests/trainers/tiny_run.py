"""A run so small that a stage takes seconds, in this process or in one of its own."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.config import Config, load_config
from tf_edgeconnect.models.storage import load_networks
from tf_edgeconnect.models.vgg import LAYERS

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 900  # seconds until a hanging process counts as a failure
SETTINGS = [
    "data.size=24",
    "mask.kinds={block: 1}",  # traced faster than strokes are
    "edge.sigma=0.5",
    "model.filters=4",
    "model.residual_blocks=0",
    "model.design=published",  # more to save and to restore
    "losses.edge_adversarial=1",
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


def tiny_vgg() -> keras.Model:
    """Stands for VGG19: each of its layers by name, with four filters."""
    picture = maps = keras.Input((None, None, 3))
    found = {}
    for seed, name in enumerate(LAYERS):
        if name in ("relu2_1", "relu3_1", "relu4_1", "relu5_1"):
            maps = keras.layers.AveragePooling2D(2)(maps)
        initial = keras.initializers.GlorotUniform(seed)
        maps = keras.layers.Conv2D(
            4, 3, padding="same", activation="softplus", kernel_initializer=initial
        )(maps)
        found[name] = maps
    model = keras.Model(picture, found)
    model.trainable = False
    return model


def config(*overrides: str) -> Config:
    """Returns the quickstart made tiny, with further overrides."""
    return load_config("quickstart", [*SETTINGS, *overrides])


def command(run_dir: Path, *settings: str, stage: str = "edge") -> list[str]:
    """Returns the arguments of `tf-edgeconnect` for a tiny run."""
    every = [part for text in (*SETTINGS, *settings) for part in ("--set", text)]
    return ["train", "--stage", stage, "--run-dir", str(run_dir), *every]


class Commands:
    """A process that runs `tf-edgeconnect` with what is sent to it.

    Leaving the block kills it; so does its own clock, if it hangs.
    """

    def __init__(self, **variables: str):
        self.process = subprocess.Popen(
            [sys.executable, str(PROJECT / "tests" / "trainers" / "run_commands.py")],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._clock = threading.Timer(PATIENCE, self.process.kill)

    def __enter__(self):
        self._clock.start()
        return self

    def __exit__(self, *error):
        self._clock.cancel()
        self.process.kill()
        self.process.communicate()

    def send(self, *commands: list[str]) -> None:
        """Sends the arguments of commands, to be run one after the other."""
        for arguments in commands:
            print(json.dumps(arguments), file=self.process.stdin, flush=True)

    def until(self, word: str) -> str:
        """Returns what is printed up to the first line that holds a word."""
        lines: list[str] = []
        while not lines or word not in lines[-1]:
            lines.append(self.process.stdout.readline())
            assert lines[-1], f"no line with {word!r} in:\n{''.join(lines)}"
        return "".join(lines)

    def result(self) -> tuple[int, str]:
        """Returns the exit code of a command, and what it has printed since."""
        printed, _, code = self.until("exit ").rpartition("exit ")
        return int(code), printed

    def end(self) -> tuple[int, str]:
        """Returns the exit code of a process that ends by itself, and its output."""
        printed = self.process.stdout.read()
        return self.process.wait(), printed


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
