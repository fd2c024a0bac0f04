"""Calls a backend for any number of photos; arrays are those of `Backend`."""

from collections.abc import Callable, Sequence

import numpy as np

from tf_edgeconnect.inference.backends import Backend

STRIP_PIXELS = 2**21
_FOLLOWED = 128  # pixels beyond a strip in which faint edges may meet strong ones
_USUAL_SIGMA = 2.0  # where the sigma of a backend is not known


def fill(
    backend: Backend,
    images: np.ndarray,
    masks: np.ndarray,
    edges: np.ndarray | None,
    *,
    with_edges: bool,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Fills holes of images no larger than the backend's `size`.

    With `with_edges` the completed edges are returned, even if that takes another call.
    """
    given = [images, masks] if edges is None else [images, masks, edges * masks]
    filled, completed = _in_batches(backend.fill, backend, given)
    if with_edges and completed is None:
        if edges is None:
            completed = predict_edges(backend, images, masks)
        else:
            completed = np.where(masks, edges, backend.known_edges(images, masks))
    return filled, completed


def predict_edges(
    backend: Backend, images: np.ndarray, masks: np.ndarray
) -> np.ndarray:
    """Completes the edges of images no larger than the backend's `size`."""
    (edges,) = _in_batches(
        lambda *arrays: (backend.predict_edges(*arrays),), backend, [images, masks]
    )
    return edges


def known_edges(backend: Backend, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Canny's edges of the known region of photos of any size, in strips.

    Above `STRIP_PIXELS` they may lack pixels of faint edges that meet a strong one only
    far beyond their strip.
    """
    _, height, width, _ = masks.shape
    rows = max(STRIP_PIXELS // width, 1)
    sigma = _USUAL_SIGMA if backend.sigma is None else backend.sigma
    margin = _FOLLOWED + max(int(4 * sigma), 0)
    edges = np.empty(masks.shape, np.uint8)
    for photo in range(len(images)):
        for top in range(0, height, rows):
            start = max(top - margin, 0)
            strip = np.s_[photo : photo + 1, start : top + rows + margin]
            found = backend.known_edges(images[strip], masks[strip])[0]
            edges[photo, top : top + rows] = found[top - start : top - start + rows]
    return edges


def _in_batches(
    call: Callable[..., tuple], backend: Backend, arrays: Sequence[np.ndarray]
) -> list:
    """Calls a method for as many photos at once as it takes, padded to its size."""
    count, height, width = arrays[0].shape[:3]
    if size := backend.size:
        ends = [(0, 0), (0, size - height), (0, size - width), (0, 0)]
        arrays = [np.pad(array, ends, mode="reflect") for array in arrays]
    pixels = arrays[0][0, ..., 0].size
    step = max(backend.max_pixels // pixels, 1) if backend.max_pixels else count
    results = [
        call(*(array[start : start + step] for array in arrays))
        for start in range(0, count, step)
    ]
    return [
        None if parts[0] is None else np.concatenate(parts)[:, :height, :width]
        for parts in zip(*results, strict=True)
    ]
