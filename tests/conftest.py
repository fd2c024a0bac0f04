"""What every test may ask for."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Compiling well takes longer than all steps of a test.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of photos, masks, weights and golden data beside the project."""
    if not (SHARED / "README.md").is_file():
        pytest.skip(f"needs the material folder {SHARED}, which is not here")
    return SHARED


@pytest.fixture(scope="session")
def fresh_python() -> Callable[[str], str]:
    """Runs a script in a new process that must succeed; returns what it printed."""

    def run(script: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=Path(__file__).resolve().parents[1],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def golden_checkpoints(shared, tmp_path_factory) -> Path:
    """The folder of golden checkpoints in the published format, unpacked."""
    folder = tmp_path_factory.mktemp("golden_checkpoints")
    with tarfile.open(shared / "golden" / "checkpoints.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory) -> Path:
    """A run directory with the weights of two tiny untrained generators."""
    import keras

    from tf_edgeconnect.models.generators import edge_generator, inpaint_generator
    from tf_edgeconnect.models.storage import save_networks

    keras.utils.set_random_seed(1)
    options = {"filters": 4, "residual_blocks": 1, "initializer": "he"}
    networks = {
        "edge_generator": edge_generator(**options),
        "inpaint_generator": inpaint_generator(**options),
    }
    run = tmp_path_factory.mktemp("run")
    meta = {"stage": "joint", "step": 7, "sigma": 2.0}
    save_networks(run / "weights" / "joint", networks, meta)
    return run


@pytest.fixture(scope="session")
def tiny_inpainter(tiny_run):
    """The `Inpainter` of `tiny_run`; its graphs are traced once for all tests."""
    from tf_edgeconnect.inference import Inpainter

    return Inpainter.load(tiny_run)
