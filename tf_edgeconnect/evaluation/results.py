"""Reads the folder of an evaluation, or of several that can be compared.

| file | holds |
|---|---|
| `manifest.json` | what was measured: photos, masks, bins, protocol, versions |
| `system.json` | what filled the holes, and where photos and masks were |
| `images.jsonl` | one line a picture, appended as soon as it is measured |
| `filled/*.png`, `edges/*.png` | filled photos; edges, if the system has any |
| `summary.json` | FID, what is missing and why; written last |

Two systems were measured on the same pictures if their manifests differ only in
`versions`.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from tf_edgeconnect.errors import InputError

ALL = "all"

MANIFEST, SYSTEM, SUMMARY = "manifest.json", "system.json", "summary.json"
JOURNAL = "images.jsonl"


@dataclass(frozen=True)
class ImageResult:
    """The metrics of one picture.

    Attributes:
        name: path below the folder of photos, without the ending.
        bin: label of the bin of its hole ratio, such as "10-20%", or "block".
        hole_ratio: share of hole pixels, 0 to 1.
        l1: in %, as the protocol defines it.
        psnr: dB.
        ssim: at most 1.
        lpips: None without weights, and for a picture too small or too large for it.
        edge_histogram: see `measure.edge_histogram`; None if the system has no edges.
        note: a caveat for readers, or "".
    """

    name: str
    bin: str
    hole_ratio: float
    l1: float
    psnr: float
    ssim: float
    lpips: float | None = None
    edge_histogram: list[list[int]] | None = None
    note: str = ""


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation of one system.

    Attributes:
        folder: where it is.
        system: label of what filled the holes, the heading of its column.
        manifest: content of `manifest.json`.
        details: content of `system.json`: `kind` ("model", "predictions" or
            "baseline"), `label`, `edges` (mode, or None), `images` and `masks` (the
            folders' absolute paths), and hashes of what filled the holes.
        images: one per measured picture, in the manifest's order.
        fid: bin -> FID or None; the last key is "all".
        missing: metric -> why it was not computed.
        failed: picture -> why this system has no result for it.
        warnings: caveats for readers, one line each.
    """

    folder: Path
    system: str
    manifest: dict[str, Any]
    details: dict[str, Any]
    images: tuple[ImageResult, ...]
    fid: dict[str, float | None]
    missing: dict[str, str]
    failed: dict[str, str]
    warnings: list[str]

    @classmethod
    def read(cls, folder: str | Path) -> "Evaluation":
        """Reads the folder that `tf-edgeconnect evaluate -o FOLDER` has written.

        Raises:
            InputError: there is no evaluation, or it is not finished.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file():
            raise InputError(
                f"{folder} holds no evaluation ({MANIFEST} is missing); give a "
                "folder that `tf-edgeconnect evaluate -o` has written"
            )
        if not (folder / SUMMARY).is_file():
            raise InputError(
                f"the evaluation in {folder} is not finished; run its command again to "
                "continue it"
            )
        manifest, details, summary = (
            read_json(folder / name) for name in (MANIFEST, SYSTEM, SUMMARY)
        )
        images = read_images(folder, manifest)
        return cls(folder, details["label"], manifest, details, images, **summary)

    @property
    def edge_threshold(self) -> float:
        """The strength above which an edge counts as predicted, 0 to 1."""
        return self.details.get("edge_threshold", 0.5)

    def bins(self) -> list[str]:
        """Returns the labels of the bins that hold pictures, and "all"."""
        return list(self.fid)

    def in_bin(self, label: str) -> list[ImageResult]:
        """Returns the measured pictures of a bin, or all for "all"."""
        return [image for image in self.images if label in (ALL, image.bin)]


def read_images(folder: Path, manifest: Mapping[str, Any]) -> tuple[ImageResult, ...]:
    """Reads the results so far, in the manifest's order.

    Raises:
        InputError: another version of the program wrote the journal.
    """
    journal = folder / JOURNAL
    lines = {}
    if journal.exists():
        for text in journal.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:  # half a line of a killed run
                continue
            lines[line["name"]] = line
    try:
        return tuple(
            ImageResult(
                bin=item["bin"], hole_ratio=item["hole_ratio"], **lines[item["name"]]
            )
            for item in manifest["items"]
            if item["name"] in lines
        )
    except TypeError as error:
        raise InputError(
            f"{journal} is of another version ({error}); evaluate again in a new folder"
        ) from None


def filled_path(folder: Path, name: str) -> Path:
    """Returns the path of a filled picture."""
    return folder / "filled" / f"{name}.png"


def edges_path(folder: Path, name: str) -> Path:
    """Returns the path of a picture's edges, if the system predicts any."""
    return folder / "edges" / f"{name}.png"


def open_journal(folder: Path) -> TextIO:
    """Opens the journal for appending whole lines, for this process alone.

    Windows has no `flock`: there a second process is not noticed.

    Raises:
        InputError: another process has it open.
    """
    journal = (folder / JOURNAL).open("a", encoding="utf-8")
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            journal.close()
            raise InputError(
                f"another process is measuring in {folder}: wait for it, or give "
                "another folder"
            ) from None
    journal.truncate((folder / JOURNAL).read_bytes().rfind(b"\n") + 1)
    return journal


def read_json(path: Path) -> dict[str, Any]:
    """Reads one of the folder's JSON files.

    Raises:
        InputError: it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: the evaluation is damaged") from None
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from None


def read_comparable(folders: Sequence[str | Path]) -> list[Evaluation]:
    """Reads evaluations to be compared in one table, in the order of the columns.

    Returns:
        The evaluations, limited to the pictures that all of them have, with unique
        labels.

    Raises:
        InputError: a folder holds no evaluation or is given twice, they were measured
            differently, or they share no picture.
    """
    (folder, count), *_ = Counter(Path(x).resolve() for x in folders).most_common(1)
    if count > 1:
        raise InputError(f"{folder} is given twice; give each evaluation once")
    evaluations = [Evaluation.read(folder) for folder in folders]
    first = evaluations[0]
    for other in evaluations[1:]:
        if change := difference(first.manifest, other.manifest, ("versions",)):
            raise InputError(
                f"{first.folder} and {other.folder} cannot be compared: {change}; "
                "evaluate both with the same photos, masks and options"
            )
    labels = [one.system for one in evaluations]
    return [
        replace(
            one, system=f"{label} ({one.folder})" if labels.count(label) > 1 else label
        )
        for label, one in zip(labels, _shared(evaluations), strict=True)
    ]


def difference(
    first: Mapping[str, Any], other: Mapping[str, Any], ignored: Sequence[str]
) -> str | None:
    """Describes the first difference of two manifests or systems; None if equal."""
    last = ("items", "left_out")
    for key in sorted(first.keys() | other.keys(), key=lambda x: (x in last, x)):
        there: Any = first.get(key)
        here: Any = other.get(key)
        if key in ignored or there == here:
            continue
        if key in last:
            changed = (x for x in [*there, *here] if x not in there or x not in here)
            return f"{key} differ, the first of them {next(changed)['name']}"
        text = f"{key} is {json.dumps(there)} there and {json.dumps(here)} here"
        return text if len(text) < 120 else f"{key} differs"
    return None


def _shared(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Limits evaluations to the pictures that all have, with a warning."""
    names = [{image.name for image in one.images} for one in evaluations]
    shared = set.intersection(*names)
    if not shared:
        folders = ", ".join(str(one.folder) for one in evaluations)
        raise InputError(f"the evaluations share no measured picture: {folders}")
    lost = set.union(*names) - shared
    if not lost:
        return evaluations
    bins = {x.bin for one in evaluations for x in one.images if x.name in lost} | {ALL}
    warning = (
        f"{len(lost)} pictures that not every system has are left out of all columns, "
        f"and so is the FID of {', '.join(sorted(bins))}, which included them"
    )
    return [
        replace(
            one,
            images=tuple(image for image in one.images if image.name in shared),
            fid={label: None if label in bins else f for label, f in one.fid.items()},
            warnings=[*one.warnings, warning],
        )
        for one in evaluations
    ]
