"""Checks on photo and mask files: readable, of a fit size, with a hole, in pairs."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_edgeconnect.doctor import Report, Severity, Track, untracked
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.jobs import MASK_SUFFIX
from tf_edgeconnect.photos.masks import seems_inverted
from tf_edgeconnect.photos.names import Partners, list_images
from tf_edgeconnect.photos.reading import decode_photo, read_edges, read_mask

LONGEST_ASPECT = 3.0  # of the sides: beyond it the centre square shows under a third
_THREADS = 4

A_FEW = 0.01  # share of files that does no harm

# What may be wrong with files: check -> (severity, what, remedy). Without a severity it
# is a note where `A_FEW` are concerned, else a warning.
_FAULTS: dict[str, tuple[Severity | None, str, str]] = {
    "no-image": ("note", "files that are no images", "they are left out"),
    "unreadable-photos": (
        "warning",
        "photos that cannot be read",
        "mend or remove them",
    ),
    "unreadable-masks": ("error", "masks that cannot be read", "mend or remove them"),
    "small": (
        None,
        "photos that have a short side below data.size",
        "they are enlarged, so training learns blur; leave them out or lower data.size",
    ),
    "long": (
        None,
        f"photos that are longer than {LONGEST_ASPECT:g}:1",
        "the centre crop sees less than a third of them; cut them into pieces or "
        "--set data.crop=random",
    ),
    "no-edges": (
        None,
        "photos without an edge at this edge.sigma",
        "they are blank or blurred and teach no edges; leave them out or lower it",
    ),
    "inverted": (
        "warning",
        "masks that seem inverted, mostly white and so at the border",
        "white is the hole; look at them, then inpaint with --invert-mask, or leave "
        "them if holes should be so large",
    ),
    "no-hole": ("warning", "masks that have no hole", "nothing is filled; remove them"),
    "all-hole": ("warning", "masks that are all hole", "nothing is known to fill from"),
    "gray-masks": (
        "note",
        "masks that have grey values, as JPEG and soft brushes make them",
        "they are cut at 50 % here, elsewhere perhaps not; save them as black and "
        "white PNG",
    ),
    "no-mask": (
        "warning",
        "photos without a mask of their name",
        "add or rename masks",
    ),
    "no-photo": (
        "note",
        "masks without a photo of their name",
        "rename or remove them",
    ),
    "mask-size": (
        "warning",
        "masks of another size than their photo",
        "they are stretched to it, which moves the hole; make them the same size",
    ),
}
_MASK_FAULTS = ("inverted", "no-hole", "all-hole", "gray-masks")


def add_files(
    report: Report,
    check: str,
    names: Sequence[str],
    total: int,
    severity: Severity | None = None,
) -> None:
    """Adds a finding on files, unless there are none.

    Args:
        report: takes what is found.
        check: a key of `_FAULTS`.
        names: of the files.
        total: number of files that were looked at.
        severity: in place of the usual one.
    """
    if names:
        usual, what, remedy = _FAULTS[check]
        by_share: Severity = "note" if len(names) <= A_FEW * total else "warning"
        what = f"{what}: {len(names)} of {total}"
        report.add(severity or usual or by_share, check, what, remedy, names)


class Look(NamedTuple):
    """What a photo or mask file shows.

    Attributes:
        name: what to call it.
        failure: why it cannot be read, or an empty string; then the rest is empty.
        size: height and width, upright, pixels.
        stored: the same of a photo as its file stores it.
        faults: of a mask, out of `_MASK_FAULTS`.
    """

    name: str
    failure: str = ""
    size: tuple[int, int] = (0, 0)
    stored: tuple[int, int] = (0, 0)
    faults: tuple[str, ...] = ()


def check_pairs(
    report: Report,
    images: Path | None,
    masks: Path | None,
    *,
    sample: int = 1000,
    track: Track = untracked,
) -> None:
    """Checks photos and masks that are to be filled or evaluated.

    Args:
        report: takes what is found.
        images: a photo or a folder of photos; None checks masks alone.
        masks: a mask or a folder of masks; None checks photos alone.
        sample: how many photos and masks to look into; 0 for all.
        track: shows progress.

    Raises:
        InputError: a path does not exist or holds no images.
    """
    photos, looks = {}, []
    if images is not None:
        photos = _list_images(report, images)
        looks = look_at_photos(
            list(photos), lambda name: photos[name].read_bytes(), sample, track
        )
        report.facts.append(_looked("photos", images, len(photos), looks))
        bad = [look.failure for look in looks if look.failure]
        add_files(report, "unreadable-photos", bad, len(looks))
    if masks is not None:
        holes = check_masks(report, masks, sample, track)
        if images is not None:
            _check_partners(report, images, photos, looks, masks, holes)


def _list_images(report: Report, path: Path) -> dict[str, Path]:
    """Lists a file, or those of a folder: path below the folder -> file."""
    if not path.exists():
        raise InputError(f"{path} does not exist; expected images")
    if path.is_file():
        return {path.name: path}
    images, others = list_images(path)
    names = [other.relative_to(path).as_posix() for other in others]
    add_files(report, "no-image", names, len(images) + len(others))
    return images


def _looked(what: str, where: object, count: int, looks: Sequence[Look]) -> str:
    return f"{count} {what} from {where}, looked into {len(looks)} (--sample)"


def _some(names: Sequence[str], sample: int) -> Sequence[str]:
    """Takes at most `sample` names, spread evenly, or all where it is 0."""
    return names[:: -(-len(names) // sample)] if sample else names


def look_at_photos(
    names: Sequence[str], read: Callable[[str], bytes], sample: int, track: Track
) -> list[Look]:
    """Decodes photos.

    Args:
        names: of all.
        read: returns the bytes of one, given its name.
        sample: how many to look at, spread evenly; 0 for all.
        track: shows progress.
    """

    def look(name: str) -> Look:
        try:
            photo = decode_photo(read(name), name)
        except (InputError, OSError) as error:
            return Look(name, str(error))
        stored = photo.size[::-1] if photo.orientation >= 5 else photo.size
        return Look(name, "", photo.size, stored)

    names = _some(names, sample)
    with ThreadPoolExecutor(_THREADS) as pool:
        looks = pool.map(look, names)
        return list(track(looks, "looking at photos", total=len(names)))


def check_training_photos(
    report: Report,
    photos: Sequence[Look],
    unreadable: Sequence[tuple[str, str]],
    max_bad_fraction: float,
    size: int,
) -> None:
    """Finds photos that training leaves out, enlarges or crops to a strip.

    Args:
        report: takes what is found.
        photos: that were looked at.
        unreadable: (name, reason) of those with an unfit header.
        max_bad_fraction: the share of unreadable ones that training tolerates.
        size: side of an example, pixels.
    """
    bad = [f"{name}: {reason}" for name, reason in unreadable]
    bad += [photo.failure for photo in photos if photo.failure]
    total = len(photos) + len(unreadable)
    stops = len(bad) > max_bad_fraction * total
    add_files(report, "unreadable-photos", bad, total, "error" if stops else None)
    sound = [photo for photo in photos if not photo.failure]
    small = [photo.name for photo in sound if min(photo.size) < size]
    add_files(report, "small", small, len(sound))
    long = [p.name for p in sound if max(p.size) > LONGEST_ASPECT * min(p.size)]
    add_files(report, "long", long, len(sound))


def check_masks(
    report: Report, folder: Path, sample: int = 1000, track: Track = untracked
) -> list[Look]:
    """Reads and checks masks.

    Args:
        report: takes what is found.
        folder: of masks, or one mask file.
        sample: how many to read, spread evenly; 0 for all.
        track: shows progress.

    Returns:
        What was read.

    Raises:
        InputError: there is none.
    """
    files = _list_images(report, folder)
    names = _some(list(files), sample)
    reading = track(names, "looking at masks", total=len(names))
    masks = [look_at_mask(name, files[name]) for name in reading]
    report.facts.append(_looked("masks", folder, len(files), masks))
    bad = [mask.failure for mask in masks if mask.failure]
    add_files(report, "unreadable-masks", bad, len(masks))
    for check in _MASK_FAULTS:
        found = [mask.name for mask in masks if check in mask.faults]
        most_inverted = check == "inverted" and 2 * len(found) > len(masks)
        add_files(report, check, found, len(masks), "error" if most_inverted else None)
    return masks


def look_at_mask(name: str, path: Path) -> Look:
    """Reads one mask file."""
    try:
        hole, gray = read_mask(path), read_edges(path)
    except InputError as error:
        return Look(name, str(error))
    has_fault = {
        "inverted": seems_inverted(hole),
        "no-hole": not hole.any(),
        "all-hole": hole.all(),
        "gray-masks": len(np.unique(gray)) > 2,
    }
    faults = tuple(check for check, is_there in has_fault.items() if is_there)
    return Look(name, size=hole.shape, faults=faults)


def _check_partners(
    report: Report,
    images: Path,
    photos: dict[str, Path],
    looks: Sequence[Look],
    folder: Path,
    holes: Sequence[Look],
) -> None:
    """Finds photos without a mask, masks without a photo, and pairs of two sizes."""
    pairs = dict.fromkeys(photos, folder.name)  # one mask for all
    if folder.is_dir():
        masks = list_images(folder)[0]
        pairs = _paired(photos, folder, masks)
        if images.is_dir():
            _check_names(report, list(photos), list(masks), pairs)
    by_name = {hole.name: hole for hole in holes if not hole.failure}
    both = [
        (look, by_name[pairs[look.name]])
        for look in looks
        if not look.failure and pairs.get(look.name) in by_name
    ]
    odd = [
        f"{hole.name} {hole.size[1]}x{hole.size[0]} for {look.size[1]}x{look.size[0]}"
        for look, hole in both
        if hole.size not in (look.size, look.stored)
    ]
    add_files(report, "mask-size", odd, len(both))


def _paired(
    photos: Iterable[str], folder: Path, masks: dict[str, Path]
) -> dict[str, str]:
    """Finds the mask of each photo that has one, by name."""
    partners = Partners(folder, masks, "mask", MASK_SUFFIX)
    found = {}
    for name in photos:
        with contextlib.suppress(InputError):
            found[name] = partners.of(name).relative_to(folder).as_posix()
    return found


def _check_names(
    report: Report, photos: list[str], masks: list[str], pairs: dict[str, str]
) -> None:
    if not pairs:
        what = "no mask has the name of a photo"
        remedy = "evaluate pairs them by a seed; inpaint asks for the same names"
        report.add("note", "pairing", what, remedy)
        return
    without = [name for name in photos if name not in pairs]
    add_files(report, "no-mask", without, len(photos))
    spare = [name for name in masks if name not in set(pairs.values())]
    add_files(report, "no-photo", spare, len(masks), "warning" if without else None)
