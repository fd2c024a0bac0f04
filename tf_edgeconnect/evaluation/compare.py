"""Joins evaluations of several systems, where they can be compared."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.results import ALL, Evaluation


def read_comparable(folders: Sequence[str | Path]) -> list[Evaluation]:
    """Reads evaluations that share a table, one column each.

    Args:
        folders: of finished evaluations, in the order of the columns.

    Returns:
        The evaluations, cut to the pictures that all of them have, each with a label of
        its own.

    Raises:
        InputError: a folder holds none or comes twice, they were not measured alike
            (the line names what differs), or they share no picture.
    """
    counts = Counter(Path(folder).resolve() for folder in folders)
    twice = [folder for folder, count in counts.items() if count > 1]
    if twice:
        raise InputError(f"{twice[0]} is given twice; give each evaluation once")
    evaluations = [Evaluation.read(folder) for folder in folders]
    for other in evaluations[1:]:
        _check_alike(evaluations[0], other)
    return _labelled(_shared(evaluations))


def _check_alike(first: Evaluation, other: Evaluation) -> None:
    ours, theirs = first.conditions(), other.conditions()
    for key in sorted(ours.keys() | theirs.keys(), key=_plain_ones_first):
        if ours.get(key) != theirs.get(key):
            raise InputError(
                f"{first.folder} and {other.folder} cannot be compared: "
                f"{_difference(key, ours.get(key), theirs.get(key))}; evaluate both "
                "with the same photos, masks and options"
            )


def _plain_ones_first(key: str) -> tuple[bool, str]:
    return key in ("items", "left_out"), key


def _difference(key: str, ours: Any, theirs: Any) -> str:
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return f"{key} is {ours} there and {theirs} here"
    pairs = zip(ours, theirs, strict=False)
    place = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
    if place is None:
        return f"{key} are {len(ours)} there and {len(theirs)} here"
    a, b = ours[place], theirs[place]
    if isinstance(a, dict) and isinstance(b, dict) and a.get("name") == b.get("name"):
        part = next(k for k in sorted(a.keys() | b.keys()) if a.get(k) != b.get(k))
        return f"{part} of {a.get('name')} in {key} differs"
    name = [x.get("name") if isinstance(x, dict) else x for x in (a, b)]
    return f"{key} differ from number {place + 1} on, {name[0]} there, {name[1]} here"


def _shared(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Cuts to the pictures that all have, and tells what that changes."""
    names = [{image.name for image in one.images} for one in evaluations]
    shared = set.intersection(*names)
    if not shared:
        raise InputError(
            "the evaluations share no measured picture: "
            + ", ".join(str(one.folder) for one in evaluations)
        )
    lost = set.union(*names) - shared
    if not lost:
        return evaluations
    bins = {x.bin for one in evaluations for x in one.images if x.name in lost}
    bins.add(ALL)
    warning = (
        f"{len(lost)} pictures that not every system has are left out of all columns, "
        f"and so is the FID of {', '.join(sorted(bins))}, which had counted them"
    )
    return [
        replace(
            one,
            images=tuple(image for image in one.images if image.name in shared),
            fid={label: None if label in bins else f for label, f in one.fid.items()},
            warnings=(*one.warnings, warning),
        )
        for one in evaluations
    ]


def _labelled(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Adds the folder to a label that several have."""
    count = Counter(one.system for one in evaluations)
    return [
        replace(one, system=f"{one.system} ({one.folder})")
        if count[one.system] > 1
        else one
        for one in evaluations
    ]
