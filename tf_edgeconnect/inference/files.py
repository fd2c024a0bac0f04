"""One job of files, from reading to writing: `fill_file`."""

import dataclasses
from pathlib import Path

import numpy as np

from tf_edgeconnect.errors import InputError, ServingError
from tf_edgeconnect.inference.inpainter import Inpainter
from tf_edgeconnect.inference.regions import Large
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.jobs import Job
from tf_edgeconnect.photos.masks import MaskOptions
from tf_edgeconnect.photos.reading import (
    Photo,
    grow_hole,
    read_edges,
    read_mask,
    read_photo,
)
from tf_edgeconnect.photos.writing import check_format, check_output, write_photo


@dataclasses.dataclass(frozen=True, kw_only=True)
class FillOptions:
    """How files are filled.

    Attributes:
        invert_mask: masks have black holes.
        dilate: pixels that holes are grown by, 0 or more.
        published: as in `Inpainter`; a mask is then a hole wherever it is not black.
        edges_only: write the completed edges to the output and paint nothing.
        large: how large photos run, as in `Inpainter`.
        overwrite: replace results that exist.
    """

    invert_mask: bool = False
    dilate: int = 0
    published: bool = False
    edges_only: bool = False
    large: Large = "auto"
    overwrite: bool = False


def fill_file(
    inpainter: Inpainter, job: Job, options: FillOptions | None = None
) -> None:
    """Reads, fills and writes one photo; known pixels come out bit-identical.

    Args:
        inpainter: the model.
        job: what to read and where to write.
        options: how; None: as they are by default.

    Raises:
        InputError: a file cannot be read or written, or memory does not suffice.
        ServingError: a server gave no picture.
    """
    options = options or FillOptions()
    for path in (job.output, job.edges_output):
        if path is not None:
            check_output(path, overwrite=options.overwrite)
    photo = read_photo(job.photo)
    check_format(job.output, photo)
    hole = read_hole(job.mask, photo.size, options)
    image, edges = photo.rgb(), None
    if options.edges_only:
        found = inpainter.predict_edges(image, hole, large=options.large)
        result = Photo(found[..., None])
    else:
        given = None if job.edges is None else read_edges(job.edges)
        call = inpainter.paint if job.edges_output is None else inpainter
        filled = call(
            image, hole, given, published=options.published, large=options.large
        )
        if not isinstance(filled, np.ndarray):
            filled, edges = filled
        result = photo.with_hole_filled(filled, hole)
    write_photo(job.output, result, overwrite=options.overwrite)
    if edges is not None and job.edges_output is not None:
        write_photo(
            job.edges_output, Photo(edges[..., None]), overwrite=options.overwrite
        )


def read_hole(
    mask: str | Path, size: tuple[int, int], options: FillOptions
) -> np.ndarray:
    """Reads a mask as the options say.

    Args:
        mask: its file.
        size: height and width of the photo.
        options: `published`, `invert_mask` and `dilate` are used.

    Returns:
        bool `(H, W)`, true = hole.

    Raises:
        InputError: the file cannot be read.
    """
    threshold = 0 if options.published else HALF_GRAY
    hole = read_mask(mask, size, MaskOptions(threshold=threshold))
    return grow_hole(~hole if options.invert_mask else hole, options.dilate)


def reason_of(error: Exception) -> str:
    """Says in one line why a photo was not filled."""
    if isinstance(error, InputError | ServingError | OSError):
        return " ".join(str(error).split())
    first = str(error).strip().splitlines()[:1]
    return ": ".join([type(error).__name__, *first])
