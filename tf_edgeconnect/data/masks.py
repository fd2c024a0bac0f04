"""Hole masks for training: drawn on the fly or taken from a folder.

A seed enters, a mask of the convention in `masking.py` leaves: float32
`(size, size, 1)`, 1 = hole. Everything is a stateless TensorFlow operation, so a mask is
a pure function of its seed, inside `tf.data` and its distributed service as well as
eagerly.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_edgeconnect.data.images import decode, to_gray
from tf_edgeconnect.errors import InputError

MaskSampler = Callable[[tf.Tensor], tf.Tensor]

MASK_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})
HALF_GREY = 127.5  # of 255: a mask file is a hole where it is lighter

# Irregular masks are drawn as a field on a coarse grid, which is then interpolated.
FIELD_SIZE = 64
MAX_STROKES = 6
STROKE_SEGMENTS = 7
MAX_BLOBS = 3
AWAY = 100.0  # in sides of the mask: where strokes go that take no part


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
        folder: folder of mask files, searched recursively (`external` only). White is
            hole. The list of files is fixed by this call.

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
    makers = {
        "block": partial(_block, size=size),
        "half": partial(_half, size=size),
    }
    if "irregular" in names:
        makers["irregular"] = _irregular(size, _check_ratio(hole_ratio))
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
    """Lists the mask files of a folder, in order, after a look at each header."""
    if folder is None:
        raise InputError("mask kind 'external' needs a mask folder, got none")
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"mask folder {folder} does not exist or is not a folder")
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
        return tf.cast(gray > HALF_GREY, tf.float32)

    return sample


def _irregular(size: int, hole_ratio: tuple[float, float]) -> MaskSampler:
    """Strokes and blobs whose widths are scaled until the hole has its ratio.

    The field is the squared distance to the nearest stroke in units of that stroke's
    half width. A level set of it is the drawing with all widths scaled by one factor,
    so the quantile of the field at the ratio is the level to cut at. Squared, because
    a cubic interpolation is exact on it next to a stroke, where the distance itself
    has a crease.
    """
    low, high = hole_ratio
    coarse = min(size, FIELD_SIZE)
    upsample = tf.constant(_cubic_matrix(coarse, size))
    grid = (np.arange(coarse, dtype=np.float32) + 0.5) / coarse
    y, x = np.meshgrid(grid, grid, indexing="ij")
    points = tf.constant(np.stack([y.ravel(), x.ravel()], axis=1))

    def sample(seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.unstack(tf.random.split(seed, 4))
        ratio = tf.random.stateless_uniform([], seeds[0], low, high)
        strokes = _strokes(seeds[1], scale=0.5 + ratio)
        blobs = _blobs(seeds[2])
        parts = [tf.concat(pair, axis=0) for pair in zip(strokes, blobs, strict=True)]
        field = _field(_warp(points, seeds[3]), *parts)
        rank = tf.cast(tf.round(ratio * coarse**2), tf.int32)
        level = tf.sort(field)[tf.clip_by_value(rank, 1, coarse**2 - 1) - 1]
        field = tf.reshape(field, (coarse, coarse))
        fine = upsample @ tf.matmul(field, upsample, transpose_b=True)
        return tf.cast(fine <= level, tf.float32)[..., None]

    return sample


def _strokes(seed: tf.Tensor, scale: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Random polylines: start `(N, 2)`, end `(N, 2)` and half width `(N,)` of segments.

    Lengths are in units of the mask's side; widths count only relative to each other.
    Strokes that take no part lie far outside.
    """
    shape = (MAX_STROKES, STROKE_SEGMENTS)
    seeds = tf.unstack(tf.random.split(seed, 6))
    count = tf.random.stateless_uniform([], seeds[0], 1, MAX_STROKES + 1, tf.int32)
    start = tf.random.stateless_uniform((MAX_STROKES, 1, 2), seeds[1], 0.05, 0.95)
    heading = tf.random.stateless_uniform((MAX_STROKES, 1), seeds[2], 0.0, 2 * np.pi)
    turns = tf.random.stateless_normal(shape, seeds[3], stddev=0.8)
    angle = heading + tf.cumsum(turns, axis=1)
    length = scale * tf.random.stateless_uniform(shape, seeds[4], 0.05, 0.3)
    steps = length[..., None] * tf.stack([tf.sin(angle), tf.cos(angle)], axis=-1)
    ends = start + tf.cumsum(steps, axis=1)
    starts = ends - steps
    width = tf.random.stateless_uniform((MAX_STROKES, 1), seeds[5], 0.6, 1.6)
    width = tf.tile(width, (1, STROKE_SEGMENTS))
    away = tf.where(tf.range(MAX_STROKES) < count, 0.0, AWAY)[:, None, None]
    return (
        tf.reshape(starts + away, (-1, 2)),
        tf.reshape(ends + away, (-1, 2)),
        tf.reshape(width, [-1]),
    )


def _blobs(seed: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Short thick strokes, in the same form as `_strokes`; there may be none."""
    seeds = tf.unstack(tf.random.split(seed, 4))
    count = tf.random.stateless_uniform([], seeds[0], 0, MAX_BLOBS + 1, tf.int32)
    start = tf.random.stateless_uniform((MAX_BLOBS, 2), seeds[1], 0.05, 0.95)
    reach = tf.random.stateless_uniform((MAX_BLOBS, 2), seeds[2], -0.12, 0.12)
    width = tf.random.stateless_uniform((MAX_BLOBS,), seeds[3], 1.5, 4.0)
    start += tf.where(tf.range(MAX_BLOBS) < count, 0.0, AWAY)[:, None]
    return start, start + reach, width


def _warp(points: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Bends the plane by two slow waves and a quick one: no hand draws straight."""
    seeds = tf.unstack(tf.random.split(seed, 3))
    slow = tf.random.stateless_normal((2, 2), seeds[0], stddev=8.0)
    quick = tf.random.stateless_normal((2, 1), seeds[1], stddev=25.0)
    waves = tf.concat([slow, quick], axis=1)
    phase = tf.random.stateless_uniform((2, 3), seeds[2], 0.0, 2 * np.pi)
    amplitude = tf.constant([0.03, 0.03, 0.008])
    angles = (points @ waves)[:, None, :] + phase
    return points + tf.reduce_sum(amplitude * tf.sin(angles), axis=-1)


def _field(
    points: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor, widths: tf.Tensor
) -> tf.Tensor:
    """Squared distance of each point to its nearest segment, in half widths: `(P,)`."""
    step = ends - starts
    length = tf.maximum(tf.norm(step, axis=1), 1e-6)
    along = step / length[:, None] / widths[:, None]  # (N, 2)
    across = tf.stack([along[:, 1], -along[:, 0]], axis=1)
    middle = (starts + ends) / 2
    t = tf.matmul(points, along, transpose_b=True) - tf.reduce_sum(middle * along, 1)
    s = tf.matmul(points, across, transpose_b=True) - tf.reduce_sum(middle * across, 1)
    beyond = tf.nn.relu(tf.abs(t) - length / (2 * widths))
    return tf.reduce_min(s * s + beyond * beyond, axis=1)


def _cubic_matrix(coarse: int, fine: int) -> np.ndarray:
    """Keys' cubic interpolation from `coarse` to `fine` samples, `(fine, coarse)`."""
    position = (np.arange(fine) + 0.5) * coarse / fine - 0.5
    first = np.floor(position).astype(int)
    matrix = np.zeros((fine, coarse), np.float32)
    for tap in range(-1, 3):
        d = np.abs(position - (first + tap))
        near = 1.5 * d**3 - 2.5 * d**2 + 1
        far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        weight = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
        column = np.clip(first + tap, 0, coarse - 1)
        np.add.at(matrix, (np.arange(fine), column), weight)
    return matrix
