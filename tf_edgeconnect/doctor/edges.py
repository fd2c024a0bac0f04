"""Checks on edges: that photos have some at this sigma, that edge maps pair."""

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from tf_edgeconnect.data.edge_files import EdgeOptions, pair_edges
from tf_edgeconnect.data.images import crop_resize, square, to_gray
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.doctor.findings import Finding, Track, by_share
from tf_edgeconnect.doctor.photos import Photo
from tf_edgeconnect.edges.exact import NO_EDGES, inference_edges, inference_sigma
from tf_edgeconnect.errors import InputError


def check_edge_maps(source: Source, options: EdgeOptions) -> list[Finding]:
    """Finds that edge maps do not pair with the photos.

    Args:
        source: the photos.
        options: names the folder of edge maps; without one nothing is found.
    """
    try:
        pair_edges(source, options)
    except InputError as error:
        remedy = "training stops there; mend the folder or set edge.source=canny"
        return [Finding("error", "edge-maps", str(error), remedy)]
    return []


def without_edges(
    source: Source,
    photos: Sequence[Photo],
    places: Sequence[int],
    sigma: float,
    size: int,
    track: Track,
) -> list[Photo]:
    """Returns the photos in which Canny sees nothing.

    Args:
        source: the photos.
        photos: the same, listed.
        places: which of them to look at.
        sigma: `edge.sigma`; -1 means no edges, then no photo is returned.
        size: side of an example, pixels.
        track: shows progress.
    """
    if sigma == NO_EDGES:
        return []
    counts = _edge_counts(source, places, inference_sigma(sigma), size)
    seen = track(counts, "drawing edges", total=len(places))
    return [photos[index] for index, count in seen if not count]


def check_edges(empty: Sequence[Photo], total: int, sigma: float) -> list[Finding]:
    """Finds that photos have no edges.

    Args:
        empty: what `without_edges` returned.
        total: how many photos it was asked of.
        sigma: `edge.sigma`.
    """
    if not empty:
        return []
    return [
        Finding(
            by_share(len(empty), total),
            "no-edges",
            f"photos without an edge at sigma {inference_sigma(sigma):g}: "
            f"{len(empty)} of {total}",
            "they are blank or blurred and teach no lines; leave them out or lower "
            "edge.sigma",
            tuple(photo.name for photo in empty),
            tuple(photo.suspect for photo in empty),
        )
    ]


def _edge_counts(
    source: Source, places: Sequence[int], sigma: float, size: int
) -> Iterator[tuple[int, int]]:
    """Yields (place, edge pixels) of the centre square of each photo that decodes."""
    count = _counter(sigma)

    def look(index: tf.Tensor) -> tf.Tensor:
        photo = source.read(index)
        box = square(tf.shape(photo), size, "center", tf.zeros(2, tf.int32))
        return index, count(to_gray(crop_resize(photo, box, size)))

    dataset = tf.data.Dataset.from_tensor_slices(np.array(places, np.int64))
    counts = dataset.map(look, tf.data.AUTOTUNE).ignore_errors(log_warning=False)
    return counts.as_numpy_iterator()


@functools.cache
def _counter(sigma: float) -> Callable[[tf.Tensor], tf.Tensor]:
    # One for all sources: tracing Canny takes seconds.
    return tf.function(lambda gray: tf.math.count_nonzero(inference_edges(gray, sigma)))
