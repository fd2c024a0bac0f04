"""FID by bins, from Inception features kept on disk by what is in a picture.

The same photo has the same file in the cache whatever its name, so several evaluations
may share one cache.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_edgeconnect.atomic import new_file
from tf_edgeconnect.evaluation.manifest import Track, filled_bins
from tf_edgeconnect.evaluation.pictures import picture_of
from tf_edgeconnect.evaluation.results import ALL, ImageResult, filled_path
from tf_edgeconnect.metrics.fid import FidFeatures, frechet_distance, to_square
from tf_edgeconnect.photos.reading import read_photo

BATCH = 16
DIGITS = 4  # of a FID; what lies below may differ between machines


class FeatureCache:
    """Features of pictures, one small file each.

    Args:
        folder: made where it is missing.
        weights: hash of the network's weights: other weights, other features.
        compute: pictures -> `(N, D)`.
    """

    def __init__(
        self,
        folder: Path,
        weights: str,
        compute: Callable[[Sequence[np.ndarray]], np.ndarray],
    ):
        self._folder = folder / weights[:16]
        self._compute = compute

    def features(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Computes features, or takes them where all of them are kept.

        All or none, so that a batch is always computed whole: its size shows in the
        last digits.

        Args:
            pictures: each uint8 `(H, W, 3)`, as the network sees it.

        Returns:
            `(N, D)` float32.
        """
        paths = [self._path(picture) for picture in pictures]
        kept = [row for path in paths if (row := _read(path)) is not None]
        if len(kept) == len(paths):
            return np.stack(kept)
        found = self._compute(pictures)
        for path, row in zip(paths, found, strict=True):
            with new_file(path) as partial, partial.open("wb") as file:
                np.save(file, row)
        return found

    def _path(self, picture: np.ndarray) -> Path:
        digest = hashlib.sha256(repr(picture.shape).encode())
        digest.update(np.ascontiguousarray(picture).data)
        name = digest.hexdigest()
        return self._folder / name[:2] / f"{name}.npy"


def fid_by_bin(
    folder: Path,
    manifest: dict[str, Any],
    details: dict[str, Any],
    images: Sequence[ImageResult],
    cache: FeatureCache,
    track: Track,
) -> dict[str, float | None]:
    """Compares filled pictures with their photos, as sets.

    Args:
        folder: of the evaluation, with the filled pictures.
        manifest: content of `manifest.json`.
        details: content of `system.json`.
        images: what was measured.
        cache: gives the features.
        track: shows progress.

    Returns:
        Label -> FID, for bins that hold items and for "all"; None where there are
        fewer than two pictures.
    """
    items = {item["name"]: item for item in manifest["items"]}
    photos, filled = [], []
    for start in track(range(0, len(images), BATCH), "features"):
        names = [image.name for image in images[start : start + BATCH]]
        true = (picture_of(items[n], details, manifest["size"]).photo for n in names)
        photos.append(cache.features([_square(picture) for picture in true]))
        made = (read_photo(filled_path(folder, name)).rgb() for name in names)
        filled.append(cache.features([_square(picture) for picture in made]))
    of_photos, of_filled = np.concatenate(photos), np.concatenate(filled)
    found: dict[str, float | None] = {}
    for label in (*filled_bins(manifest), ALL):
        chosen = [label in (ALL, image.bin) for image in images]
        found[label] = None
        if sum(chosen) > 1:
            distance = frechet_distance(of_photos[chosen], of_filled[chosen])
            found[label] = round(distance, DIGITS)
    return found


def fid_features(weights: Path) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """The network behind the features, loaded when first needed."""
    loaded: list[FidFeatures] = []

    def compute(pictures: Sequence[np.ndarray]) -> np.ndarray:
        if not loaded:
            loaded.append(FidFeatures(weights, BATCH))
        return loaded[0](pictures)

    return compute


def _square(picture: np.ndarray) -> np.ndarray:
    """What the network sees of a picture: only this is held, however large that is."""
    return to_square(picture).astype(np.uint8)


def _read(path: Path) -> np.ndarray | None:
    try:
        return np.load(path)
    except (FileNotFoundError, ValueError, EOFError):  # absent, or not whole
        return None
