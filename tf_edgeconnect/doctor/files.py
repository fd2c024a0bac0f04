"""Checks on photo and mask files: readable, of a fit size, with a hole, in pairs."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tf_edgeconnect.doctor import Report, Severity, Track, untracked
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.masks import seems_inverted
from tf_edgeconnect.photos.names import IMAGE_SUFFIXES
from tf_edgeconnect.photos.reading import decode_photo, read_edges, read_mask

LONGEST_ASPECT = 3.0  # of the sides: beyond it the centre square shows under a third
_THREADS = 4

# What may be wrong with a mask: check -> (severity, what, remedy).
_MASK_FAULTS: dict[str, tuple[Severity, str, str]] = {
    "inverted": (
        "warning",
        "seem inverted, mostly white and so at the border",
        "white is the hole; look at them, then inpaint with --invert-mask, or leave "
        "them if holes should be so large",
    ),
    "no-hole": ("warning", "have no hole", "nothing is filled; remove them"),
    "all-hole": ("warning", "are all hole", "nothing is known to fill them from"),
    "gray-masks": (
        "note",
        "have grey values, as JPEG and soft brushes make them",
        "they are cut at 50 % here, elsewhere perhaps not; save them as black and "
        "white PNG",
    ),
}


class Look(NamedTuple):
    """What a photo or mask file shows.

    Attributes:
        name: what to call it.
        failure: why it cannot be read, or an empty string; then the rest is empty.
        size: height and width, upright, pixels.
        faults: of a mask, keys of `_MASK_FAULTS`.
    """

    name: str
    failure: str = ""
    size: tuple[int, int] = (0, 0)
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
    if images is not None:
        files = _list_images(images, "--images")
        photos = look_at_photos(
            list(files), lambda name: files[name].read_bytes(), sample, track
        )
        report.facts.append(_looked("photos", images, len(files), photos))
        bad = [photo.failure for photo in photos if photo.failure]
        _check_readable(report, "photos", bad, len(photos), allowed=1)
    if masks is not None:
        holes = check_masks(report, masks, sample, track)
        if images is not None:
            if masks.is_dir() and images.is_dir():
                names = list(_list_images(masks, "mask folder"))
                _check_names(report, list(files), names)
            _check_pair_sizes(report, photos, holes)


def _list_images(path: Path, what: str) -> dict[str, Path]:
    """Lists a file, or those of a folder: path below the folder -> file."""
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        raise InputError(f"{what} {path} does not exist; expected images")
    found = {
        file.relative_to(path).as_posix(): file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()
    }
    found = {name: file for name, file in found.items() if "/." not in f"/{name}"}
    if not found:
        raise InputError(f"{what} {path} holds no image files")
    return found


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
            return Look(name, size=decode_photo(read(name), name).size)
        except (InputError, OSError) as error:
            return Look(name, str(error))

    names = _some(names, sample)
    with ThreadPoolExecutor(_THREADS) as pool:
        looks = pool.map(look, names)
        return list(track(looks, "looking at photos", total=len(names)))


def _check_readable(
    report: Report, what: str, bad: Sequence[str], total: int, allowed: float = 0.0
) -> None:
    report.add_files(
        "error" if len(bad) > allowed * total else "warning",
        f"unreadable-{what}",
        f"{what} that cannot be read",
        bad,
        total,
        "mend, shrink or remove them",
    )


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
    _check_readable(report, "photos", bad, total, max_bad_fraction)
    sound = [photo for photo in photos if not photo.failure]
    report.add_files(
        None,
        "small",
        f"photos that have a short side below data.size {size}",
        [photo.name for photo in sound if min(photo.size) < size],
        len(sound),
        "they are enlarged, so training learns blur; leave them out or lower data.size",
    )
    report.add_files(
        None,
        "long",
        f"photos that are longer than {LONGEST_ASPECT:g}:1",
        [p.name for p in sound if max(p.size) > LONGEST_ASPECT * min(p.size)],
        len(sound),
        "the centre crop sees less than a third of them; cut them into pieces or "
        "--set data.crop=random",
    )


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
    files = _list_images(folder, "mask folder")
    names = _some(list(files), sample)
    reading = track(names, "looking at masks", total=len(names))
    masks = [look_at_mask(name, files[name]) for name in reading]
    report.facts.append(_looked("masks", folder, len(files), masks))
    bad = [mask.failure for mask in masks if mask.failure]
    _check_readable(report, "masks", bad, len(masks))
    for check, (severity, what, remedy) in _MASK_FAULTS.items():
        found = [mask.name for mask in masks if check in mask.faults]
        if check == "inverted" and 2 * len(found) > len(masks):
            severity = "error"
        what = f"masks that {what}"
        report.add_files(severity, check, what, found, len(masks), remedy)
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
        "gray-masks": bool(((gray > 0) & (gray < 255)).any()),
    }
    faults = tuple(check for check, is_there in has_fault.items() if is_there)
    return Look(name, size=hole.shape, faults=faults)


def _check_names(report: Report, photos: Sequence[str], masks: Sequence[str]) -> None:
    """Finds photos without a mask and masks without a photo, by name."""
    photo_stems, mask_stems = ({_stem(n) for n in names} for names in (photos, masks))
    if not photo_stems & mask_stems:
        what = "no mask has the name of a photo"
        remedy = "evaluate pairs them by a seed; inpaint asks for the same names"
        report.add("note", "pairing", what, remedy)
        return
    without = [name for name in photos if _stem(name) not in mask_stems]
    report.add_files(
        "warning",
        "no-mask",
        "photos without a mask of their name",
        without,
        len(photos),
        "inpaint leaves them out and evaluate then pairs none by name; add or rename "
        "masks",
    )
    report.add_files(
        "warning" if without else "note",
        "no-photo",
        "masks without a photo of their name",
        [name for name in masks if _stem(name) not in photo_stems],
        len(masks),
        "they are not used by name; rename or remove them",
    )


def _check_pair_sizes(
    report: Report, photos: Sequence[Look], masks: Sequence[Look]
) -> None:
    """Finds masks of another size than their photo; one mask serves all photos."""
    by_name = {_stem(mask.name): mask for mask in masks if not mask.failure}
    one_for_all = masks[0] if len(masks) == 1 and by_name else None
    pairs = [
        (photo, mask)
        for photo in photos
        if not photo.failure and (mask := one_for_all or by_name.get(_stem(photo.name)))
    ]
    report.add_files(
        "warning",
        "mask-size",
        "masks of another size than their photo",
        [
            f"{mask.name} {mask.size[1]}x{mask.size[0]} for "
            f"{photo.size[1]}x{photo.size[0]}"
            for photo, mask in pairs
            if photo.size != mask.size
        ],
        len(pairs),
        "they are stretched to it, which moves the hole; make them the same size",
    )


def _stem(name: str) -> str:
    return name.rpartition(".")[0]
