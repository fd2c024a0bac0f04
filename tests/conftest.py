"""What every test may ask for."""

import os
import tarfile
from pathlib import Path

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of photos, masks, weights and golden data beside the project."""
    if not (SHARED / "README.md").is_file():
        pytest.skip(f"needs the material folder {SHARED}, which is not here")
    return SHARED


@pytest.fixture(scope="session")
def golden_checkpoints(shared, tmp_path_factory) -> Path:
    """The folder of golden checkpoints in the published format, unpacked."""
    folder = tmp_path_factory.mktemp("golden_checkpoints")
    with tarfile.open(shared / "golden" / "checkpoints.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder
