"""Small photos, drawn by a fixed seed."""

import io

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def photo():
    """Makes a photo-like uint8 `(height, width, 3)` array: blocks and some noise."""

    def make(height: int = 40, width: int = 56, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        blocks = rng.integers(0, 200, (-(-height // 8), -(-width // 8), 3))
        pixels = np.kron(blocks, np.ones((8, 8, 1)))[:height, :width]
        return (pixels + rng.integers(0, 56, pixels.shape)).astype(np.uint8)

    return make


@pytest.fixture
def encode():
    """Encodes an array or a Pillow image: `encode(picture, "PNG", **options)`."""

    def to_bytes(picture, kind: str, **options) -> bytes:
        if isinstance(picture, np.ndarray):
            picture = Image.fromarray(picture)
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        return buffer.getvalue()

    return to_bytes


@pytest.fixture
def photo_folder(tmp_path, photo, encode):
    """Makes a folder of `count` readable photos, `00.png`, `01.jpg`, ..."""

    def make(count: int, folder: str = "photos"):
        path = tmp_path / folder
        path.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            kind, suffix = (("PNG", "png"), ("JPEG", "jpg"))[number % 2]
            pixels = photo(40 + number % 3, 48 + number % 5, seed=number)
            (path / f"{number:02d}.{suffix}").write_bytes(encode(pixels, kind))
        return path

    return make


@pytest.fixture
def cut_jpeg(photo, encode):
    """A JPEG with a good header whose pixels end half way."""
    contents = encode(photo(64, 64, seed=99), "JPEG", quality=95)
    return contents[: len(contents) // 2]
