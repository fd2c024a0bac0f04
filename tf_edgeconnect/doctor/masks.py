"""Checks on mask files: readable, with a hole, white = hole, black and white alone."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tf_edgeconnect.doctor.findings import (
    Checkup,
    Finding,
    Severity,
    Suspect,
    Track,
)
from tf_edgeconnect.doctor.mask_looks import Mask, list_masks, look_at_masks

MANY_DOUBTFUL = 0.01  # share of a mask's pixels
BINS = 10


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
