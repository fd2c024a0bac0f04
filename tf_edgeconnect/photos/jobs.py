"""Which photo is filled with which mask, and where the result goes.

Paths as a person gives them enter, each a file or a folder; a `Plan` of one `Job` a
result leaves. Little is read but names. No result may land on an input.
"""

import collections
import dataclasses
import logging
import os
from collections.abc import Iterator, Sequence
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
from tf_edgeconnect.photos.writing import FORMATS, check_output

logger = logging.getLogger(__name__)

OutputFormat = Literal["png", "webp", "jpg", "tiff", "same"]


@dataclasses.dataclass(frozen=True)
class Job:
    """One photo to fill.

    Attributes:
        photo: the file to read.
        mask: its mask; None for its own transparent part.
        output: the file to write.
        edges: edges that a person drew for it, or None.
        edges_output: the file to write the edges to, or None.
    """

    photo: Path
    mask: Path | None
    output: Path
    edges: Path | None = None
    edges_output: Path | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        jobs: what is to be filled.
        output: the file or the folder that the results go to.
        is_folder: True unless the only photo was given as a file.
        lacking: photos that cannot be filled -> why.
        spare: masks and edges that belong to no photo.
        others: files of the folders that are no images.
        existing: results that are there and are to be left so.
    """

    jobs: list[Job]
    output: Path
    is_folder: bool = False
    lacking: dict[Path, str] = dataclasses.field(default_factory=dict)
    spare: list[Path] = dataclasses.field(default_factory=list)
    others: list[Path] = dataclasses.field(default_factory=list)
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
    """Pairs photos with masks, and with edges if there are any, by name.

    Args:
        photos: files, or folders of photos.
        mask: a file (one for all photos); a folder of masks of the same names; None for
            masks beside their photos, or without these the photos' transparent parts.
        output: a file for one photo, or a folder.
        edges: a file for one photo, a folder of edges of the same names, or None.
        save_edges: give each job an `edges_output`, NAME_edges.png beside its output.
        mask_suffix: what masks beside their photos add to the photos' names.
        form: of results whose path names none; `same` is that of the photo. None: PNG.
        skip_existing: leave results that exist, and do not fill their photos again.

    Returns:
        The plan.

    Raises:
        InputError: a path does not exist, nothing pairs, or a result would replace an
            input or another result.
    """
    roots = [photos] if isinstance(photos, Path) else list(photos)
    named = [("photo", root) for root in roots]
    for what, path in (*named, ("mask", mask), ("edge drawing", edges)):
        if path is not None and not path.exists():
            raise InputError(f"{what} {path} does not exist")
    is_folder = len(roots) > 1 or roots[0].is_dir()
    if is_folder:
        _check_folders(roots, mask, output, edges)
    planner = _Planner(roots, mask, output, edges, mask_suffix)
    jobs = list(planner.jobs(is_folder, form))
    if not is_folder and planner.lacking:
        raise InputError(*(f"{path}: {why}" for path, why in planner.lacking.items()))
    if not jobs:
        reasons = list(planner.lacking.values())
        raise InputError(
            f"no photo of {roots[0]} can be filled: photos are "
            f"{some(planner.photos)}; {some(dict.fromkeys(reasons), 1)}"
        )
    existing = [job.output for job in jobs if os.path.lexists(job.output)]
    existing = existing if skip_existing else []
    if save_edges:
        jobs = [_with_edges_output(job) for job in jobs]
    _check_outputs(jobs)
    return Plan(
        [job for job in jobs if job.output not in set(existing)],
        output if is_folder else jobs[0].output,
        is_folder,
        planner.lacking,
        planner.spare(jobs),
        planner.others,
        existing,
    )


def _check_folders(
    roots: list[Path], mask: Path | None, output: Path, edges: Path | None
) -> None:
    if output.suffix.lower() in FORMATS and not output.is_dir():
        raise InputError(
            f"photo {roots[0]} is not the only one, so the output must be a folder, "
            f"got {output}"
        )
    if edges is not None and not edges.is_dir():
        raise InputError(
            f"photo {roots[0]} is not the only one, so edges must be a folder of files "
            f"of the same names, got {edges}"
        )
    for path in (*roots, mask, edges):
        if path is not None and path.resolve() == output.resolve():
            raise InputError(f"output {output} is an input folder; give another")


class _Planner:
    """Brings the files of folders together; what cannot be filled is `lacking`."""

    def __init__(
        self,
        roots: list[Path],
        mask: Path | None,
        output: Path,
        edges: Path | None,
        mask_suffix: str,
    ) -> None:
        self.output, self.suffix = output, mask_suffix
        self.photos: dict[str, Path] = {}
        self.lacking: dict[Path, str] = {}
        self.others: list[Path] = []
        for root in roots:
            files = {root.name: root}
            if root.is_dir():
                files, others = list_images(root, without=output)
                self.others += others
            for name, path in files.items():
                if name in self.photos:
                    self.lacking[path] = f"{self.photos[name]} has the same name"
                self.photos.setdefault(name, path)
        self.mask, self.beside = mask, self._masks_beside(roots, mask)
        self.masks = self._partners(mask, "mask") if not self.beside else None
        self.edges_file = edges if edges is not None and edges.is_file() else None
        self.edges = self._partners(edges, "edge drawing")

    def _partners(self, folder: Path | None, what: str) -> Partners | None:
        if folder is None or not folder.is_dir():
            return None
        files, _ = list_images(folder, without=self.output)
        return Partners(folder, files, what, self.suffix)

    def _masks_beside(
        self, roots: list[Path], mask: Path | None
    ) -> dict[str, list[Path]]:
        """Takes the masks out of the photos: photo's name without ending -> masks."""
        if mask is not None and not any(mask.samefile(root) for root in roots):
            return {}
        stems = {stem_of(name) for name in self.photos}
        found: dict[str, list[Path]] = {}
        for name in list(self.photos):
            base = base_of(name, self.suffix)
            if base in stems:
                found.setdefault(base, []).append(self.photos.pop(name))
        return found

    def jobs(self, is_folder: bool, form: OutputFormat | None) -> Iterator[Job]:
        """Yields the jobs; photos of one result are left out, all of them."""
        planned = []
        for name, photo in self.photos.items():
            try:
                planned += list(self._jobs_of(name, photo, is_folder, form))
            except InputError as error:
                self.lacking[photo] = str(error)
        times = collections.Counter(job.output for job in planned)
        for job in planned:
            if times[job.output] > 1:
                self.lacking[job.photo] = (
                    f"another photo's result is {job.output} too; rename one"
                )
            else:
                yield job

    def _jobs_of(
        self, name: str, photo: Path, is_folder: bool, form: OutputFormat
    ) -> Iterator[Job]:
        edges = self.edges_file or (self.edges and self.edges.of(name))
        for number, mask in enumerate(self._masks_of(name)):
            if mask is not None and os.path.samefile(mask, photo):
                raise InputError(
                    "it is its own mask; give another, or none for its transparent part"
                )
            stem = stem_of(name)
            if number and mask is not None:  # several masks: the first has the name
                stem = str(Path(stem).with_name(stem_of(mask.name)))
            output = self.output
            if is_folder or output.is_dir() or not output.suffix:
                output = output / f"{stem}{_ending(photo, form)}"
            elif (
                form
                and FORMATS.get(output.suffix.lower()) != FORMATS[_ending(photo, form)]
            ):
                raise InputError(f"output {output} is not of --format {form}")
            yield Job(photo, mask, output, edges)

    def _masks_of(self, name: str) -> Sequence[Path | None]:
        if self.beside:
            if masks := self.beside.get(stem_of(name)):
                return masks
            raise InputError(f"no mask {stem_of(name)}{self.suffix}")
        return [self.masks.of(name) if self.masks else self.mask]

    def spare(self, jobs: list[Job]) -> list[Path]:
        """Lists masks and edges that no job takes."""
        taken = {path for job in jobs for path in (job.mask, job.edges)}
        files = [each.files.values() for each in (self.masks, self.edges) if each]
        return [path for group in files for path in group if path not in taken]


def _ending(photo: Path, form: OutputFormat | None) -> str:
    if form != "same":
        return f".{form or 'png'}"
    try:
        with photo.open("rb") as file:
            own = str(open_image(file).format).replace("MPO", "JPEG")
    except Exception:  # it is named when the photo is read
        own = ""
    endings = [ending for ending, name in FORMATS.items() if name == own]
    if not endings:
        logger.warning("%s: its result is PNG: it has a format to read only", photo)
        return ".png"
    return photo.suffix if photo.suffix.lower() in endings else endings[0]


def _is_same(one: str, other: str) -> bool:
    return FORMATS.get(one.lower()) == FORMATS[other.lower()]


def _with_edges_output(job: Job) -> Job:
    name = f"{job.output.stem}_edges.png"
    return dataclasses.replace(job, edges_output=job.output.with_name(name))


def _check_outputs(jobs: list[Job]) -> None:
    inputs = {
        _identity(path)
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
