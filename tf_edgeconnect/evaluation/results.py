"""What an evaluation's folder holds, how it is read back, and which can be compared.

| file | holds |
|---|---|
| `manifest.json` | what was measured: photos, masks, bins, protocol, versions |
| `system.json` | what filled the holes, and where photos and masks were |
| `images.jsonl` | one line a picture, appended as soon as it is measured |
| `filled/NAME.png`, `edges/NAME.png` | the pictures; edges only of systems that draw |
| `summary.json` | FID, what is missing and why; written last |

Manifests of two systems are equal but for `versions` if they were measured on the same
pictures.
"""

import fcntl
import json
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
    """The figures of one picture.

    Attributes:
        name: path below the folder of photos, without the ending.
        bin: label of the bin of its hole ratio, such as "10-20%", or "block".
        hole_ratio: share of hole pixels, 0 to 1.
        l1: in % (see the protocol).
        psnr: dB.
        ssim: at most 1.
        lpips: None without weights, and for a picture too large for it.
        edge_histogram: as `measure.edge_histogram` counts; None where the system draws
            no edges.
        note: what a reader must know of it, or "".
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
        system: label of what filled the holes: the column's head in a table.
        manifest: content of `manifest.json`.
        details: content of `system.json`: `kind` ("model", "predictions" or
            "baseline"), `label`, `edges` (mode, or None), `images` and `masks` (the
            folders' absolute paths), and hashes of what filled the holes.
        images: one a measured picture, in the manifest's order.
        fid: bin -> figure; its last key is "all". None where there is none.
        missing: column -> why it has no figure.
        failed: name -> why this system has no result for a picture of the manifest.
        warnings: what a reader of the figures must know, a line each.
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
        """Reads a finished evaluation.

        Args:
            folder: what `tf-edgeconnect evaluate -o FOLDER` has filled.

        Returns:
            The evaluation.

        Raises:
            InputError: the folder is none, or its evaluation is not finished.
        """
        folder = Path(folder)
        if not (folder / MANIFEST).is_file():
            raise InputError(
                f"{folder} holds no evaluation ({MANIFEST} is missing); give the "
                "folder that `tf-edgeconnect evaluate -o` has filled"
            )
        if not (folder / SUMMARY).is_file():
            raise InputError(
                f"the evaluation in {folder} is not finished; the command that began "
                "it continues it"
            )
        manifest, details, summary = (
            read_json(folder / name) for name in (MANIFEST, SYSTEM, SUMMARY)
        )
        images = read_images(folder, manifest)
        return cls(folder, details["label"], manifest, details, images, **summary)

    @property
    def edge_threshold(self) -> float:
        """Above it an edge counts as predicted, 0 to 1."""
        return self.details.get("edge_threshold", 0.5)

    def bins(self) -> list[str]:
        """Labels of the bins that hold pictures, in order, and "all"."""
        return list(self.fid)

    def in_bin(self, label: str) -> list[ImageResult]:
        """The measured pictures of a bin; those of "all" are all."""
        return [image for image in self.images if label in (ALL, image.bin)]


def read_images(folder: Path, manifest: Mapping[str, Any]) -> tuple[ImageResult, ...]:
    """Reads what the journal holds so far.

    Args:
        folder: of the evaluation.
        manifest: content of its `manifest.json`.

    Returns:
        One result a measured picture, in the manifest's order, whatever the journal's.

    Raises:
        InputError: another version of the program wrote the journal.
    """
    journal = folder / JOURNAL
    lines = {}
    if journal.exists():
        for text in journal.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:  # half a line: the run was killed in it
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
    """Where the filled picture of that name is."""
    return folder / "filled" / f"{name}.png"


def edges_path(folder: Path, name: str) -> Path:
    """Where the completed edges of that name are, if the system draws any."""
    return folder / "edges" / f"{name}.png"


def open_journal(folder: Path) -> TextIO:
    """Opens the journal for appending whole lines, for this process alone.

    Raises:
        InputError: another process has it open.
    """
    journal = (folder / JOURNAL).open("a", encoding="utf-8")
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        journal.close()
        raise InputError(
            f"another process is measuring in {folder}: let it end, or give another "
            "folder"
        ) from None
    journal.truncate((folder / JOURNAL).read_bytes().rfind(b"\n") + 1)
    return journal


def read_json(path: Path) -> dict[str, Any]:
    """Reads one of the folder's JSON files.

    Raises:
        InputError: it is missing, or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: the evaluation is damaged") from None
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from None


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
    """Says in a phrase where two manifests or systems differ, None where they do not.

    What explains most comes first: `items` and `left_out` change with all the rest.
    """
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
    """Cuts to the pictures that all have, and tells what that changes."""
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
        f"and so is the FID of {', '.join(sorted(bins))}, which had counted them"
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
