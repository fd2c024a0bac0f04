"""Plans which photo is filled with which mask, and where each result goes.

Takes files or folders and makes a `Plan` with one `Job` per result. Reads hardly more
than names. No result may replace an input.
"""

import collections
import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.decoding import open_image
from tf_edgeconnect.photos.names import (
    MASK_SUFFIX,
    Partners,
    base_of,
    list_images,
    some,
    stem_of,
)
from tf_edgeconnect.photos.writing import FORMATS, check_output, same_file

logger = logging.getLogger(__name__)

OutputFormat = Literal["png", "webp", "jpg", "tiff", "same"]


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to fill.

    Attributes:
        photo: the file to read.
        mask: its mask; None for its own transparent part.
        output: the file to write.
        edges: the edge map to follow; None to predict the edges.
        edges_output: the file to write the edges to, or None.
    """

    photo: Path
    mask: Path | None
    output: Path
    edges: Path | None = None
    edges_output: Path | None = None


@dataclasses.dataclass
class Plan:
    """What to fill, and what is left out.

    Attributes:
        jobs: one per result.
        output: the file or folder of the results.
        is_folder: False for a single photo given as a file.
        problems: photo that cannot be filled -> why.
        unused: masks and edge maps that match no photo.
        not_images: other files in the folders.
        existing: results that exist and are kept.
    """

    jobs: list[Job]
    output: Path
    is_folder: bool = False
    problems: dict[Path, str] = dataclasses.field(default_factory=dict)
    unused: list[Path] = dataclasses.field(default_factory=list)
    not_images: list[Path] = dataclasses.field(default_factory=list)
    existing: list[Path] = dataclasses.field(default_factory=list)


def plan_jobs(
    photos: Path | Sequence[Path],
    mask: Path | None,
    output: Path,
    edges: Path | None = None,
    *,
    save_edges: bool = False,
    mask_suffix: str = MASK_SUFFIX,
    form: OutputFormat | None = None,
    skip_existing: bool = False,
) -> Plan:
    """Pairs photos with masks, and with edge maps if given, by name.

    Args:
        photos: files, or folders of photos.
        mask: a file for all photos; a folder of masks named like the photos; None for
            masks beside their photos or, without these, the photos' transparent parts.
        output: a file for one photo, or a folder.
        edges: a file for one photo, a folder of edge maps named like the photos, or
            None.
        save_edges: give each job an `edges_output`, NAME_edges.png beside its output.
        mask_suffix: that masks beside their photos add to the photos' names.
        form: of results whose path has no ending; `same` is the photo's. None: PNG.
        skip_existing: leave photos out whose results exist.

    Raises:
        InputError: a path does not exist, nothing pairs, or a result would replace an
            input or another result.
    """
    roots = [photos] if isinstance(photos, Path) else list(photos)
    named = [("photo", root) for root in roots]
    for what, path in (*named, ("mask", mask), ("edge map", edges)):
        if path is not None and not path.exists():
            raise InputError(f"{what} {path} does not exist")
    is_folder = len(roots) > 1 or roots[0].is_dir()
    if is_folder:
        _check_folders(roots, mask, output, edges)
    plan = Plan([], output, is_folder)
    names = _list_photos(roots, plan)
    beside: dict[str, list[Path]] = {}
    if mask is None or any(mask.samefile(root) for root in roots):
        beside = _masks_beside(names, mask_suffix)
    masks_of = _finder(None if beside else mask, "mask", mask_suffix, plan)
    edges_of = _finder(edges, "edge map", "", plan)
    for name, photo in names.items():
        try:
            stem = stem_of(name)
            if beside and stem not in beside:
                base = base_of(name, mask_suffix)
                reason = f"it is named like a mask, but there is no photo {base}"
                raise InputError(reason if base else f"no mask {stem}{mask_suffix}")
            masks = beside[stem] if beside else [masks_of(name)]
            plan.jobs += _jobs_of(stem, photo, masks, edges_of(name), plan, form)
        except InputError as error:
            if not is_folder:
                raise InputError(f"{photo}: {error}") from None
            plan.problems[photo] = str(error)
    _drop_collisions(plan)
    if not plan.jobs:
        why = some(dict.fromkeys(plan.problems.values()), 1)
        raise InputError(
            f"no photo of {roots[0]} can be filled: photos are {some(names)}; {why}"
        )
    taken = {path for job in plan.jobs for path in (job.mask, job.edges)}
    plan.unused[:] = [path for path in plan.unused if path not in taken]
    if save_edges:
        plan.jobs[:] = [
            dataclasses.replace(
                job, edges_output=job.output.with_name(f"{job.output.stem}_edges.png")
            )
            for job in plan.jobs
        ]
    _check_outputs(plan.jobs)
    if not is_folder:
        plan.output = plan.jobs[0].output
    if skip_existing:
        plan.existing += [j.output for j in plan.jobs if os.path.lexists(j.output)]
        plan.jobs[:] = [j for j in plan.jobs if not os.path.lexists(j.output)]
    return plan


def _check_folders(
    roots: list[Path], mask: Path | None, output: Path, edges: Path | None
) -> None:
    several = f"with a folder or several photos ({roots[0]})"
    if output.suffix.lower() in FORMATS and not output.is_dir():
        raise InputError(f"{several} the output must be a folder, got {output}")
    if edges is not None and not edges.is_dir():
        raise InputError(
            f"{several} edges must be a folder of files named like them, got {edges}"
        )
    for path in (*roots, mask, edges):
        if path is not None and path.resolve() == output.resolve():
            raise InputError(f"output {output} is an input folder; give another")


def _list_photos(roots: list[Path], plan: Plan) -> dict[str, Path]:
    """Lists the photos, name -> file, and notes in the plan what is left out."""
    photos: dict[str, Path] = {}
    for root in roots:
        files = {root.name: root}
        if root.is_dir():
            files, others = list_images(root, without=plan.output)
            plan.not_images.extend(others)
        for name, path in files.items():
            if photos.setdefault(name, path) is not path:
                plan.problems[path] = f"{photos[name]} has the same name"
    return photos


def _masks_beside(photos: dict[str, Path], suffix: str) -> dict[str, list[Path]]:
    """Moves masks out of `photos`; returns the stem of their photo -> masks."""
    stems = {stem_of(name) for name in photos}
    found: dict[str, list[Path]] = {}
    for name in list(photos):
        base = base_of(name, suffix)
        if base in stems:
            found.setdefault(base, []).append(photos.pop(name))
    return found


def _finder(
    path: Path | None, what: str, suffix: str, plan: Plan
) -> Callable[[str], Path | None]:
    """Returns a function that finds a photo's partner; first all count as unused."""
    if path is None or not path.is_dir():
        return lambda name: path
    files, _ = list_images(path, without=plan.output)
    plan.unused.extend(files.values())
    return Partners(path, files, what, suffix).of


def _jobs_of(
    stem: str,
    photo: Path,
    masks: Sequence[Path | None],
    edges: Path | None,
    plan: Plan,
    form: OutputFormat | None,
) -> Iterator[Job]:
    for number, mask in enumerate(masks):
        if mask is not None and same_file(mask, photo):
            raise InputError(
                "it is its own mask; give another, or none to fill its transparent part"
            )
        if number and mask is not None:  # the first result has the photo's name
            stem = str(Path(stem).with_name(stem_of(mask.name)))
        output, ending = plan.output, _ending(photo, form)
        if plan.is_folder or output.is_dir() or not output.suffix:
            output = output / f"{stem}{ending}"
        elif form and FORMATS.get(output.suffix.lower()) != FORMATS[ending.lower()]:
            raise InputError(f"output {output} does not match --format {form}")
        yield Job(photo, mask, output, edges)


def _drop_collisions(plan: Plan) -> None:
    times = collections.Counter(job.output for job in plan.jobs)
    for job in plan.jobs:
        if times[job.output] > 1:
            why = f"another photo's result is {job.output} too; rename one"
            plan.problems[job.photo] = why
    plan.jobs[:] = [job for job in plan.jobs if times[job.output] == 1]


def _ending(photo: Path, form: OutputFormat | None) -> str:
    if form != "same":
        return f".{form or 'png'}"
    own = ""  # if it cannot be opened, reading it will say why
    with contextlib.suppress(Exception), photo.open("rb") as file:
        own = str(open_image(file).format).replace("MPO", "JPEG")
    endings = [ending for ending, name in FORMATS.items() if name == own]
    if not endings:
        logger.warning(
            "%s: %s cannot be written; the result is PNG", photo, own or "that"
        )
        return ".png"
    return photo.suffix if photo.suffix.lower() in endings else endings[0]


def _check_outputs(jobs: list[Job]) -> None:
    inputs = [path for job in jobs for path in (job.photo, job.mask, job.edges)]
    known = {_identity(path) for path in inputs if path and path.exists()}
    results: set[Path] = set()
    for job in jobs:
        for path in filter(None, (job.output, job.edges_output)):
            if path.exists() and _identity(path) in known:
                raise InputError(f"output {path} is an input itself; give another name")
            if path in results:
                raise InputError(
                    f"{path} would be written twice, as a photo's result and as "
                    "another's edges; rename the photo"
                )
            results.add(path)
    # One is enough: they share a folder. Existing files are checked one by one later.
    check_output(jobs[0].output, overwrite=True)


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
