"""Which photo is filled with which mask, and where the result goes.

Paths as a person gives them enter, each a file or a folder; a `Plan` of one `Job` a
photo leaves. Nothing is read but the names in folders. No result may land on an input.
"""

import dataclasses
import os
from pathlib import Path

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.names import named_images, unpaired
from tf_edgeconnect.photos.writing import OUTPUT_SUFFIXES, check_output


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to fill.

    Attributes:
        photo: the file to read.
        mask: its mask.
        output: the file to write.
        edges: a drawing of its edges, or None.
        edges_output: the file to write the edges to, or None.
    """

    photo: Path
    mask: Path
    output: Path
    edges: Path | None = None
    edges_output: Path | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        jobs: at least one.
        output: the file or the folder that the results go to.
        is_folder: True if a folder of photos was given, however many are in it.
        lacking: photos left out -> what they lack.
        spare: masks and drawings that belong to no photo.
    """

    jobs: list[Job]
    output: Path
    is_folder: bool = False
    lacking: dict[Path, str] = dataclasses.field(default_factory=dict)
    spare: list[Path] = dataclasses.field(default_factory=list)


def plan_jobs(
    photo: Path,
    mask: Path,
    output: Path,
    edges: Path | None = None,
    *,
    save_edges: bool = False,
) -> Plan:
    """Pairs photos with masks, and with drawings if there are any, by name.

    Args:
        photo: a file, or a folder of photos.
        mask: a file (one for all photos), or a folder of masks of the same names.
        output: a file for one photo, or a folder.
        edges: a file for one photo, a folder of drawings of the same names, or None.
        save_edges: give each job an `edges_output`, NAME_edges.png beside its output.

    Returns:
        The plan.

    Raises:
        InputError: a path does not exist, nothing pairs, or a result would replace an
            input or another result.
    """
    for what, path in (("photo", photo), ("mask", mask), ("edge drawing", edges)):
        if path is not None and not path.exists():
            raise InputError(f"{what} {path} does not exist")
    make = _folder_plan if photo.is_dir() else _single_plan
    plan = make(photo, mask, output, edges)
    if save_edges:
        jobs = [
            dataclasses.replace(
                job, edges_output=job.output.with_name(f"{job.output.stem}_edges.png")
            )
            for job in plan.jobs
        ]
        plan = dataclasses.replace(plan, jobs=jobs)
    _check_outputs(plan.jobs)
    return plan


def _single_plan(photo: Path, mask: Path, output: Path, edges: Path | None) -> Plan:
    mask = mask if mask.is_file() else _of_name(mask, photo.stem, "mask")
    if edges is not None and not edges.is_file():
        edges = _of_name(edges, photo.stem, "edge drawing")
    if output.is_dir() or not output.suffix:
        output = output / f"{photo.stem}.png"
    return Plan([Job(photo, mask, output, edges)], output)


def _of_name(folder: Path, name: str, what: str) -> Path:
    files = named_images(folder)
    if name not in files:
        raise InputError(f"folder {folder} holds no {what} named {name}")
    return files[name]


def _folder_plan(photo: Path, mask: Path, output: Path, edges: Path | None) -> Plan:
    if output.suffix.lower() in OUTPUT_SUFFIXES and not output.is_dir():
        raise InputError(
            f"photo {photo} is a folder, so the output must be one too, got {output}"
        )
    if edges is not None and not edges.is_dir():
        raise InputError(
            f"photo {photo} is a folder, so edges must be a folder of drawings of the "
            f"same names, got {edges}"
        )
    for path in (photo, mask, edges):
        if path is not None and path.resolve() == output.resolve():
            raise InputError(f"output {output} is an input folder; give another")
    photos = named_images(photo, without=output)
    masks = named_images(mask) if mask.is_dir() else dict.fromkeys(photos, mask)
    drawings = {} if edges is None else named_images(edges)
    lacking = dict.fromkeys(unpaired(photos, masks), f"no mask of its name in {mask}")
    if edges is not None:
        for path in unpaired(photos, drawings):
            lacking.setdefault(path, f"no edge drawing of its name in {edges}")
    jobs = [
        Job(path, masks[name], output / f"{name}.png", drawings.get(name))
        for name, path in photos.items()
        if path not in lacking
    ]
    if not jobs:
        raise InputError(
            f"no photo of {photo} has {'a mask' if edges is None else 'a partner'} of "
            f"its name: photos are {_some(photos)}, masks are {_some(masks)}"
        )
    spare = [*unpaired(masks, photos), *unpaired(drawings, photos)]
    return Plan(jobs, output, True, lacking, spare)


def _some(names: dict[str, Path]) -> str:
    shown = list(names)[:3]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")


def _check_outputs(jobs: list[Job]) -> None:
    inputs = {
        _identity(path): path
        for job in jobs
        for path in (job.photo, job.mask, job.edges)
        if path is not None
    }
    results: set[Path] = set()
    for job in jobs:
        for path in (job.output, job.edges_output):
            if path is None:
                continue
            if path.exists() and _identity(path) in inputs:
                raise InputError(f"output {path} is an input itself; give another name")
            if path in results:
                raise InputError(
                    f"{path} would be written twice, as a photo's result and as "
                    "another's edges; rename the photo"
                )
            results.add(path)
    # The first stands for all: they share a folder. Each existing file is judged later.
    check_output(jobs[0].output, overwrite=True)


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
