"""What an export gives, against the networks it was made from."""

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
        largest: difference of a channel of a pixel, grey levels.
        psnr: of the export against the networks in float32, dB; None where equal.
    """

    largest: int
    psnr: float | None

    def __str__(self) -> str:
        """One clause for people."""
        psnr = "equal" if self.psnr is None else f"PSNR {self.psnr:.1f} dB"
        return (
            f"against the Keras networks in float32, in the holes of {PHOTOS} photos "
            f"at {SIZE}x{SIZE}: {psnr}, largest difference {self.largest} of 255"
        )


def compare(folder: str | Path, inpainter: Inpainter) -> Comparison:
    """Runs an export through a Session, as TF Serving does, and the networks.

    Args:
        folder: of the SavedModel.
        inpainter: what it was made from.

    Returns:
        How far they differ.
    """
    images = sample_photos(PHOTOS, SIZE)
    mask = np.zeros((*images.shape[:3], 1), np.uint8)
    mask[:, SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4] = 255
    result = _run_default(folder, images, mask)
    hole = mask[..., 0] > 0
    wanted = inpainter(images, mask).image[hole].astype(int)
    off = result[hole].astype(int) - wanted
    error = float(np.mean(np.square(off)))
    psnr = None if error == 0 else float(10 * np.log10(255**2 / error))
    return Comparison(int(np.abs(off).max()), psnr)


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
def _without_deprecations() -> Iterator[None]:
    # TensorFlow advises another loader, which is not that of TF Serving.
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _run_default(folder: str | Path, images: np.ndarray, mask: np.ndarray):
    loader = tf.compat.v1.saved_model.loader
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        with _without_deprecations():
            meta = loader.load(session, ["serve"], str(folder))
        signature = meta.signature_def["serving_default"]
        feeds = {
            signature.inputs["image"].name: images,
            signature.inputs["mask"].name: mask,
        }
        return session.run(signature.outputs["inpainted"].name, feeds)
