"""Pictures that several tests make and compare."""

import io
import zlib

import numpy as np
from PIL import Image

RNG = np.random.default_rng(9)


def png_header(width, height) -> bytes:
    """A PNG whose header claims another size than its pixels have."""
    stream = io.BytesIO()
    Image.new("1", (8, 8)).save(stream, "PNG")
    data = bytearray(stream.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def pixels(*shape, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def hole_of(height, width):
    hole = np.zeros((height, width), bool)
    hole[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = True
    return hole


def assert_filled(before, after, hole):
    assert after.pixels.shape == before.pixels.shape
    assert after.pixels.dtype == before.pixels.dtype
    np.testing.assert_array_equal(after.pixels[~hole], before.pixels[~hole])
    assert (after.pixels[hole] != before.pixels[hole]).any()
