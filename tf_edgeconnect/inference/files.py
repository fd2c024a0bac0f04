"""`FileInpainter`: fills one job of files, from reading to writing."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
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
class FileInpainter:
    """Fills photos in files; calling it does one job.

    Attributes:
        inpainter: the networks.
        invert_mask: masks have black holes.
        dilate: pixels that holes are grown by, 0 or more.
        published: see `Inpainter`; a mask is then a hole wherever it is not black.
        edges_only: write the completed edges to the output and paint nothing.
        large: how large photos run; see `Inpainter`.
        overwrite: replace results that exist.

    Example:
        >>> fill = FileInpainter(inpainter=Inpainter.load("runs/quickstart"))
        >>> fill(Job(Path("a.jpg"), Path("mask.png"), Path("filled.png")))
    """

    inpainter: Inpainter
    invert_mask: bool = False
    dilate: int = 0
    published: bool = False
    edges_only: bool = False
    large: Large = "auto"
    overwrite: bool = False

    def __call__(self, job: Job) -> None:
        """Reads, fills and writes one photo; known pixels come out bit-identical.

        Args:
            job: what to read and where to write.

        Raises:
            InputError: a file cannot be read or written, or memory does not suffice.
        """
        for path in (job.output, job.edges_output):
            if path is not None:
                check_output(path, overwrite=self.overwrite)
        photo = read_photo(job.photo)
        check_format(job.output, photo)
        hole = self.read_hole(job.mask, photo.size)
        try:
            result, edges = self._results(job, photo, hole)
        except tf.errors.ResourceExhaustedError:
            height, width = photo.size
            raise InputError(
                f"photo {job.photo} of {width} x {height} needs more memory than there "
                "is; make it smaller, or run it in parts: --large crop, or tile"
            ) from None
        write_photo(job.output, result, overwrite=self.overwrite)
        if edges is not None and job.edges_output is not None:
            write_photo(job.edges_output, edges, overwrite=self.overwrite)

    def read_hole(self, mask: str | Path, size: tuple[int, int]) -> np.ndarray:
        """Reads a mask as the options say.

        Args:
            mask: its file.
            size: height and width of the photo.

        Returns:
            bool `(H, W)`, true = hole.

        Raises:
            InputError: the file cannot be read.
        """
        options = MaskOptions(threshold=0 if self.published else HALF_GRAY)
        hole = read_mask(mask, size, options)
        return grow_hole(~hole if self.invert_mask else hole, self.dilate)

    def _results(
        self, job: Job, photo: Photo, hole: np.ndarray
    ) -> tuple[Photo, Photo | None]:
        """Returns what goes to the output and what to the edges' output, if any."""
        if self.edges_only:
            lines = self.inpainter.predict_edges(photo.rgb(), hole, large=self.large)
            return Photo(lines[..., None]), None
        drawing = None if job.edges is None else read_edges(job.edges)
        settings: dict[str, Any] = {
            "published": self.published,
            "large": self.large,
        }
        if job.edges_output is None:
            filled = self.inpainter.paint(photo.rgb(), hole, drawing, **settings)
            return photo.with_hole_filled(filled, hole), None
        filled, lines = self.inpainter(photo.rgb(), hole, drawing, **settings)
        return photo.with_hole_filled(filled, hole), Photo(lines[..., None])
