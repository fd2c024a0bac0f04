"""Checks on photos and masks that go together: names and sizes."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from tf_edgeconnect.doctor.findings import Finding
from tf_edgeconnect.doctor.mask_looks import Mask
from tf_edgeconnect.doctor.photos import Photo


def check_pairing(photos: Sequence[Photo], masks: Sequence[Mask]) -> list[Finding]:
    """Finds photos without a mask and masks without a photo, by name.

    Args:
        photos: all photos of a folder.
        masks: all masks of a folder.
    """
    photo_names = {_stem(photo.name): photo.name for photo in photos}
    mask_names = {_stem(mask.name): mask.name for mask in masks}
    without = [photo_names[k] for k in photo_names if k not in mask_names]
    spare = [mask_names[k] for k in mask_names if k not in photo_names]
    if len(without) == len(photo_names):
        return [
            Finding(
                "note",
                "pairing",
                "no mask has the name of a photo",
                "evaluate pairs them by a seed; inpaint asks for the same names",
            )
        ]
    found = []
    if without:
        found.append(
            Finding(
                "warning",
                "no-mask",
                f"photos without a mask of their name: {len(without)} of {len(photos)}",
                "inpaint leaves them out and evaluate then pairs none by name; add or "
                "rename masks",
                tuple(without),
            )
        )
    if spare:
        found.append(
            Finding(
                "warning" if without else "note",
                "no-photo",
                f"masks without a photo of their name: {len(spare)} of {len(masks)}",
                "they are not used by name; rename or remove them",
                tuple(spare),
            )
        )
    return found


def check_pair_sizes(photos: Sequence[Photo], masks: Sequence[Mask]) -> list[Finding]:
    """Finds masks of another size than their photo.

    Args:
        photos: some with their size.
        masks: that were read; one serves all photos, others go by name.
    """
    by_name = {_stem(mask.name): mask for mask in masks if not mask.look.failure}
    one_for_all = masks[0] if len(masks) == 1 and by_name else None
    pairs = [
        (photo, mask)
        for photo in photos
        if photo.size[0] and (mask := one_for_all or by_name.get(_stem(photo.name)))
    ]
    odd = [(photo, mask) for photo, mask in pairs if photo.size != mask.look.size]
    if not odd:
        return []
    return [
        Finding(
            "warning",
            "mask-size",
            f"masks of another size than their photo: {len(odd)} of {len(pairs)}",
            "they are stretched to it, which moves the hole; make them the same size",
            tuple(
                f"{mask.name} {_text(mask.look.size)} for {_text(photo.size)}"
                for photo, mask in odd
            ),
        )
    ]


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _text(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
