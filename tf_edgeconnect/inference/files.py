"""Fills a photo file, from reading to writing: `fill_file`."""

import dataclasses

from tf_edgeconnect.errors import InputError, ServingError, one_line
from tf_edgeconnect.inference.areas import Large
from tf_edgeconnect.inference.arrays import Inpainted
from tf_edgeconnect.inference.inpainter import Inpainter
from tf_edgeconnect.photos.decoding import MAX_PIXELS
from tf_edgeconnect.photos.jobs import Job
from tf_edgeconnect.photos.masks import MaskOptions
from tf_edgeconnect.photos.reading import Photo, read_edges, read_hole, read_photo
from tf_edgeconnect.photos.writing import check_format, check_output, write_photo


@dataclasses.dataclass(frozen=True, kw_only=True)
class FillOptions:
    """Options for filling files.

    Attributes:
        masks: how masks are read.
        feather: pixels inside a hole's border over which the fill is blended in.
        published: as for `Inpainter`; every mask pixel that is not black is then hole.
        edges_only: write the completed edges instead of a filled photo.
        large: as for `Inpainter`.
        overwrite: replace existing results.
        quality: of JPEG and WebP, 1 to 100; None: 95 for JPEG, lossless for WebP.
        max_pixels: the largest photo or mask.
    """

    masks: MaskOptions = MaskOptions()
    feather: int = 0
    published: bool = False
    edges_only: bool = False
    large: Large = "auto"
    overwrite: bool = False
    quality: int | None = None
    max_pixels: int = MAX_PIXELS


def fill_file(
    inpainter: Inpainter, job: Job, options: FillOptions | None = None
) -> None:
    """Reads, fills and writes one photo; known pixels stay bit-identical.

    Raises:
        InputError: a file cannot be read or written, or a photo does not fit into
            memory.
        ServingError: a server returned no image.
    """
    options = options or FillOptions()
    masks = options.masks
    if options.published:
        masks = dataclasses.replace(masks, threshold=0)
    outputs = [path for path in (job.output, job.edges_output) if path is not None]
    for path in outputs:
        check_output(path, overwrite=options.overwrite)
    photo = read_photo(job.photo, options.max_pixels)
    check_format(job.output, photo, options.quality)
    hole = read_hole(job.mask, photo, masks, options.max_pixels)
    image = photo.rgb()
    if options.edges_only:
        edges = inpainter.predict_edges(image, hole, large=options.large)
        results = [Photo(edges[..., None])]
    else:
        given = None
        if job.edges is not None:
            given = read_edges(job.edges, options.max_pixels)
        call = inpainter if job.edges_output is not None else inpainter.paint
        filled = call(
            image, hole, given, published=options.published, large=options.large
        )
        image, *others = filled if isinstance(filled, Inpainted) else (filled,)
        results = [photo.with_hole_filled(image, hole, options.feather)]
        results += [Photo(plane[..., None]) for plane in others]
    for path, result in zip(outputs, results, strict=True):
        write_photo(path, result, overwrite=options.overwrite, quality=options.quality)


def reason_of(error: Exception) -> str:
    """Says in one line why a photo was not filled."""
    if isinstance(error, InputError | ServingError | OSError):
        return one_line(error)
    return f"{type(error).__name__}: {one_line(error)}"
