"""Checks photo and mask files: readable, of a suitable size, with a hole, in pairs."""

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_edgeconnect.doctor import Report, Severity, Track, untracked
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.masks import seems_inverted
from tf_edgeconnect.photos.names import MASK_SUFFIX, Partners, list_images
from tf_edgeconnect.photos.reading import decode_photo, read_edges, read_mask

LONGEST_ASPECT = 3.0  # of the sides: beyond it the centre square shows under a third
A_FEW = 0.01  # share of files that does no harm
_THREADS = 4

# Check -> (severity, problem, remedy). Without a severity it is a note up to `A_FEW`
# of the files, then a warning.
_FAULTS: dict[str, tuple[Severity | None, str, str]] = {
    "no-image": ("note", "files that are not images", "they are left out"),
    "unreadable-photos": ("warning", "unreadable photos", "repair or remove them"),
    "unreadable-masks": ("error", "unreadable masks", "repair or remove them"),
    "small": (
        None,
        "photos whose short side is below data.size",
        "they are enlarged, so networks learn blur; leave them out or lower data.size",
    ),
    "long": (
        None,
        f"photos longer than {LONGEST_ASPECT:g}:1",
        "the centre crop sees less than a third of them; cut them into pieces or "
        "--set data.crop=random",
    ),
    "no-edges": (
        None,
        "photos without edges at this edge.sigma",
        "networks learn no edges from them; leave them out or lower edge.sigma",
    ),
    "inverted": (
        "warning",
        "masks that seem inverted: mostly white, even at the border",
        "white is the hole; pass --invert-mask to inpaint, or ignore this if the holes "
        "really are so large",
    ),
    "no-hole": ("warning", "masks without a hole", "nothing is filled; remove them"),
    "all-hole": ("warning", "masks that are all hole", "nothing is known to fill from"),
    "gray-masks": (
        "note",
        "masks with grey values, as from JPEG or soft brushes",
        "they are thresholded at 50 % here, but other programs may not do so; save "
        "them as black and white PNG",
    ),
    "no-mask": ("warning", "photos without a matching mask", "add or rename masks"),
    "no-photo": ("note", "masks without a matching photo", "rename or remove them"),
    "mask-size": (
        "warning",
        "masks of another size than their photo",
        "they are stretched to it, which moves the hole; make them the same size",
    ),
}


def add_files(
    report: Report,
    check: str,
    names: Sequence[str],
    total: int,
    severity: Severity | None = None,
) -> None:
    """Adds a finding about files, unless there are none.

    Args:
        report: takes the finding.
        check: a key of `_FAULTS`.
        names: of the files.
        total: number of files that were looked at.
        severity: instead of the usual one.
    """
    if names:
        usual, what, remedy = _FAULTS[check]
        by_share: Severity = "note" if len(names) <= A_FEW * total else "warning"
        what = f"{what}: {len(names)} of {total}"
        report.add(severity or usual or by_share, check, what, remedy, names)


class CheckedFile(NamedTuple):
    """A photo or mask file that was read.

    Attributes:
        name: what to call it.
        failure: why it cannot be read, or ""; then the rest is empty.
        size: height and width, upright, pixels.
        stored: height and width of a photo before its orientation is applied.
        faults: of a mask: checks of `_FAULTS`.
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
        report: takes the findings.
        images: a photo or a folder of photos; None checks only masks.
        masks: a mask or a folder of masks; None checks only photos.
        sample: how many photos and masks to read, spread evenly; 0 for all.
        track: shows progress.

    Raises:
        InputError: a path does not exist or holds no images.
    """
    read = []
    if images is not None:
        photos = _list_images(report, images)
        read = read_photos(
            list(photos), lambda name: photos[name].read_bytes(), sample, track
        )
        report.facts.append(f"read {len(read)} of {len(photos)} photos from {images}")
        bad = [photo.failure for photo in read if photo.failure]
        add_files(report, "unreadable-photos", bad, len(read))
    if masks is not None:
        holes = check_masks(report, masks, sample, track)
        if images is not None:
            pairs = dict.fromkeys(photos, masks.name)  # one mask for all
            if masks.is_dir():
                pairs = _check_names(report, list(photos), masks, images.is_dir())
            _check_sizes(report, read, holes, pairs)


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


def _some(names: Sequence[str], sample: int) -> Sequence[str]:
    """Takes at most `sample` names, spread evenly, or all where it is 0."""
    return names[:: -(-len(names) // sample)] if sample else names


def read_photos(
    names: Sequence[str], read: Callable[[str], bytes], sample: int, track: Track
) -> list[CheckedFile]:
    """Decodes some of the photos, given what reads the bytes of each name."""

    def decode(name: str) -> CheckedFile:
        try:
            photo = decode_photo(read(name), name)
        except (InputError, OSError) as error:
            return CheckedFile(name, str(error))
        stored = photo.size[::-1] if photo.orientation >= 5 else photo.size
        return CheckedFile(name, "", photo.size, stored)

    names = _some(names, sample)
    with ThreadPoolExecutor(_THREADS) as pool:
        photos = pool.map(decode, names)
        return list(track(photos, "reading photos", total=len(names)))


def check_training_photos(
    report: Report,
    photos: Sequence[CheckedFile],
    unreadable: Sequence[tuple[str, str]],
    max_bad_fraction: float,
    size: int,
) -> None:
    """Finds photos that training leaves out, enlarges or crops to a strip.

    Args:
        report: takes the findings.
        photos: those that were read.
        unreadable: (name, reason) of those with an unreadable header.
        max_bad_fraction: the share of unreadable photos that training tolerates.
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
) -> list[CheckedFile]:
    """Reads and checks the masks of a folder, or one mask file.

    Raises:
        InputError: there is none.
    """
    files = _list_images(report, folder)
    names = _some(list(files), sample)
    reading = track(names, "reading masks", total=len(names))
    masks = [_check_mask(name, files[name]) for name in reading]
    report.facts.append(f"read {len(masks)} of {len(files)} masks from {folder}")
    bad = [mask.failure for mask in masks if mask.failure]
    add_files(report, "unreadable-masks", bad, len(masks))
    for check in ("inverted", "no-hole", "all-hole", "gray-masks"):
        found = [mask.name for mask in masks if check in mask.faults]
        most_inverted = check == "inverted" and 2 * len(found) > len(masks)
        add_files(report, check, found, len(masks), "error" if most_inverted else None)
    return masks


def _check_mask(name: str, path: Path) -> CheckedFile:
    try:
        hole, gray = read_mask(path), read_edges(path)
    except InputError as error:
        return CheckedFile(name, str(error))
    has_fault = {
        "inverted": seems_inverted(hole),
        "no-hole": not hole.any(),
        "all-hole": hole.all(),
        "gray-masks": len(np.unique(gray)) > 2,
    }
    faults = tuple(check for check, is_there in has_fault.items() if is_there)
    return CheckedFile(name, size=hole.shape, faults=faults)


def _check_names(
    report: Report, photos: list[str], folder: Path, several: bool
) -> dict[str, str]:
    """Pairs photos with masks by name: photo -> mask; finds those left over."""
    masks = list_images(folder)[0]
    partners = Partners(folder, masks, "mask", MASK_SUFFIX)
    pairs = {}
    for name in photos:
        with contextlib.suppress(InputError):
            pairs[name] = partners.of(name).relative_to(folder).as_posix()
    if several and not pairs:
        what = "no mask has the name of a photo"
        remedy = "evaluate pairs them by a seed; inpaint needs the same names"
        report.add("note", "pairing", what, remedy)
    elif several:
        without = [name for name in photos if name not in pairs]
        add_files(report, "no-mask", without, len(photos))
        spare = [name for name in masks if name not in set(pairs.values())]
        severity: Severity | None = "warning" if without else None
        add_files(report, "no-photo", spare, len(masks), severity)
    return pairs


def _check_sizes(
    report: Report,
    photos: Sequence[CheckedFile],
    masks: Sequence[CheckedFile],
    pairs: dict[str, str],
) -> None:
    """Finds masks of another size than their photo, upright or as stored."""
    by_name = {mask.name: mask for mask in masks if not mask.failure}
    both = [
        (photo, by_name[pairs[photo.name]])
        for photo in photos
        if not photo.failure and pairs.get(photo.name) in by_name
    ]
    odd = [
        f"{mask.name} {mask.size[1]}x{mask.size[0]} for {photo.size[1]}x{photo.size[0]}"
        for photo, mask in both
        if mask.size not in (photo.size, photo.stored)
    ]
    add_files(report, "mask-size", odd, len(both))
