"""Photos for validation that are in the training photos too, or nearly.

Exact copies are found among all files, by their bytes. Nearly equal photos are found
among those whose pixels were looked at: their hashes differ in few bits, and then their
thumbnails have to agree, since hashes of plain pictures collide. That finds a photo
that was resized, brightened, saved again or turned grey, and none that was cropped.

Reference: N. Krawetz, "Kind of Like That", 2013 (the difference hash).
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_edgeconnect.doctor.findings import Finding, Track
from tf_edgeconnect.doctor.looks import Look
from tf_edgeconnect.doctor.photos import Photo

MAX_BITS = 16  # of 128 that may differ
MIN_CORRELATION = 0.97  # of the thumbnails
MIN_CONTRAST = 6.0  # standard deviation of a thumbnail's grey; below, nothing is told

Pair = tuple[Photo, Photo]


def check_duplicates(
    training: Sequence[Photo], held_out: Sequence[Photo], track: Track
) -> list[Finding]:
    """Finds photos that are on both sides.

    Args:
        training: photos to train on.
        held_out: photos for validation.
        track: shows progress.
    """
    pairs = [*copies(training, held_out, track), *lookalikes(training, held_out)]
    first = {held.name: (held, trained) for held, trained in reversed(pairs)}
    if not first:
        return []
    found = sorted(first.items())
    return [
        Finding(
            "warning",
            "duplicates",
            f"photos for validation that are in training too: {len(found)} of "
            f"{len(held_out)}",
            "scores on them flatter; take them out of one side",
            tuple(f"{held.name} = {trained.name}" for _, (held, trained) in found),
            tuple(photo.suspect for _, pair in found for photo in pair),
        )
    ]


def copies(
    training: Sequence[Photo], held_out: Sequence[Photo], track: Track
) -> list[Pair]:
    """Finds files of the same bytes: (held out, training)."""
    held_by_size, trained_by_size = _by_size(held_out), _by_size(training)
    shared = sorted(held_by_size.keys() & trained_by_size.keys())
    pairs = []
    for size in track(shared, "comparing files", total=len(shared)):
        trained = {_digest(path): photo for path, photo in trained_by_size[size]}
        for path, held in held_by_size[size]:
            if (digest := _digest(path)) in trained:
                pairs.append((held, trained[digest]))
    return pairs


def _by_size(photos: Sequence[Photo]) -> dict[int, list[tuple[Path, Photo]]]:
    found = defaultdict(list)
    for photo in photos:
        if photo.path is not None:
            found[photo.path.stat().st_size].append((photo.path, photo))
    return found


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def lookalikes(training: Sequence[Photo], held_out: Sequence[Photo]) -> list[Pair]:
    """Finds photos that look the same: (held out, training)."""
    trained, held = _told_apart(training), _told_apart(held_out)
    if not trained or not held:
        return []
    hashes = np.stack([look.hash for _, look in trained])
    pairs = []
    for photo, look in held:
        bits = np.bitwise_count(hashes ^ look.hash).sum(axis=1)
        alike = [
            (_correlation(look, trained[place][1]), place)
            for place in np.flatnonzero(bits <= MAX_BITS)
        ]
        if alike and max(alike)[0] >= MIN_CORRELATION:
            pairs.append((photo, trained[max(alike)[1]][0]))
    return pairs


def _told_apart(photos: Sequence[Photo]) -> list[tuple[Photo, Look]]:
    seen = [(p, p.look) for p in photos if p.look and not p.look.failure]
    return [pair for pair in seen if pair[1].thumbnail.std() >= MIN_CONTRAST]


def _correlation(one: Look, other: Look) -> float:
    first, second = (look.thumbnail.astype(np.float64).ravel() for look in (one, other))
    return float(np.corrcoef(first, second)[0, 1])
