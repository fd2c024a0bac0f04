"""Photos with holes that an export is tried on."""

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.images import crop_resize, square
from tf_edgeconnect.data.masks import mask_sampler
from tf_edgeconnect.data.samples import SampleSource
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.data.sources import open_source
from tf_edgeconnect.errors import InputError

REPORTED = 10
CALIBRATED = 20
_SEED = 20

Pair = tuple[np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Examples:
    """Photos uint8 `(1, N, N, 3)` with irregular holes float32 `(1, N, N, 1)`.

    Attributes:
        report: what figures are measured on.
        calibration: what ranges are taken from; others, where there are enough.
        origin: where the photos come from, in words.
    """

    report: list[Pair]
    calibration: list[Pair]
    origin: str


def load_examples(photos: str | Path | None, size: int) -> Examples:
    """Cuts photos to squares and draws a hole into each, always the same.

    Args:
        photos: a folder, or what else `open_source` takes; None: those inside
            scikit-image.
        size: side of the squares, pixels.

    Returns:
        10 photos to report on, and up to 20 others.

    Raises:
        InputError: there is no such folder, or no readable photo in it.
    """
    if photos is None:
        held_out, train = SampleSource("held-out"), SampleSource("train")
        report = _pairs(held_out, np.arange(REPORTED), size)
        calibration = _pairs(train, _spread(len(train), CALIBRATED), size)
        return Examples(report, calibration, "photos inside scikit-image")
    source = open_source(str(photos))
    reported = _spread(len(source), REPORTED)
    others = np.setdiff1d(np.arange(len(source)), reported)
    others = others[_spread(len(others), CALIBRATED)] if len(others) else reported
    return Examples(
        _pairs(source, reported, size),
        _pairs(source, others, size),
        f"photos of {photos}",
    )


def _spread(length: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, length - 1, min(count, length)).astype(int))


def _pairs(source: Source, indices: np.ndarray, size: int) -> list[Pair]:
    draw = mask_sampler({"irregular": 1}, size, hole_ratio=(0.1, 0.4))
    pairs = []
    for index in indices:
        try:
            photo = source.read(tf.constant(int(index), tf.int64))
        except tf.errors.OpError:
            raise InputError(
                f"photo {source.name(int(index))} is damaged; repair or remove it"
            ) from None
        box = square(tf.shape(photo), size, "center", tf.zeros(2, tf.int32))
        pixels = np.round(crop_resize(photo, box, size).numpy() * 255)
        mask = draw(tf.constant([_SEED, index], tf.int32)).numpy()
        pairs.append((pixels.astype(np.uint8)[None], mask[None]))
    return pairs
