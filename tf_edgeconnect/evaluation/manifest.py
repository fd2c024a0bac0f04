"""The manifest: what exactly was measured, so that others can measure the same.

Photos and masks enter, a JSON value leaves that depends on nothing else: pairing, file
hashes, hole ratios, bins, protocol, versions. What cannot be measured is left out here,
by name, before any system sees it; so all systems are measured on the same pictures.
"""

import hashlib
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.pairing import BLOCK, Pair, pair_up
from tf_edgeconnect.evaluation.pictures import MASK_RULE, Picture, read_picture
from tf_edgeconnect.version import __version__

Protocol = Literal["standard", "edgeconnect"]
# What shows progress: takes items and a word, gives the items.
Track = Callable[[Sequence, str], Iterable]


def unseen(items: Sequence, what: str) -> Iterable:
    """Shows no progress."""
    return items


# SSIM's window must fit.
SMALLEST_SIDE = {"standard": 11, "edgeconnect": 51}
PAPER_BINS = (0, 10, 20, 30, 40, 50, 60)
PACKAGES = ("tensorflow", "keras", "numpy", "pillow")
HASH_BYTES = 1 << 20


@dataclass(frozen=True)
class Conditions:
    """What to measure, and how.

    Attributes:
        images: folder of photos.
        masks: folder of masks, one mask file, or `block`.
        protocol: "standard" or "edgeconnect".
        size: side of the centre square, pixels; None for each photo's own size.
        seed: of the pairing, where names do not pair.
        bins: bounds of the hole ratio, %, rising; 0 and 100 are added.
        fid_weights: file of the Inception network; None: no FID.
        lpips_weights: file of LPIPS; None: no LPIPS.
    """

    images: Path
    masks: Path
    protocol: Protocol = "standard"
    size: int | None = None
    seed: int = 0
    bins: tuple[float, ...] = PAPER_BINS
    fid_weights: Path | None = None
    lpips_weights: Path | None = None

    def __post_init__(self) -> None:
        smallest = SMALLEST_SIDE[self.protocol]
        if self.size is not None and self.size < smallest:
            raise InputError(
                f"--size {self.size}: the {self.protocol} protocol needs at least "
                f"{smallest} pixels, the window of its SSIM"
            )
        bounds = self.bins
        if not bounds or not all(0 <= b <= 100 for b in bounds):
            raise InputError(f"--bins: expected percentages, 0 to 100, got {bounds}")
        if any(low >= high for low, high in pairwise(bounds)):
            raise InputError(f"--bins: expected rising percentages, got {bounds}")
        for path in (self.fid_weights, self.lpips_weights):
            if path is not None and not path.is_file():
                raise InputError(f"weights file {path} does not exist")


def make_manifest(conditions: Conditions, output: Path, track: Track) -> dict[str, Any]:
    """Pairs photos and masks, looks at each, and writes down what is measured.

    Args:
        conditions: what to measure.
        output: folder of the results, passed over where it lies among the photos.
        track: shows progress.

    Returns:
        The content of `manifest.json`. `left_out` names what cannot be measured.

    Raises:
        InputError: there is nothing to measure.
    """
    rule, pairs = pair_up(conditions.images, conditions.masks, conditions.seed, output)
    masks_root = masks_folder(conditions.masks)
    hashes: dict[Path, str] = {}
    items, left_out = [], []
    for pair in track(pairs, "checking"):
        try:
            picture = read_picture(pair.photo, pair.mask, conditions.size)
            ratio = _checked_ratio(pair, picture, conditions.protocol)
        except (InputError, OSError) as error:
            left_out.append({"name": pair.name, "reason": one_line(error)})
            continue
        mask = pair.mask
        if mask is not None and mask not in hashes:
            hashes[mask] = sha256_of(mask)
        items.append(
            {
                "name": pair.name,
                "image": pair.photo.relative_to(conditions.images).as_posix(),
                "image_sha256": sha256_of(pair.photo),
                "mask": mask and mask.relative_to(masks_root).as_posix(),
                "mask_sha256": mask and hashes[mask],
                "hole_ratio": ratio,
                "bin": BLOCK if mask is None else bin_of(ratio, conditions.bins),
            }
        )
    if not items:
        reasons = "; ".join(entry["reason"] for entry in left_out[:3])
        raise InputError(f"no photo of {conditions.images} can be measured: {reasons}")
    return {
        "protocol": conditions.protocol,
        "size": conditions.size,
        "pairing": rule,
        "seed": conditions.seed if rule == "seeded" else None,
        "mask_rule": MASK_RULE,
        "bins": list(conditions.bins),
        "weights": {
            name: path and sha256_of(path)
            for name, path in (
                ("fid", conditions.fid_weights),
                ("lpips", conditions.lpips_weights),
            )
        },
        "versions": versions(),
        "left_out": left_out,
        "items": items,
    }


def masks_folder(masks: Path) -> Path:
    """The folder that the manifest's masks are below."""
    return masks.parent if masks.is_file() else masks


def bin_labels(bounds: Sequence[float]) -> dict[str, float]:
    """The bins of hole ratios.

    Args:
        bounds: %, rising; 0 and 100 are added.

    Returns:
        Label, such as "10-20%" -> its upper bound, 0 to 1; by rising bound.
    """
    edges = sorted({0, *bounds, 100})
    return {f"{low:g}-{high:g}%": high / 100 for low, high in pairwise(edges)}


def bin_of(ratio: float, bounds: Sequence[float]) -> str:
    """The label of the bin of a hole ratio; a bin holds its upper bound.

    Args:
        ratio: above 0, at most 1.
        bounds: as of `bin_labels`.

    Example:
        >>> bin_of(0.2, (0, 10, 20, 30)), bin_of(0.7, (0, 10, 20, 30))
        ('10-20%', '30-100%')
    """
    labels = bin_labels(bounds)
    return next(label for label, high in labels.items() if ratio <= high)


def filled_bins(manifest: dict[str, Any]) -> list[str]:
    """Labels of the bins that hold items, by rising hole ratio."""
    found = {item["bin"] for item in manifest["items"]}
    return [x for x in (BLOCK, *bin_labels(manifest["bins"])) if x in found]


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of what has a part in every figure."""
    return {
        "tf_edgeconnect": __version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in PACKAGES},
    }


def one_line(error: Exception) -> str:
    """An error's message without line breaks."""
    return " ".join(str(error).split()) or type(error).__name__


def _checked_ratio(pair: Pair, picture: Picture, protocol: Protocol) -> float:
    height, width = picture.hole.shape
    smallest = SMALLEST_SIDE[protocol]
    if min(height, width) < smallest:
        raise InputError(
            f"photo {pair.photo} is {width} x {height}; SSIM's window of the "
            f"{protocol} protocol needs sides of {smallest} pixels"
        )
    ratio = float(picture.hole.mean())
    if ratio == 0:
        raise InputError(f"mask {pair.mask} has no hole: nothing is filled")
    return ratio
