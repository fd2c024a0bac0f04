"""Requests to an export of at most 10,000 pixels, good ones and bad ones."""

import io
import zlib

import numpy as np
from PIL import Image

RNG = np.random.default_rng(3)


def request(*shape):
    """A batch of photos and masks `(B, H, W)` with a hole in the middle."""
    batch, height, width = shape
    image = RNG.integers(0, 256, (*shape, 3), np.uint8)
    mask = np.zeros((batch, height, width, 1), np.uint8)
    mask[:, height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 255
    return {"image": image, "mask": mask}


def file_of(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(np.squeeze(pixels)).save(file, kind)
    return file.getvalue()


def strings(*items):
    return np.array(items, object)


GOOD = request(2, 13, 18)
SMALL = request(1, 5, 3)
OTHER = request(1, 24, 32)
EDGES = np.where(np.arange(18) % 6 == 0, 200, 0).astype(np.uint8)
EDGES = np.broadcast_to(EDGES[:, None], (2, 13, 18, 1)).copy()
PHOTO, MASK = file_of(OTHER["image"]), file_of(OTHER["mask"])
JPEG = file_of(SMALL["image"], "JPEG")


def turned(orientation, order):
    """A JPEG of `OTHER` whose pixels lie as a camera held that way stores them."""
    image = Image.fromarray(OTHER["image"][0])
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif.endian = order
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif.tobytes())
    return file.getvalue()


TURNED = {6: turned(6, "<"), 3: turned(3, ">")}


def bomb():
    """A short PNG whose header says 30000 x 30000."""
    head = b"IHDR" + (30000).to_bytes(4, "big") * 2 + PHOTO[24:29]
    return PHOTO[:12] + head + zlib.crc32(head).to_bytes(4, "big") + PHOTO[33:]


def eight(bad):
    """Eight strings, the bad one at index 5."""
    pair = [PHOTO] * 8
    pair[5] = bad
    return {"image_bytes": strings(*pair), "mask_bytes": strings(*[MASK] * 8)}


SIZE_WORDS = "mask must have the batch, height and width of image, [2 13 18], got"
RANK_WORDS = "image_must_be_batch_height_width_3_channels"
# name -> (signature, inputs, words of the answer)
BAD = {
    "photo without a batch": (
        "serving_default",
        {**GOOD, "image": GOOD["image"][0]},
        RANK_WORDS,
    ),
    "five axes": ("predict_edges", {**GOOD, "image": GOOD["image"][None]}, RANK_WORDS),
    "grey photo": ("serving_default", {**GOOD, "image": GOOD["mask"]}, RANK_WORDS),
    "mask of three channels": (
        "serving_default",
        {**GOOD, "mask": GOOD["image"]},
        "mask_must_be_batch_height_width_1_channels",
    ),
    "flat mask": (
        "inpaint_with_edges",
        {**GOOD, "mask": GOOD["mask"][..., 0], "edges": EDGES},
        "mask_must_be_batch_height_width_1_channels",
    ),
    "smaller mask": (
        "serving_default",
        {**GOOD, "mask": GOOD["mask"][:, :12]},
        SIZE_WORDS,
    ),
    "one mask for two photos": (
        "predict_edges",
        {**GOOD, "mask": GOOD["mask"][:1]},
        SIZE_WORDS,
    ),
    "narrower edges": (
        "inpaint_with_edges",
        {**GOOD, "edges": EDGES[:, :, :17]},
        "edges must have the batch, height and width of image, [2 13 18], got",
    ),
    "no pixels": (
        "serving_default",
        {name: value[:, :0] for name, value in GOOD.items()},
        "image must have 1 to 10000 pixels, batch x height x width, got 0",
    ),
    "too many pixels": (
        "serving_default",
        request(1, 101, 100),
        "image must have 1 to 10000 pixels, batch x height x width, got 10100",
    ),
    "mask of zeros and ones": (
        "serving_default",
        {**GOOD, "mask": GOOD["mask"] // 255},
        "mask holds 0 and 1 only",
    ),
    "inverted edges": (
        "inpaint_with_edges",
        {**GOOD, "edges": np.stack([EDGES[0], 255 - EDGES[1]])},
        "edges[1] is mostly white",
    ),
    "no picture": (
        "serving_bytes",
        eight(b"no picture"),
        "image_bytes[5] is not a PNG or JPEG file",
    ),
    "empty string": (
        "serving_bytes",
        eight(b""),
        "image_bytes[5] is not a PNG or JPEG file",
    ),
    "cut PNG": (
        "serving_bytes",
        eight(PHOTO[:-60]),
        "image_bytes[5] is damaged or cut off",
    ),
    "cut JPEG": (
        "serving_bytes",
        eight(JPEG[:-20]),
        "image_bytes[5] is damaged or cut off",
    ),
    "header alone": (
        "serving_bytes",
        eight(PHOTO[:20]),
        "image_bytes[5] is damaged or cut off",
    ),
    "bomb": (
        "serving_bytes",
        eight(bomb()),
        "image_bytes[5] is of 900000000 pixels, expected 10000 or fewer",
    ),
    "mask of another size": (
        "serving_bytes",
        eight(JPEG),
        "mask_bytes[5] must have the height and width of its photo",
    ),
    "colour photo as mask": (
        "serving_bytes",
        {"image_bytes": strings(PHOTO, PHOTO), "mask_bytes": strings(MASK, PHOTO)},
        "mask_bytes[1] is not white on black",
    ),
    "two bad ones": (
        "serving_bytes",
        {"image_bytes": strings(b"", PHOTO), "mask_bytes": strings(MASK, b"")},
        "image_bytes[0] is not a PNG or JPEG file; "
        "mask_bytes[1] is not a PNG or JPEG file",
    ),
    "fewer masks": (
        "serving_bytes",
        {"image_bytes": strings(PHOTO, PHOTO), "mask_bytes": strings(MASK)},
        "image_bytes and mask_bytes must be as many, got 2 and 1",
    ),
    "nested strings": (
        "serving_bytes",
        {"image_bytes": strings(PHOTO)[None], "mask_bytes": strings(MASK)},
        "image_bytes_must_be_a_list_of_strings",
    ),
}
ANSWERED = {
    "default": ("serving_default", GOOD),
    "small": ("serving_default", SMALL),
    "edges": ("predict_edges", GOOD),
    "edges given": ("inpaint_with_edges", {**GOOD, "edges": EDGES}),
    "bytes": (
        "serving_bytes",
        {
            "image_bytes": strings(PHOTO, JPEG),
            "mask_bytes": strings(MASK, file_of(SMALL["mask"])),
        },
    ),
    "turned": (
        "serving_bytes",
        {
            "image_bytes": strings(*TURNED.values()),
            "mask_bytes": strings(file_of(OTHER["mask"][0].swapaxes(0, 1)), MASK),
        },
    ),
}
