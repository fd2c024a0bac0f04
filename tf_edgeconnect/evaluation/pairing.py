"""Which photo gets which mask.

By name where every photo has a mask of its name; else drawn from a seed, so that every
photo is used once and the masks in turns. The draw orders names by a hash: the same on
every machine, in every version.
"""

import hashlib
from pathlib import Path
from typing import Literal, NamedTuple

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.names import named_images, unpaired

Rule = Literal["by name", "seeded", "one for all", "block"]

BLOCK = "block"  # given in place of a folder of masks


class Pair(NamedTuple):
    """A photo and its mask.

    Attributes:
        name: of the photo: its path below the folder without the ending.
        photo: the file.
        mask: the file; None for the block in the middle.
    """

    name: str
    photo: Path
    mask: Path | None


def pair_up(
    images: Path, masks: Path, seed: int, without: Path | None = None
) -> tuple[Rule, list[Pair]]:
    """Brings photos and masks together.

    Args:
        images: folder of photos.
        masks: folder of masks, one mask file, or `block` for a block of half the
            photo's height and width in its middle.
        seed: of the draw.
        without: a folder to pass over, that of the results.

    Returns:
        The rule that was followed, and a pair a photo in the order of the names.

    Raises:
        InputError: a folder is missing or holds no images.
    """
    if not images.is_dir():
        what = "is a file" if images.exists() else "does not exist"
        raise InputError(f"--images {images} {what}; expected a folder of photos")
    photos = named_images(images, without=without)
    if str(masks) == BLOCK:
        return "block", [Pair(name, path, None) for name, path in photos.items()]
    if masks.is_file():
        return "one for all", [Pair(name, p, masks) for name, p in photos.items()]
    if not masks.is_dir():
        raise InputError(
            f"--masks {masks} does not exist; expected a folder of masks, one mask "
            f"file, or `{BLOCK}`"
        )
    found = named_images(masks, without=without)
    if not unpaired(photos, found):
        return "by name", [Pair(name, p, found[name]) for name, p in photos.items()]
    drawn = draw(list(found), len(photos), seed)
    return "seeded", [
        Pair(name, path, found[mask])
        for (name, path), mask in zip(photos.items(), drawn, strict=True)
    ]


def draw(names: list[str], count: int, seed: int) -> list[str]:
    """Draws names in rounds: none comes twice before all came once.

    Args:
        names: at least one.
        count: how many to draw.
        seed: another seed draws another order.

    Returns:
        `count` names.
    """
    drawn: list[str] = []
    while len(drawn) < count:
        keys = {
            name: hashlib.sha256(f"{seed}\n{len(drawn)}\n{name}".encode()).digest()
            for name in names
        }
        drawn += sorted(names, key=keys.__getitem__)
    return drawn[:count]
