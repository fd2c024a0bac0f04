"""Photos in files through a server: known pixels, alpha, ICC and EXIF stay as they are.

Only 8 bit RGB travels. The answer's hole is put into the photo as it was read, so what
the server cannot carry (16 bit, alpha, profile, EXIF) is not lost.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tf_edgeconnect.client.client import Client
from tf_edgeconnect.client.errors import ServingError
from tf_edgeconnect.client.photos import fill_photo
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.regions import Large
from tf_edgeconnect.photos.jobs import Job, Plan
from tf_edgeconnect.photos.reading import read_edges, read_mask, read_photo
from tf_edgeconnect.photos.writing import check_output, write_photo


def fill_job(
    client: Client, job: Job, *, large: Large = "auto", overwrite: bool = False
) -> None:
    """Fills one photo.

    Args:
        client: a connection.
        job: what to read and where to write.
        large: how a large photo is sent; see `fill_photo`.
        overwrite: True replaces a result that exists.

    Raises:
        InputError: a file cannot be read or written.
        ServingError: the server gave no picture.
    """
    check_output(job.output, overwrite=overwrite)
    photo = read_photo(job.photo)
    hole = read_mask(job.mask, size=photo.size)
    drawing = None if job.edges is None else read_edges(job.edges)
    filled = fill_photo(client, photo.rgb(), hole, drawing, large=large)
    write_photo(job.output, photo.with_hole_filled(filled, hole), overwrite=overwrite)


def fill_plan(
    client: Client,
    plan: Plan,
    *,
    concurrent: int = 4,
    large: Large = "auto",
    overwrite: bool = False,
    on_done: Callable[[Job], None] = lambda job: None,
) -> dict[Path, str]:
    """Fills many photos; one that fails does not stop the rest.

    Args:
        client: a connection.
        plan: see `photos.jobs.plan_jobs`.
        concurrent: requests at once, 1 or more.
        large: how a large photo is sent; see `fill_photo`.
        overwrite: True replaces results that exist.
        on_done: called with each job that ended, in this thread.

    Returns:
        Photo -> why it was not filled.
    """
    failed = dict(plan.lacking)
    with ThreadPoolExecutor(concurrent) as pool:
        waiting = {
            pool.submit(fill_job, client, job, large=large, overwrite=overwrite): job
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
