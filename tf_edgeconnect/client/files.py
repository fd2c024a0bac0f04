"""Photos in files through a server: known pixels, alpha, ICC and EXIF stay as they are.

Only 8 bit RGB travels. The answer's hole is put into the photo as it was read, so what
the server cannot carry (16 bit, alpha, profile, EXIF) is not lost.
"""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from PIL import Image

from tf_edgeconnect.client.client import Client
from tf_edgeconnect.client.errors import ServingError
from tf_edgeconnect.data.jobs import Job, Plan
from tf_edgeconnect.data.photo_writing import check_output, encode_png, write_photo
from tf_edgeconnect.data.photos import Photo, read_edges, read_mask, read_photo
from tf_edgeconnect.errors import InputError

WHITE = 255


def fill_job(client: Client, job: Job, *, overwrite: bool = False) -> None:
    """Fills one photo.

    Args:
        client: a connection.
        job: what to read and where to write.
        overwrite: True replaces a result that exists.

    Raises:
        InputError: a file cannot be read or written.
        ServingError: the server gave no picture.
    """
    check_output(job.output, overwrite=overwrite)
    photo = read_photo(job.photo)
    hole = read_mask(job.mask, size=photo.size)
    drawing = None if job.edges is None else read_edges(job.edges)
    filled = _filled(client, photo, hole, drawing)
    write_photo(job.output, photo.with_hole_filled(filled, hole), overwrite=overwrite)


def fill_plan(
    client: Client,
    plan: Plan,
    *,
    concurrent: int = 4,
    overwrite: bool = False,
    on_done: Callable[[Job], None] = lambda job: None,
) -> dict[Path, str]:
    """Fills many photos; one that fails does not stop the rest.

    Args:
        client: a connection.
        plan: see `data.jobs.plan_jobs`.
        concurrent: requests at once, 1 or more.
        overwrite: True replaces results that exist.
        on_done: called with each job that ended, in this thread.

    Returns:
        Photo -> why it was not filled.
    """
    failed = dict(plan.lacking)
    with ThreadPoolExecutor(concurrent) as pool:
        waiting = {
            pool.submit(fill_job, client, job, overwrite=overwrite): job
            for job in plan.jobs
        }
        for future in as_completed(waiting):
            job = waiting[future]
            try:
                future.result()
            except (InputError, ServingError, OSError) as error:
                failed[job.photo] = " ".join(str(error).split())
            on_done(job)
    return failed


def _filled(
    client: Client, photo: Photo, hole: np.ndarray, drawing: np.ndarray | None
) -> np.ndarray:
    """Returns what the server painted: uint8 `(H, W, 3)`."""
    image, mask = photo.rgb(), (hole * WHITE).astype(np.uint8)[..., None]
    if drawing is not None:
        edges = drawing[None, ..., None]
        return client.inpaint_with_edges(image[None], mask[None], edges)[0]
    if not client.prefers_bytes:
        return client.inpaint(image[None], mask[None])[0][0]
    files = [encode_png(Photo(pixels)) for pixels in (image, mask)]
    (answer,) = client.inpaint_bytes(files[:1], files[1:])
    return np.asarray(Image.open(io.BytesIO(answer)).convert("RGB"))
