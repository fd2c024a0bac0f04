"""Checks on mask files: readable, with a hole, white = hole, black and white alone."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tf_edgeconnect.data.pairing import IMAGE_SUFFIXES
from tf_edgeconnect.data.photo_decoding import load_image, read_bytes
from tf_edgeconnect.data.photos import read_gray
from tf_edgeconnect.doctor.findings import (
    Checkup,
    Finding,
    Severity,
    Suspect,
    Track,
)
from tf_edgeconnect.doctor.photos import evenly
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY

# A mask is taken for inverted if both its hole and the border's share of it are larger.
INVERTED_RATIO, INVERTED_BORDER = 0.5, 0.6
# Grey values between these, of 255, could be either; beyond are noise of JPEG.
DOUBTFUL = (64, 191)
MANY_DOUBTFUL = 0.01  # share of a mask's pixels
BINS = 10


class MaskLook(NamedTuple):
    """What a mask file shows.

    Attributes:
        failure: why it cannot be read, or an empty string; then the rest is empty.
        size: height and width, pixels.
        ratio: share of the hole.
        border: share of the hole in the outermost pixels.
        gray: share of pixels that are neither black nor white.
        doubtful: share of pixels that are about half grey.
        is_transparent: whether some of it is.
    """

    failure: str = ""
    size: tuple[int, int] = (0, 0)
    ratio: float = 0.0
    border: float = 0.0
    gray: float = 0.0
    doubtful: float = 0.0
    is_transparent: bool = False

    @property
    def is_odd(self) -> bool:
        """Whether its hole is not what it should be, and its ratio tells nothing."""
        return self.ratio in (0, 1) or self.seems_inverted

    @property
    def seems_inverted(self) -> bool:
        """Whether black rather than white seems to be the hole."""
        all_hole = self.ratio == 1
        large = self.ratio > INVERTED_RATIO and self.border > INVERTED_BORDER
        return large and not all_hole


class Mask(NamedTuple):
    """A mask file.

    Attributes:
        name: its path below the folder.
        path: the file.
        look: empty where it was not looked at.
    """

    name: str
    path: Path
    look: MaskLook = MaskLook()


def list_masks(folder: Path) -> list[Mask]:
    """Lists the mask files of a folder and of those below it, or one mask file.

    Raises:
        InputError: there is none.
    """
    if folder.is_file():
        return [Mask(folder.name, folder)]
    if not folder.is_dir():
        raise InputError(f"mask folder {folder} does not exist; give one with masks")
    found = [
        Mask(path.relative_to(folder).as_posix(), path)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    ]
    found = [mask for mask in found if not _is_hidden(mask.name)]
    if not found:
        raise InputError(f"mask folder {folder} holds no image files")
    return found


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in Path(name).parts)


def look_at_masks(masks: Sequence[Mask], sample: int, track: Track) -> list[Mask]:
    """Reads masks.

    Args:
        masks: the files.
        sample: how many to read, spread evenly; 0 for all.
        track: shows progress.

    Returns:
        Those that were read, with their `look`.
    """
    places = evenly(len(masks), sample)
    read = track(places, "looking at masks", total=len(places))
    return [
        masks[place]._replace(look=look_at_mask(masks[place].path)) for place in read
    ]


def examine(
    folder: Path, sample: int, track: Track
) -> tuple[list[Mask], list[Mask], Checkup]:
    """Lists, reads and checks the masks of a folder, or one mask file.

    Args:
        folder: the folder or file.
        sample: how many to read, spread evenly; 0 for all.
        track: shows progress.

    Returns:
        All masks, those that were read, and what was found.

    Raises:
        InputError: there is none.
    """
    listed = list_masks(folder)
    masks = look_at_masks(listed, sample, track)
    fact = f"{len(listed)} masks from {folder}, looked into {len(masks)}; hole ratios: "
    checkup = Checkup([fact + histogram(masks)])
    checkup.add(check_masks(masks))
    return listed, masks, checkup


def look_at_mask(path: Path) -> MaskLook:
    """Reads one mask file."""
    try:
        gray = read_gray(path, "mask")
        image = load_image(path, read_bytes(path, "mask"), "mask")
    except InputError as error:
        return MaskLook(failure=str(error))
    hole = gray > HALF_GRAY
    rim = np.concatenate([hole[0], hole[-1], hole[:, 0], hole[:, -1]])
    return MaskLook(
        size=hole.shape,
        ratio=float(hole.mean()),
        border=float(rim.mean()),
        gray=float(((gray > 0) & (gray < 255)).mean()),
        doubtful=float(((gray >= DOUBTFUL[0]) & (gray <= DOUBTFUL[1])).mean()),
        is_transparent=_is_transparent(image),
    )


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    return bool(np.asarray(image.convert("RGBA").getchannel("A")).min() < 255)


def check_masks(masks: Sequence[Mask]) -> list[Finding]:
    """Finds what is wrong with masks that were read."""
    sound = [mask for mask in masks if not mask.look.failure]

    def found(
        severity: Severity,
        check: str,
        where: Callable[[Mask], bool],
        what: str,
        remedy: str,
    ) -> list[Finding]:
        some = [mask for mask in sound if where(mask)]
        return _finding(severity, check, some, len(sound), what, remedy)

    inverted = sum(mask.look.seems_inverted for mask in sound)
    doubtful = any(mask.look.doubtful > MANY_DOUBTFUL for mask in sound)
    return [
        *_unreadable(masks),
        *found(
            "warning",
            "no-hole",
            lambda mask: mask.look.ratio == 0,
            "have no hole",
            "nothing is filled; remove them",
        ),
        *found(
            "warning",
            "all-hole",
            lambda mask: mask.look.ratio == 1,
            "are all hole",
            "nothing is known to fill them from; remove them",
        ),
        *found(
            "error" if 2 * inverted > len(sound) else "warning",
            "inverted",
            lambda mask: mask.look.seems_inverted,
            "seem inverted, mostly white and so at the border",
            "white is the hole here; look at them, then --fix-masks D --invert, or "
            "leave them if holes should be so large",
        ),
        *found(
            "warning" if doubtful else "note",
            "gray-masks",
            lambda mask: mask.look.gray > 0,
            "have grey values, as JPEG and soft brushes make them",
            "they are cut at 50 % here, elsewhere perhaps not; --fix-masks D writes "
            "them black and white",
        ),
        *found(
            "warning",
            "transparent-masks",
            lambda mask: mask.look.is_transparent,
            "are transparent in parts",
            "inpaint takes those parts for black, training takes the colour under "
            "them; --fix-masks D writes what inpaint sees",
        ),
    ]


def _unreadable(masks: Sequence[Mask]) -> list[Finding]:
    bad = [mask for mask in masks if mask.look.failure]
    what, remedy = "cannot be read", "mend or remove them; training refuses to start"
    return _finding("error", "unreadable-masks", bad, len(masks), what, remedy)


def _finding(
    severity: Severity,
    check: str,
    masks: Sequence[Mask],
    total: int,
    what: str,
    remedy: str,
) -> list[Finding]:
    if not masks:
        return []
    names = tuple(mask.name for mask in masks)
    suspects = tuple(Suspect(mask.name, mask.path.read_bytes) for mask in masks)
    what = f"masks that {what}: {len(masks)} of {total}"
    return [Finding(severity, check, what, remedy, names, suspects)]


def check_training_masks(masks: Sequence[Mask], size: int) -> list[Finding]:
    """Finds masks that training has to squeeze or enlarge to its squares.

    Args:
        masks: that were read.
        size: side of an example, pixels.
    """
    sound = [mask for mask in masks if not mask.look.failure]
    odd = [mask for mask in sound if mask.look.size[0] != mask.look.size[1]]
    small = [mask for mask in sound if max(mask.look.size) < size]
    squeezed = "training squeezes them into squares; crop them yourself if that matters"
    enlarged = "their holes get blocky rims; make them that large"
    return [
        *_finding("note", "odd-masks", odd, len(sound), "are not square", squeezed),
        *_finding(
            "note",
            "small-masks",
            small,
            len(sound),
            f"are smaller than data.size {size}",
            enlarged,
        ),
    ]


def check_ratios(
    masks: Sequence[Mask], trained_on: tuple[float, float], where: str
) -> list[Finding]:
    """Finds masks whose holes are larger or smaller than those trained on.

    Args:
        masks: that were read.
        trained_on: range of hole ratios.
        where: what the range is of, in words.
    """
    low, high = trained_on
    sound = [mask for mask in masks if not mask.look.failure]
    outside = [mask for mask in sound if not low <= mask.look.ratio <= high]
    return _finding(
        "note",
        "hole-ratio",
        [mask for mask in outside if not mask.look.is_odd],
        len(sound),
        f"have hole ratios outside {where} {low:g} to {high:g}",
        "networks fill best what they were trained on; widen mask.hole_ratio or take "
        "other masks",
    )


def histogram(masks: Sequence[Mask]) -> str:
    """Counts masks by tenths of hole ratio, in one line."""
    ratios = [mask.look.ratio for mask in masks if not mask.look.failure]
    counts, _ = np.histogram(ratios, BINS, (0, 1))
    tenths = [
        f"{100 * place // BINS}-{100 * (place + 1) // BINS}%: {count}"
        for place, count in enumerate(counts)
        if count
    ]
    return ", ".join(tenths) or "none"
