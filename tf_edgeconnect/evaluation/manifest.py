"""Makes the manifest, which defines what is measured so that others can repeat it.

It holds pairs of photos and masks, file hashes, hole ratios, bins, protocol and
versions. Photos that cannot be measured are left out here, so that all systems are
measured on the same pictures.
"""

import hashlib
import logging
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from tf_edgeconnect.errors import InputError, one_line
from tf_edgeconnect.evaluation.pictures import MASK_RULE, Picture, read_picture
from tf_edgeconnect.photos.names import (
    MASK_SUFFIX,
    SAME_STEM,
    Partners,
    list_images,
    some,
    stem_of,
)
from tf_edgeconnect.version import __version__

logger = logging.getLogger(__name__)

Protocol = Literal["standard", "edgeconnect"]
# Shows progress: takes items and a label, yields the items.
Track = Callable[[Sequence, str], Iterable]

BLOCK = "block"  # in place of a folder of masks
# The window of SSIM, pixels.
SMALLEST_SIDE = {"standard": 11, "edgeconnect": 51}
PAPER_BINS = (0, 10, 20, 30, 40, 50, 60)
PACKAGES = ("tensorflow", "keras", "numpy", "pillow")


@dataclass(frozen=True)
class Conditions:
    """What to measure, and how.

    Attributes:
        images: folder of photos.
        masks: folder of masks, one mask file, or `block` for a hole of half the
            photo's height and width in its middle.
        protocol: "standard" or "edgeconnect".
        size: side of the centre square, pixels; None for each photo's own size.
        seed: assigns masks to photos at random; None does so, from 0, only if no names
            match.
        bins: bounds of the hole ratio, %, rising; 0 and 100 are added.
        fid_weights: file of the Inception network; None skips FID.
        lpips_weights: file of LPIPS; None skips LPIPS.
    """

    images: Path
    masks: Path
    protocol: Protocol = "standard"
    size: int | None = None
    seed: int | None = None
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

    @property
    def folders(self) -> dict[str, Path]:
        """The folders of the manifest's `image` and `mask` paths."""
        masks = self.masks.parent if self.masks.is_file() else self.masks
        return {"images": self.images, "masks": masks}


def make_manifest(conditions: Conditions, output: Path, track: Track) -> dict[str, Any]:
    """Pairs photos and masks and reads each pair.

    Args:
        conditions: what to measure.
        output: folder of the results, skipped if it is among the photos.
        track: shows progress.

    Returns:
        The content of `manifest.json`; `left_out` names what cannot be measured.

    Raises:
        InputError: there is nothing to measure.
    """
    photos, left_out = _list_photos(conditions.images, output)
    rule, masks = pair_up(conditions, photos, output)
    folders, hashes = conditions.folders, dict[Path, str]()
    items = []
    for name in track(list(photos), "checking"):
        photo, mask = photos[name], masks[name]
        item = {
            "name": name,
            "image": photo.relative_to(folders["images"]).as_posix(),
            "mask": mask and mask.relative_to(folders["masks"]).as_posix(),
        }
        try:
            picture = read_picture(item, folders, conditions.size)
            ratio = _checked_ratio(picture, photo, mask, conditions.protocol)
        except (InputError, OSError) as error:
            left_out.append({"name": name, "reason": one_line(error)})
            continue
        if mask is not None and mask not in hashes:
            hashes[mask] = sha256_of(mask)
        items.append(
            {
                **item,
                "image_sha256": sha256_of(photo),
                "mask_sha256": mask and hashes[mask],
                "hole_ratio": ratio,
                "bin": BLOCK if mask is None else bin_of(ratio, conditions.bins),
            }
        )
    if not items:
        reasons = "; ".join(entry["reason"] for entry in left_out[:3])
        raise InputError(f"no photo of {conditions.images} can be measured: {reasons}")
    weights = {"fid": conditions.fid_weights, "lpips": conditions.lpips_weights}
    return {
        "protocol": conditions.protocol,
        "size": conditions.size,
        "pairing": rule,
        "seed": (conditions.seed or 0) if rule == "seeded" else None,
        "mask_rule": MASK_RULE,
        "bins": list(conditions.bins),
        "weights": {name: path and sha256_of(path) for name, path in weights.items()},
        "versions": {
            "tf_edgeconnect": __version__,
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in PACKAGES},
        },
        "left_out": left_out,
        "items": items,
    }


def _list_photos(
    folder: Path, output: Path
) -> tuple[dict[str, Path], list[dict[str, str]]]:
    """Lists photos by their names without the ending, and those whose names collide."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"--images {folder} {what}; expected a folder of photos")
    images, others = list_images(folder, without=output)
    if others:
        names = some((path.name for path in others), 5)
        logger.warning("%s: skipped, not images: %s", folder, names)
    times = Counter(map(stem_of, images))
    photos = {stem_of(name): path for name, path in images.items()}
    return (
        {name: photos[name] for name in sorted(photos) if times[name] == 1},
        [{"name": n, "reason": SAME_STEM} for n in images if times[stem_of(n)] > 1],
    )


def pair_up(
    conditions: Conditions, photos: Mapping[str, Path], output: Path
) -> tuple[str, Mapping[str, Path | None]]:
    """Pairs photos with masks.

    They pair by name if every photo has a mask of its name, and at random if none has
    or a seed is given; then each mask is used as often as any other.

    Args:
        conditions: what to measure.
        photos: name -> file.
        output: folder of the results, skipped if it lies among the masks.

    Returns:
        The rule ("by name", "seeded", "one for all" or "block"), and the name of each
        photo -> its mask (None for the block).

    Raises:
        InputError: a folder is missing or holds no images, or only some photos have a
            mask of their name and there is no seed.
    """
    images, masks = conditions.images, conditions.masks
    if str(masks) == BLOCK:
        return BLOCK, dict.fromkeys(photos)
    if masks.is_file():
        return "one for all", dict.fromkeys(photos, masks)
    if not masks.is_dir() or masks.samefile(images):
        what = "is the folder of photos" if masks.exists() else "does not exist"
        raise InputError(
            f"--masks {masks} {what}; expected a folder of masks, one mask file, or "
            f"`{BLOCK}`"
        )
    files, _ = list_images(masks, without=output)
    partners, pairs, unpaired = Partners(masks, files, "mask", MASK_SUFFIX), {}, []
    for name, path in photos.items():
        try:
            pairs[name] = partners.of(path.relative_to(images).as_posix())
        except InputError:
            unpaired.append(name)
    if not unpaired:
        return "by name", pairs
    if pairs and conditions.seed is None:
        raise InputError(
            f"{len(unpaired)} of {len(photos)} photos have no mask of their name in "
            f"{masks}: {some(unpaired, 5)}; add these, or give --seed to draw masks "
            "for all photos"
        )
    found = {stem_of(name): path for name, path in files.items()}
    drawn = draw(found, len(photos), conditions.seed or 0)
    return "seeded", {n: found[mask] for n, mask in zip(photos, drawn, strict=True)}


def draw(names: Iterable[str], count: int, seed: int) -> list[str]:
    """Draws names in rounds of all names, in the order of hashes on every machine."""
    drawn: list[str] = []
    while len(drawn) < count:
        start = f"{seed}\n{len(drawn)}\n"
        drawn += sorted(
            names, key=lambda name: hashlib.sha256((start + name).encode()).digest()
        )
    return drawn[:count]


def bin_labels(bounds: Sequence[float]) -> dict[str, float]:
    """Returns bin label, such as "10-20%", -> upper bound, 0 to 1; 100 % is added."""
    edges = sorted({0, *bounds, 100})
    return {f"{low:g}-{high:g}%": high / 100 for low, high in pairwise(edges)}


def bin_of(ratio: float, bounds: Sequence[float]) -> str:
    """Returns the label of a hole ratio's bin; a bin includes its upper bound.

    Example:
        >>> bin_of(0.2, (0, 10, 20, 30)), bin_of(0.7, (0, 10, 20, 30))
        ('10-20%', '30-100%')
    """
    labels = bin_labels(bounds)
    return next(label for label, high in labels.items() if ratio <= high)


def filled_bins(manifest: Mapping[str, Any]) -> list[str]:
    """Returns the labels of bins that hold items, by rising hole ratio."""
    found = {item["bin"] for item in manifest["items"]}
    labels = (BLOCK, *bin_labels(manifest["bins"]))
    return [label for label in labels if label in found]


def sha256_of(path: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_ratio(
    picture: Picture, photo: Path, mask: Path | None, protocol: Protocol
) -> float:
    height, width = picture.hole.shape
    smallest = SMALLEST_SIDE[protocol]
    if min(height, width) < smallest:
        raise InputError(
            f"photo {photo} is {width} x {height}; SSIM's window of the "
            f"{protocol} protocol needs sides of {smallest} pixels"
        )
    ratio = float(picture.hole.mean())
    if ratio == 0:
        raise InputError(f"mask {mask} has no hole: nothing is filled")
    return ratio
