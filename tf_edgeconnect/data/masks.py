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

from tf_edgeconnect.data.images import decode, to_gray
from tf_edgeconnect.data.kept import (
    file_names,
    look_at_mask,
    scan,
    scan_folder,
)
from tf_edgeconnect.data.strokes import stroke_sampler
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.names import some

MaskSampler = Callable[[tf.Tensor], tf.Tensor]


def mask_sampler(
    kinds: Mapping[str, float],
    size: int,
    *,
    hole_ratio: tuple[float, float] = (0.1, 0.5),
    folder: str | Path | None = None,
    cache: Path | None = None,
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
            (`external` only). The list of files is fixed by this call.
        cache: JSON file that keeps the scan of `folder`; masks that TensorFlow would
            read as others than `photos.reading.read_mask` does are kept beside it.

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
    makers: dict[str, Callable[[], MaskSampler]] = {
        "block": lambda: partial(_block, size=size),
        "half": lambda: partial(_half, size=size),
        "external": lambda: _external(size, folder, cache),
        "irregular": lambda: stroke_sampler(size, *hole_ratio),
    }
    _check(kinds, tuple(makers), size, hole_ratio)
    names = sorted(kinds)  # the order of a mapping must not change the masks
    branches = [makers[name]() for name in names]
    weights = np.array([kinds[name] for name in names], np.float64)
    bounds = tf.constant(np.cumsum(weights)[:-1] / weights.sum(), tf.float32)

    def sample(seed: tf.Tensor) -> tf.Tensor:
        seeds = tf.random.split(seed, 2)
        draw = tf.random.stateless_uniform([], seeds[0])
        choice = tf.reduce_sum(tf.cast(draw >= bounds, tf.int32))
        mask = tf.switch_case(choice, [partial(draw, seeds[1]) for draw in branches])
        return tf.ensure_shape(mask, (size, size, 1))

    return sample


def _check(
    kinds: Mapping[str, float],
    known: tuple[str, ...],
    size: int,
    hole_ratio: tuple[float, float],
) -> None:
    sound = [kind in known and 0 < weight < np.inf for kind, weight in kinds.items()]
    if not kinds or not all(sound):
        raise InputError(
            f"mask kinds must give weights above 0 to some of {', '.join(known)}, got "
            f"{dict(kinds)}; leave a kind out to switch it off"
        )
    if not isinstance(size, int) or size < 2:
        raise InputError(f"mask size must be a whole number of 2 or more, got {size!r}")
    if not 0 < hole_ratio[0] <= hole_ratio[1] < 1:
        raise InputError(
            "hole_ratio must be (low, high) with 0 < low <= high < 1, "
            f"got {tuple(hole_ratio)}"
        )


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


def _external(size: int, folder: str | Path | None, cache: Path | None) -> MaskSampler:
    if folder is None:
        raise InputError("mask kind 'external' needs a mask folder, got none")
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"mask folder {folder} does not exist")
    if folder.is_file():
        masks = [(folder, scan([folder], look_at_mask, cache)[0])]
    else:
        masks = scan_folder(folder, look_at_mask, cache)
    bad = [f"{path} {found.reason}" for path, found in masks if found.reason]
    if bad:
        raise InputError(
            f"{len(bad)} of {len(masks)} masks cannot be read: {some(bad, 5)}; "
            "repair or remove them"
        )
    paths = file_names([found for _, found in masks])

    def sample(seed: tf.Tensor) -> tf.Tensor:
        index = tf.random.stateless_uniform(
            [], seed, minval=0, maxval=len(masks), dtype=tf.int32
        )
        gray = tf.cast(decode(tf.io.read_file(paths[index])), tf.float32)
        gray = tf.image.resize(to_gray(gray), (size, size), method="area")
        return tf.cast(gray > HALF_GRAY, tf.float32)

    return sample
