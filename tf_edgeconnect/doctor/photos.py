"""Checks on photos: readable, of a fit size and shape, in colour, opaque."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tf_edgeconnect.data.files import FileSource
from tf_edgeconnect.data.source import Source
from tf_edgeconnect.doctor.findings import (
    A_FEW,
    Finding,
    Severity,
    Suspect,
    Track,
    by_share,
)
from tf_edgeconnect.doctor.looks import Look, look

LONGEST_ASPECT = 3.0  # of the sides: beyond it the centre square shows under a third
MANY_GRAY = 0.1  # share of the photos
_THREADS = 4

# Part of a reason -> the check's name, what is said of such photos, what to do.
_REASONS = {
    "100 megapixels": ("too-large", "are larger than 100 megapixels", "shrink them"),
    "a side is below": ("too-small", "have a side below 12 pixels", "remove them"),
    "": ("unreadable", "cannot be read", "mend or remove them"),
}


class Photo(NamedTuple):
    """A photo and what is known of it.

    Attributes:
        name: what to call it.
        read: returns the bytes of its file.
        size: height and width, upright, pixels; zeros where it is not known.
        path: its file, None where it has none of its own.
        look: None where its pixels were not looked at.
    """

    name: str
    read: Callable[[], bytes]
    size: tuple[int, int] = (0, 0)
    path: Path | None = None
    look: Look | None = None

    @property
    def suspect(self) -> Suspect:
        """The photo as a picture to look at."""
        return Suspect(self.name, self.read)


def photos_of(source: Source, folder: str = "") -> list[Photo]:
    """Lists the photos of a source.

    Args:
        source: the photos.
        folder: what to write before each name.
    """
    files = source if isinstance(source, FileSource) else None
    return [
        Photo(
            f"{folder}{source.key(index)}",
            partial(_contents, source, index),
            files.size(index) if files else (0, 0),
            Path(files.paths[index]) if files else None,
        )
        for index in range(len(source))
    ]


def _contents(source: Source, index: int) -> bytes:
    return source.encoded(index).contents


def evenly(total: int, count: int) -> list[int]:
    """Places spread evenly over a list: `count` of `total`, or all where 0 or more."""
    if not 0 < count < total:
        return list(range(total))
    return np.linspace(0, total - 1, count).round().astype(int).tolist()


def look_at(photos: Sequence[Photo], sample: int, track: Track) -> list[Photo]:
    """Looks at the pixels of some photos, or all.

    Args:
        photos: the photos.
        sample: how many to look at, spread evenly; 0 for all.
        track: shows progress.

    Returns:
        The photos, those that were looked at with their `look` and `size`.
    """
    places = evenly(len(photos), sample)
    looked = list(photos)
    with ThreadPoolExecutor(_THREADS) as pool:
        looks = pool.map(_look, (photos[place] for place in places))
        for place, seen in zip(
            places, track(looks, "looking at photos", total=len(places)), strict=True
        ):
            size = seen.size if seen.size[0] else photos[place].size
            looked[place] = photos[place]._replace(look=seen, size=size)
    return looked


def _look(photo: Photo) -> Look:
    try:
        return look(photo.read())
    except OSError as error:
        return Look(failure=error.strerror or str(error))


def check_readable(
    photos: Sequence[Photo],
    unreadable: Sequence[tuple[str, str]],
    max_bad_fraction: float,
) -> list[Finding]:
    """Finds photos that cannot be read, from their headers or at full decode.

    Args:
        photos: with a sound header.
        unreadable: (name, reason) of those without.
        max_bad_fraction: the share from which on training stops.
    """
    bad = [*unreadable]
    bad += [(p.name, p.look.failure) for p in photos if p.look and p.look.failure]
    total = len(photos) + len(unreadable)
    too_many = len(bad) > max_bad_fraction * total
    severity: Severity = "error" if too_many else "warning"
    groups: dict[str, list[str]] = defaultdict(list)
    for name, reason in bad:
        part = next(part for part in _REASONS if part in reason)
        groups[part].append(f"{name}: {reason}")
    stops = "; a run stops at this share (data.max_bad_fraction)" * too_many
    found = []
    for part, names in groups.items():
        check, what, remedy = _REASONS[part]
        what = f"photos that {what}: {len(names)} of {total}"
        found.append(Finding(severity, check, what, remedy + stops, tuple(names)))
    return found


def check_sizes(photos: Sequence[Photo], size: int) -> list[Finding]:
    """Finds photos that are too small for an example, or too long.

    Args:
        photos: the photos; those of unknown size are passed over.
        size: side of an example, pixels.
    """
    known = [photo for photo in photos if photo.size[0]]
    small = [photo for photo in known if min(photo.size) < size]
    long = [p for p in known if max(p.size) > LONGEST_ASPECT * min(p.size)]
    return [
        *_finding(
            "small",
            small,
            len(known),
            f"have a short side below data.size {size}",
            "they are enlarged, so training learns blur; leave them out or lower "
            "data.size",
        ),
        *_finding(
            "long",
            long,
            len(known),
            f"are longer than {LONGEST_ASPECT:g}:1",
            "the centre crop sees less than a third of them; cut them into pieces or "
            "--set data.crop=random",
        ),
    ]


def check_kinds(photos: Sequence[Photo]) -> list[Finding]:
    """Finds grey and transparent photos among those that were looked at."""
    seen = [(p, p.look) for p in photos if p.look and not p.look.failure]
    gray = [photo for photo, look in seen if look.is_gray]
    clear = [photo for photo, look in seen if look.is_transparent]
    return [
        *_finding(
            "gray",
            gray,
            len(seen),
            "are grey",
            "networks that see many learn dull colours; leave them out unless you mean "
            "it",
            harmless=MANY_GRAY,
        ),
        *_finding(
            "transparent",
            clear,
            len(seen),
            "are transparent in parts",
            "training drops the transparency and learns the colours under it; put "
            "them on a ground of your choice",
        ),
    ]


def _finding(
    check: str,
    photos: Sequence[Photo],
    total: int,
    what: str,
    remedy: str,
    harmless: float = A_FEW,
) -> list[Finding]:
    if not photos:
        return []
    return [
        Finding(
            by_share(len(photos), total, harmless),
            check,
            f"photos that {what}: {len(photos)} of {total}",
            remedy,
            tuple(photo.name for photo in photos),
            tuple(photo.suspect for photo in photos),
        )
    ]
