"""What an evaluation's folder holds, and how it is read back.

| file | holds |
|---|---|
| `manifest.json` | what was measured: photos, masks, bins, protocol, versions |
| `system.json` | what filled the holes, and where photos and masks were |
| `images.jsonl` | one line a picture, appended as soon as it is measured |
| `filled/NAME.png`, `edges/NAME.png` | the pictures; edges only of systems that draw |
| `summary.json` | FID, what is missing and why; written last |

Manifests of two systems are equal but for `versions` if they were measured on the same
pictures. Figures are of the whole completed image: means over pictures are taken by the
reports.
"""

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tf_edgeconnect.errors import InputError

ALL = "all"

MANIFEST, SYSTEM, JOURNAL, SUMMARY = (
    "manifest.json",
    "system.json",
    "images.jsonl",
    "summary.json",
)


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
        edge_counts: true positives, false positives, false negatives inside the hole;
            None where the system draws no edges.
        note: what a reader must know of it, or "".
    """

    name: str
    bin: str
    hole_ratio: float
    l1: float
    psnr: float
    ssim: float
    lpips: float | None = None
    edge_counts: tuple[float, float, float] | None = None
    note: str = ""


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation of one system.

    Attributes:
        folder: where it is.
        system: label of what filled the holes: the column's head in a table.
        protocol: "standard" or "edgeconnect".
        size: side of the centre square, pixels; None for each photo's own size.
        manifest: content of `manifest.json`.
        images: one a measured picture, in the manifest's order.
        fid: bin -> figure; its last key is "all". None where there is none.
        missing: column -> why it has no figure.
        warnings: what a reader of the figures must know, a line each.
        details: content of `system.json`: `kind` ("model", "predictions" or
            "baseline"), `label`, `edges` (mode, or None), `images` and `masks` (the
            folders' absolute paths), and hashes of what filled the holes.
        failed: name -> why this system has no result for a picture of the manifest.
    """

    folder: Path
    system: str
    protocol: str
    size: int | None
    manifest: dict[str, Any]
    images: tuple[ImageResult, ...]
    fid: dict[str, float | None]
    missing: dict[str, str]
    warnings: tuple[str, ...]
    details: dict[str, Any]
    failed: dict[str, str]

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
        manifest, system, summary = (
            read_json(folder / name) for name in (MANIFEST, SYSTEM, SUMMARY)
        )
        return cls(
            folder=folder,
            system=system["label"],
            protocol=manifest["protocol"],
            size=manifest["size"],
            manifest=manifest,
            images=read_images(folder, manifest),
            fid=summary["fid"],
            missing=summary["missing"],
            warnings=tuple(summary["warnings"]),
            details=system,
            failed=summary["failed"],
        )

    def bins(self) -> list[str]:
        """Labels of the bins that hold pictures, in order, without "all"."""
        return [label for label in self.fid if label != ALL]

    def conditions(self) -> dict[str, Any]:
        """What must be equal for two systems to be compared in one table."""
        return {k: v for k, v in self.manifest.items() if k != "versions"}


def read_images(folder: Path, manifest: dict[str, Any]) -> tuple[ImageResult, ...]:
    """Reads what the journal holds so far.

    Args:
        folder: of the evaluation.
        manifest: content of its `manifest.json`.

    Returns:
        One result a measured picture, in the manifest's order, whatever the journal's.
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
    return tuple(
        _result(item, lines[item["name"]])
        for item in manifest["items"]
        if item["name"] in lines
    )


def filled_path(folder: Path, name: str) -> Path:
    """Where the filled picture of that name is."""
    return folder / "filled" / f"{name}.png"


def edges_path(folder: Path, name: str) -> Path:
    """Where the completed edges of that name are, if the system draws any."""
    return folder / "edges" / f"{name}.png"


def open_journal(folder: Path) -> TextIO:
    """Opens the journal to append to, without half a line that a killed run left.

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
    whole = (folder / JOURNAL).read_bytes().rfind(b"\n") + 1
    journal.truncate(whole)
    return journal


def journal_line(result: ImageResult) -> str:
    """One line of `images.jsonl`, with its end; what the manifest holds is left out."""
    fields = {k: v for k, v in vars(result).items() if k not in ("bin", "hole_ratio")}
    return json.dumps(fields) + "\n"


def _result(item: dict[str, Any], line: dict[str, Any]) -> ImageResult:
    counts = line["edge_counts"]
    return ImageResult(
        bin=item["bin"],
        hole_ratio=item["hole_ratio"],
        **{**line, "edge_counts": None if counts is None else tuple(counts)},
    )


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
