"""Photos and masks of any mode, depth, size, orientation against slow arithmetic."""

import cv2
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from tf_edgeconnect.photos.reading import read_hole, read_photo
from tf_edgeconnect.photos.writing import write_photo

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "RGB;16", "RGBA;16")
PALETTE = np.random.default_rng(1).integers(0, 256, (256, 3), np.uint8)
# EXIF 2.32, tag 274: (row, column) of the stored pixel that is seen at (y, x), where
# the picture has h rows and w columns as it is seen.
SEEN_AT = {
    1: lambda y, x, h, w: (y, x),
    2: lambda y, x, h, w: (y, w - 1 - x),
    3: lambda y, x, h, w: (h - 1 - y, w - 1 - x),
    4: lambda y, x, h, w: (h - 1 - y, x),
    5: lambda y, x, h, w: (x, y),
    6: lambda y, x, h, w: (w - 1 - x, y),
    7: lambda y, x, h, w: (w - 1 - x, h - 1 - y),
    8: lambda y, x, h, w: (x, h - 1 - y),
}


def seen(stored, orientation):
    """Turns `(H, W, C)` pixel by pixel."""
    size = stored.shape[:2] if orientation < 5 else stored.shape[1::-1]
    turned = np.empty((*size, *stored.shape[2:]), stored.dtype)
    for y in range(size[0]):
        for x in range(size[1]):
            turned[y, x] = stored[SEEN_AT[orientation](y, x, *size)]
    return turned


def save_photo(path, mode, stored, orientation):
    """Writes stored values `(H, W, C)` of a mode; returns pixels and alpha as meant."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    alpha = None
    if mode in ("LA", "RGBA", "RGBA;16"):
        alpha = stored[..., -1]
    if mode.startswith("RGB") and mode.endswith("16"):
        order = [2, 1, 0, 3][: stored.shape[-1]]
        cv2.imwrite(str(path), stored[..., order])
        return stored[..., :3], alpha
    if mode == "1":
        image = Image.fromarray(stored[..., 0] > 127)
        meant = np.where(stored > 127, 255, 0).astype(np.uint8)
    elif mode == "P":
        image = Image.fromarray(stored[..., 0])
        image.putpalette(PALETTE.tobytes())
        meant = PALETTE[stored[..., 0]]
    elif mode == "LA":
        image = Image.fromarray(stored[..., 0])
        image.putalpha(Image.fromarray(stored[..., 1]))
        meant = stored[..., :1]
    else:
        image = Image.fromarray(stored[..., 0] if stored.shape[-1] == 1 else stored)
        meant = stored[..., : 3 if mode.startswith("RGB") else 1]
    image.save(path, exif=exif)
    return meant, alpha


@st.composite
def cases(draw):
    mode = draw(st.sampled_from(MODES))
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    channels = {"LA": 2, "RGBA": 4, "RGB": 3, "RGBA;16": 4, "RGB;16": 3}.get(mode, 1)
    dtype = np.uint16 if mode.endswith("16") else np.uint8
    top = np.iinfo(dtype).max
    stored = random.integers(0, top, (height, width, channels), dtype, endpoint=True)
    orientation = 1 if mode[3:].endswith("16") else draw(st.integers(1, 8))
    hole = random.random((height, width)) < 0.5
    hole[0, 0], hole[-1, -1] = True, hole.size == 1  # two values but for one pixel
    kind = draw(st.sampled_from(("uint8", "uint16", "int32", "float32")))
    low, high = draw(
        st.sampled_from([(0, 1), (0, 255), (0, 65535), (7, 90), (130, 200)])
        if kind != "uint8"
        else st.sampled_from([(0, 1), (0, 255), (7, 90), (130, 200)])
    )
    is_turned = draw(st.booleans())
    filling = random.integers(0, 256, (height, width, 3), np.uint8)
    return mode, stored, orientation, hole, (kind, low, high), is_turned, filling


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=cases())
def test_every_photo_with_every_mask_comes_out_as_meant(tmp_path, case):
    mode, stored, orientation, hole, (kind, low, high), is_turned, filling = case
    pixels, alpha = save_photo(tmp_path / "photo.png", mode, stored, orientation)
    pixels = seen(pixels, orientation)
    alpha = None if alpha is None else seen(alpha[..., None], orientation)[..., 0]
    hole, filling = (seen(each, orientation) for each in (hole, filling))

    photo = read_photo(tmp_path / "photo.png")
    assert photo.pixels.dtype == pixels.dtype
    np.testing.assert_array_equal(photo.pixels, pixels)
    assert (photo.alpha is None) == (alpha is None)
    if alpha is not None:
        np.testing.assert_array_equal(photo.alpha, alpha)

    # The mask shows the upright photo, or where that can be told the pixels as stored.
    mask = np.where(hole, high, low).astype(kind)
    height, width = mask.shape
    if is_turned and orientation >= 5 and height != width:
        back = {5: 5, 6: 8, 7: 7, 8: 6}[orientation]
        mask = seen(mask, back)
    if hole.size > 1 or (low, high) in ((0, 255), (0, 1)):
        if hole.size == 1:
            mask = np.full((1, 1), 255, np.uint8)
        Image.fromarray(mask).save(tmp_path / "mask.tif")
        np.testing.assert_array_equal(read_hole(tmp_path / "mask.tif", photo), hole)

    write_photo(
        tmp_path / "out.png", photo.with_hole_filled(filling, hole), overwrite=True
    )
    result = read_photo(tmp_path / "out.png")
    top = np.iinfo(pixels.dtype).max
    for y in range(height):
        for x in range(width):
            expected = pixels[y, x]
            if hole[y, x]:
                colour = filling[y, x] / 255
                if pixels.shape[-1] == 1:
                    colour = colour @ np.array([0.2125, 0.7154, 0.0721])
                expected = np.round(np.atleast_1d(colour) * top)
            assert result.pixels[y, x].tolist() == expected.tolist()
            if alpha is not None:
                assert result.alpha[y, x] == (top if hole[y, x] else alpha[y, x])
