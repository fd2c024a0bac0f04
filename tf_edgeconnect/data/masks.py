"""Hole masks for training: drawn on the fly or taken from files.

A seed enters, a mask of the convention in `masking.py` leaves: float32
`(size, size, 1)`, 1 = hole. Everything is a stateless TensorFlow operation, so a mask
is a pure function of its seed, inside `tf.data` and its distributed service as well as
eagerly. The drawing of `irregular` masks is in `strokes.py`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.images import decode, to_gray
from tf_edgeconnect.data.strokes import stroke_sampler
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY

MaskSampler = Callable[[tf.Tensor], tf.Tensor]

MASK_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})


def mask_sampler(
    kinds: Mapping[str, float],
    size: int,
    *,
    hole_ratio: tuple[float, float] = (0.1, 0.5),
    folder: str | Path | None = None,
) -> MaskSampler:
    """Returns a function that draws one mask from a seed.

    Args:
        kinds: kind -> weight of a weighted mix. `block`: a square of half a side at a
            random place. `half`: the left or the right half. `irregular`: strokes and
            blobs. `external`: a random file of `folder`.
        size: side of the mask in pixels.
        hole_ratio: range that the share of the hole is drawn from, uniformly
            (`irregular` only).
        folder: folder of mask files, searched recursively, or one mask file
            (`external` only). White is hole. The list of files is fixed by this call.

    Returns:
        A function from an int32 `[2]` seed to a float32 `(size, size, 1)` mask of zeros
        and ones. It may be called eagerly and inside `tf.data.Dataset.map`.

    Raises:
        InputError: an unknown kind, a weight that is not above 0, a ratio outside
            (0, 1) or out of order, or a mask folder that is missing, empty or holds
            files that cannot be read.

    Example:
        >>> sample = mask_sampler({"irregular": 3, "block": 1}, 256)
        >>> mask = sample(tf.constant([0, 1], tf.int32))
    """
    names = _check_kinds(kinds)
    if int(size) != size or size < 2:
        raise InputError(f"mask size must be a whole number of 2 or more, got {size!r}")
    size = int(size)
    makers: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
        "block": partial(_block, size=size),
        "half": partial(_half, size=size),
    }
    if "irregular" in names:
        makers["irregular"] = stroke_sampler(size, *_check_ratio(hole_ratio))
    if "external" in names:
        makers["external"] = _external(size, _mask_files(folder))
    branches = [makers[name] for name in names]
    weights = np.array([kinds[name] for name in names], np.float64)
    bounds = tf.constant(np.cumsum(weights)[:-1] / weights.sum(), tf.float32)

    def sample(seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, 2)
        if len(branches) == 1:
            mask = branches[0](seeds[1])
        else:
            draw = tf.random.stateless_uniform([], seeds[0])
            choice = tf.reduce_sum(tf.cast(draw >= bounds, tf.int32))
            mask = tf.switch_case(choice, [partial(b, seeds[1]) for b in branches])
        return tf.ensure_shape(mask, (size, size, 1))

    return sample


def _check_kinds(kinds: Mapping[str, float]) -> list[str]:
    known = ("block", "half", "external", "irregular")
    if not kinds:
        raise InputError(f"mask kinds are empty; give a weight to one of {known}")
    for name, weight in kinds.items():
        if name not in known:
            raise InputError(f"mask kind {name!r} is unknown; known are {known}")
        if not (np.isfinite(weight) and weight > 0):
            raise InputError(
                f"weight of mask kind {name!r} must be above 0, got {weight!r}; "
                "leave a kind out to switch it off"
            )
    return sorted(kinds)  # the order of a mapping must not change the masks


def _check_ratio(hole_ratio: tuple[float, float]) -> tuple[float, float]:
    if len(hole_ratio) != 2 or not 0 < hole_ratio[0] <= hole_ratio[1] < 1:
        raise InputError(
            "hole_ratio must be (low, high) with 0 < low <= high < 1, "
            f"got {tuple(hole_ratio)}"
        )
    return float(hole_ratio[0]), float(hole_ratio[1])


def _block(seed: tf.Tensor, size: int) -> tf.Tensor:
    side = size // 2
    corner = tf.random.stateless_uniform(
        [2], seed, minval=0, maxval=size - side + 1, dtype=tf.int32
    )
    steps = tf.range(size)
    rows, columns = ((steps >= c) & (steps < c + side) for c in tf.unstack(corner))
    return tf.cast(rows[:, None] & columns[None, :], tf.float32)[..., None]


def _half(seed: tf.Tensor, size: int) -> tf.Tensor:
    left = tf.range(size) < size // 2
    take_left = tf.random.stateless_uniform([], seed) < 0.5
    columns = tf.cast(tf.where(take_left, left, ~left), tf.float32)
    return tf.tile(columns[None, :, None], [size, 1, 1])


def _mask_files(folder: str | Path | None) -> list[str]:
    """Lists the mask files, in order, after a look at each header."""
    if folder is None:
        raise InputError("mask kind 'external' needs a mask folder, got none")
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"mask folder {folder} does not exist")
    if folder.is_file():
        if not _sound(folder):
            raise InputError(f"mask file {folder} cannot be read as an image")
        return [str(folder)]
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in MASK_SUFFIXES and path.is_file()
    )
    if not files:
        raise InputError(f"mask folder {folder} holds no PNG, JPEG, BMP or WebP")
    broken = [str(path.relative_to(folder)) for path in files if not _sound(path)]
    if broken:
        shown = ", ".join(broken[:5]) + (", ..." if len(broken) > 5 else "")
        raise InputError(
            f"{len(broken)} of {len(files)} files in mask folder {folder} cannot be "
            f"read: {shown}; repair or remove them"
        )
    return [str(path) for path in files]


def _sound(path: Path) -> bool:
    """True if the header is that of a readable image and the file looks complete."""
    try:
        with Image.open(path) as image:
            kind = image.format
            image.verify()  # PNG: the checksum of every chunk
        if kind == "JPEG":
            return b"\xff\xd9" in path.read_bytes()[-1024:]  # its end marker
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return kind in {"PNG", "BMP", "WEBP"}


def _external(size: int, files: list[str]) -> MaskSampler:
    paths = tf.constant(files)

    def sample(seed: tf.Tensor) -> tf.Tensor:
        index = tf.random.stateless_uniform(
            [], seed, minval=0, maxval=len(files), dtype=tf.int32
        )
        pixels = decode(tf.io.read_file(paths[index]))
        gray = to_gray(tf.cast(pixels, tf.float32))
        gray = tf.image.resize(gray, (size, size), method="area")
        return tf.cast(gray > HALF_GRAY, tf.float32)

    return sample
