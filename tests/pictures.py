"""Picture files that several tests make."""

import io
import zlib

from PIL import Image


def png_header(width, height) -> bytes:
    """A PNG whose header claims another size than its pixels have."""
    stream = io.BytesIO()
    Image.new("1", (8, 8)).save(stream, "PNG")
    data = bytearray(stream.getvalue())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)
