"""Checks photos and masks that are to be filled or evaluated."""

from pathlib import Path

from tf_edgeconnect.doctor import masks as mask_checks
from tf_edgeconnect.doctor import photos as photo_checks
from tf_edgeconnect.doctor.findings import Checkup, Track, untracked
from tf_edgeconnect.doctor.pairing import check_pair_sizes, check_pairing
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.names import named_images


def check_pairs(
    images: Path | None,
    masks: Path | None,
    *,
    trained_on: tuple[float, float] | None = None,
    sample: int = 1000,
    track: Track = untracked,
) -> Checkup:
    """Checks photos and masks, each by themselves and together.

    Args:
        images: a photo or a folder of photos; None checks masks alone.
        masks: a mask or a folder of masks; None checks photos alone.
        trained_on: range of hole ratios that the networks learn; None: not known.
        sample: how many photos and masks to look into; 0 for all.
        track: shows progress.

    Raises:
        InputError: a path does not exist or holds no images.
    """
    checkup = Checkup()
    photos = []
    if images is not None:
        photos = photo_checks.look_at(_list_photos(images), sample, track)
        count = sum(photo.look is not None for photo in photos)
        checkup.facts.append(
            f"{len(photos)} photos from {images}, looked into {count} (--sample)"
        )
        checkup.add(photo_checks.check_readable(photos, (), 1))
    if masks is not None:
        listed, looked, found = mask_checks.examine(masks, sample, track)
        checkup.join(found)
        if trained_on is not None:
            where = "mask.hole_ratio of training"
            checkup.add(mask_checks.check_ratios(looked, trained_on, where))
        if photos:
            if masks.is_dir() and images is not None and images.is_dir():
                checkup.add(check_pairing(photos, listed))
            checkup.add(check_pair_sizes(photos, looked))
    return checkup


def _list_photos(images: Path) -> list[photo_checks.Photo]:
    if images.is_file():
        files = {images.stem: images}
    elif images.is_dir():
        files = named_images(images)
    else:
        raise InputError(f"--images {images} does not exist; expected photos")
    root = images if images.is_dir() else images.parent
    return [
        photo_checks.Photo(
            path.relative_to(root).as_posix(), path.read_bytes, path=path
        )
        for path in files.values()
    ]
