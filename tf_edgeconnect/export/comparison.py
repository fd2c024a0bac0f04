"""What an export gives, against the networks it was made from."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.images import crop_resize, square
from tf_edgeconnect.data.samples import SampleSource
from tf_edgeconnect.inference import Inpainter

PHOTOS = 3
SIZE = 256


class Comparison(NamedTuple):
    """Differences on bundled photos, inside the hole.

    Attributes:
        size: side of the photos, pixels.
        largest: difference of a channel of a pixel, grey levels.
        psnr: of the export against the networks in float32, dB; None where equal.
    """

    size: int
    largest: int
    psnr: float | None

    def __str__(self) -> str:
        """One clause for people."""
        psnr = "equal" if self.psnr is None else f"PSNR {self.psnr:.1f} dB"
        return (
            f"against the Keras networks in float32, in the holes of {PHOTOS} photos "
            f"at {self.size}x{self.size}: {psnr}, largest difference "
            f"{self.largest} of 255"
        )


def compare(folder: str | Path, inpainter: Inpainter, max_pixels: int) -> Comparison:
    """Runs an export through a Session, as TF Serving does, and the networks.

    Args:
        folder: of the SavedModel.
        inpainter: what it was made from.
        max_pixels: bound of the export; photos are smaller where it asks for that.

    Returns:
        How far they differ.
    """
    size = min(SIZE, math.isqrt(max_pixels))
    images = sample_photos(PHOTOS, size)
    mask = np.zeros((*images.shape[:3], 1), np.uint8)
    middle = slice(size // 4, size - size // 4)
    mask[:, middle, middle] = 255
    result = _run_default(folder, images, mask)
    hole = mask[..., 0] > 0
    wanted = np.concatenate(
        [inpainter(*pair).image for pair in _one_by_one(images, mask)]
    )[hole].astype(int)
    off = result[hole].astype(int) - wanted
    error = float(np.mean(np.square(off)))
    psnr = None if error == 0 else float(10 * np.log10(255**2 / error))
    return Comparison(size, int(np.abs(off).max()), psnr)


def sample_photos(count: int, size: int) -> np.ndarray:
    """Returns bundled photos as uint8 `(count, size, size, 3)`."""
    source = SampleSource("held-out")
    photos = []
    for index in range(count):
        photo = source.read(tf.constant(index))
        box = square(tf.shape(photo), size, "center", tf.zeros(2, tf.int32))
        photos.append(np.round(crop_resize(photo, box, size).numpy() * 255))
    return np.stack(photos).astype(np.uint8)


@contextmanager
def errors_only() -> Iterator[None]:
    """Keeps TensorFlow from advice: notebooks show its every word."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _one_by_one(
    images: np.ndarray, mask: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(images[i : i + 1], mask[i : i + 1]) for i in range(len(images))]


def _run_default(
    folder: str | Path, images: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    loader = tf.compat.v1.saved_model.loader
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        with errors_only():  # it advises another loader, which is not TF Serving's
            meta = loader.load(session, ["serve"], str(folder))
        signature = meta.signature_def["serving_default"]
        names = [signature.inputs[name].name for name in ("image", "mask")]
        return np.concatenate(
            [
                session.run(
                    signature.outputs["inpainted"].name,
                    dict(zip(names, pair, strict=True)),
                )
                for pair in _one_by_one(images, mask)
            ]
        )
