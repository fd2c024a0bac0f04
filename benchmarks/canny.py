"""Compares our Canny with scikit-image's: differing pixels and images per second.

    python benchmarks/canny.py PHOTO_FOLDER      (with the package installed)

Every photo below the folder is cut to its centre square, resized to 256x256 and made
grey with Pillow and NumPy (nothing of ours), as float32 in [0, 1]. Both sides get the
same float32 arrays, by turns, on one thread each;
images per second are counted in processor time, so other work does not distort them.

The last lines compare the form for phones and ONNX with the exact one, in photos with
irregular holes: their edges, and what `small` fills along either.
"""

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image
from skimage.feature import canny as skimage_canny

import tf_edgeconnect as ec
from tf_edgeconnect.data.masks import mask_sampler
from tf_edgeconnect.edges.exact import canny
from tf_edgeconnect.edges.portable import portable_edges
from tf_edgeconnect.inference.graph import InpaintGraph

SIZE = 256
SIGMAS = (1.0, 2.0, 3.5)
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def read_rgb(path: Path) -> np.ndarray:
    """The centre square of a photo, uint8 (256, 256, 3)."""
    with Image.open(path) as file:
        photo = file.convert("RGB")
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    photo = photo.crop((left, top, left + side, top + side))
    return np.asarray(photo.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def to_gray(photo: np.ndarray) -> np.ndarray:
    """Its grey values, float32 (256, 256) in [0, 1]."""
    rgb = photo.astype(np.float32) / np.float32(255)
    return rgb @ np.array([0.2125, 0.7154, 0.0721], np.float32)


def random_known(count: int) -> list[np.ndarray]:
    """Known regions: by turns a block cut out, and scattered pixels cut out."""
    rng = np.random.default_rng(1)
    regions = []
    for index in range(count):
        if index % 2:
            known = rng.random((SIZE, SIZE)) > 0.01
        else:
            known = np.ones((SIZE, SIZE), bool)
            top, left = rng.integers(0, SIZE // 2, 2)
            known[top : top + SIZE // 2, left : left + SIZE // 2] = False
        regions.append(known)
    return regions


def compare(
    images: list[np.ndarray],
    known: list[np.ndarray] | None,
    sigma: float,
) -> tuple[int, int, float, float]:
    """Pixels, differing pixels, images per second of ours and of scikit-image."""
    spec = tf.TensorSpec([None, None, 1], tf.float32)
    if known is None:
        inputs = [(image,) for image in images]
        signature = [spec]
    else:
        inputs = list(zip(images, known, strict=True))
        signature = [spec, spec]
    graph = tf.function(
        lambda gray, valid=None: canny(gray, sigma, valid),
        input_signature=signature,
    )
    tensors = [
        [tf.constant(value[..., None], tf.float32) for value in values]
        for values in inputs
    ]
    graph(*tensors[0])
    seconds = np.zeros(2)
    differing = 0
    for tensor, array in zip(tensors, inputs, strict=True):
        start = time.process_time()
        ours = graph(*tensor).numpy()
        middle = time.process_time()
        theirs = skimage_canny(
            array[0], sigma, mask=None if known is None else array[1]
        )
        seconds += middle - start, time.process_time() - middle
        differing += int(np.sum(ours[..., 0] != theirs))
    return len(images) * SIZE**2, differing, *(len(images) / seconds)


def compare_portable(photos: list[np.ndarray]) -> str:
    """Edges and fills of `small` by the form for phones and ONNX, against the exact."""
    inpainter = ec.Inpainter.load("small")
    networks = inpainter.edge_generator, inpainter.inpaint_generator
    exact = InpaintGraph(*networks, inpainter.sigma)
    portable = dataclasses.replace(exact, find_edges=portable_edges)
    draw = mask_sampler({"irregular": 1.0}, SIZE)
    edges = differing = worst = 0
    for index, photo in enumerate(photos):
        image, mask = photo[None], draw(tf.constant([0, index]))[None]
        known = exact.known_edges(image, mask)
        changed = int(tf.math.count_nonzero(known != portable.known_edges(image, mask)))
        edges += int(tf.math.count_nonzero(known))
        differing += changed
        if changed:
            fills = [
                np.int32(graph.fill(image, mask)[0]) for graph in (exact, portable)
            ]
            worst = max(worst, int(np.abs(fills[0] - fills[1]).max()))
    return (
        f"For phones and ONNX: {differing} pixels differ, of {edges} edge pixels; "
        f"fills by at most {worst} of 255"
    )


def main() -> None:
    """Prints a line for each sigma, with and without a mask, and the portable form."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photos, searched deeply")
    options = parser.parse_args()
    files = sorted(
        path for path in options.photos.rglob("*") if path.suffix.lower() in SUFFIXES
    )
    if not files:
        parser.error(f"no photos below {options.photos}")
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.set_visible_devices([], "GPU")
    photos = [read_rgb(file) for file in files]
    images = [to_gray(photo) for photo in photos]
    print(f"{len(images)} photos of {SIZE}x{SIZE}, one a call, one thread a side")
    print("| sigma | mask | pixels | differing | ours/s | skimage/s |")
    print("|---|---|---|---|---|---|")
    for sigma in SIGMAS:
        for known in (None, random_known(len(images))):
            pixels, differing, ours, theirs = compare(images, known, sigma)
            masked = "no" if known is None else "yes"
            print(
                f"| {sigma} | {masked} | {pixels} | {differing} | {ours:.0f} "
                f"| {theirs:.0f} |",
                flush=True,
            )
    print(f"\n{compare_portable(photos)}")


if __name__ == "__main__":
    main()
