"""Mask files and what one look at each shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tf_edgeconnect.doctor.findings import Track
from tf_edgeconnect.doctor.photos import evenly
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.masking import HALF_GRAY
from tf_edgeconnect.photos.decoding import load_image, read_bytes
from tf_edgeconnect.photos.names import IMAGE_SUFFIXES
from tf_edgeconnect.photos.reading import read_gray

# A mask is taken for inverted if both its hole and the border's share of it are larger.
INVERTED_RATIO, INVERTED_BORDER = 0.5, 0.6
# Grey values between these, of 255, could be either; beyond are noise of JPEG.
DOUBTFUL = (64, 191)


class MaskLook(NamedTuple):
    """What a mask file shows.

    Attributes:
        failure: why it cannot be read, or an empty string; then the rest is empty.
        size: height and width, pixels.
        ratio: share of the hole.
        border: share of the hole in the outermost pixels.
        gray: share of pixels that are neither black nor white.
        doubtful: share of pixels that are about half grey.
        is_transparent: whether some of it is.
    """

    failure: str = ""
    size: tuple[int, int] = (0, 0)
    ratio: float = 0.0
    border: float = 0.0
    gray: float = 0.0
    doubtful: float = 0.0
    is_transparent: bool = False

    @property
    def is_odd(self) -> bool:
        """Whether its hole is not what it should be, and its ratio tells nothing."""
        return self.ratio in (0, 1) or self.seems_inverted

    @property
    def seems_inverted(self) -> bool:
        """Whether black rather than white seems to be the hole."""
        all_hole = self.ratio == 1
        large = self.ratio > INVERTED_RATIO and self.border > INVERTED_BORDER
        return large and not all_hole


class Mask(NamedTuple):
    """A mask file.

    Attributes:
        name: its path below the folder.
        path: the file.
        look: empty where it was not looked at.
    """

    name: str
    path: Path
    look: MaskLook = MaskLook()


def list_masks(folder: Path) -> list[Mask]:
    """Lists the mask files of a folder and of those below it, or one mask file.

    Raises:
        InputError: there is none.
    """
    if folder.is_file():
        return [Mask(folder.name, folder)]
    if not folder.is_dir():
        raise InputError(f"mask folder {folder} does not exist; give one with masks")
    found = [
        Mask(path.relative_to(folder).as_posix(), path)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    ]
    found = [mask for mask in found if not _is_hidden(mask.name)]
    if not found:
        raise InputError(f"mask folder {folder} holds no image files")
    return found


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in Path(name).parts)


def look_at_masks(masks: Sequence[Mask], sample: int, track: Track) -> list[Mask]:
    """Reads masks.

    Args:
        masks: the files.
        sample: how many to read, spread evenly; 0 for all.
        track: shows progress.

    Returns:
        Those that were read, with their `look`.
    """
    places = evenly(len(masks), sample)
    read = track(places, "looking at masks", total=len(places))
    return [
        masks[place]._replace(look=look_at_mask(masks[place].path)) for place in read
    ]


def look_at_mask(path: Path) -> MaskLook:
    """Reads one mask file."""
    try:
        gray = read_gray(path, "mask")
        image = load_image(path, read_bytes(path, "mask"), "mask")
    except InputError as error:
        return MaskLook(failure=str(error))
    hole = gray > HALF_GRAY
    rim = np.concatenate([hole[0], hole[-1], hole[:, 0], hole[:, -1]])
    return MaskLook(
        size=hole.shape,
        ratio=float(hole.mean()),
        border=float(rim.mean()),
        gray=float(((gray > 0) & (gray < 255)).mean()),
        doubtful=float(((gray >= DOUBTFUL[0]) & (gray <= DOUBTFUL[1])).mean()),
        is_transparent=_is_transparent(image),
    )


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    return bool(np.asarray(image.convert("RGBA").getchannel("A")).min() < 255)
