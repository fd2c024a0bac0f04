"""A folder of sound photos and masks."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.doctor.pictures import mask, photo, save


class Data(NamedTuple):
    """The folders."""

    train: Path
    val: Path
    masks: Path


@pytest.fixture
def data(tmp_path) -> Data:
    """Twelve photos to train on, four for validation, six masks: all sound."""
    folders = Data(tmp_path / "train", tmp_path / "val", tmp_path / "masks")
    for number in range(12):
        save(folders.train / f"{number:02d}.png", photo(number))
    for number in range(4):
        save(folders.val / f"{number:02d}.png", photo(100 + number))
    for number in range(6):
        save(folders.masks / f"{number:02d}.png", mask(number))
    return folders
