"""One system over all pictures of a manifest, from start to summary.

The same call continues where an earlier one was stopped: a picture counts as done when
its line is in the journal, which is written after its files. The figures are those of a
run that was never stopped.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf

from tf_edgeconnect.atomic import write_json
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.features import FeatureCache, fid_by_bin, fid_features
from tf_edgeconnect.evaluation.manifest import (
    Conditions,
    Track,
    filled_bins,
    make_manifest,
    masks_folder,
    one_line,
    unseen,
)
from tf_edgeconnect.evaluation.measure import LPIPS_MAX_PIXELS, edge_counts, measure
from tf_edgeconnect.evaluation.pictures import picture_of
from tf_edgeconnect.evaluation.results import (
    ALL,
    MANIFEST,
    SUMMARY,
    SYSTEM,
    Evaluation,
    ImageResult,
    edges_path,
    filled_path,
    journal_line,
    open_journal,
    read_images,
    read_json,
)
from tf_edgeconnect.evaluation.systems import System
from tf_edgeconnect.metrics.fid import ENOUGH_PICTURES
from tf_edgeconnect.metrics.lpips import Lpips
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import write_photo

NO_WEIGHTS = "no weights file was given: --{}-weights FILE"
# In system.json: how things are called and where they are does not change figures.
NAMES = ("label", "description", "images", "masks")
FOLLOWING = ("items", "left_out")  # they change with what the others say
OUT_OF_MEMORY = "needs more memory than there is; --size measures a smaller square"


def evaluate(
    conditions: Conditions,
    system: System,
    output: Path,
    *,
    track: Track = unseen,
    fid_cache: Path | None = None,
) -> Evaluation:
    """Measures one system, or continues to.

    Args:
        conditions: what to measure, and how.
        system: what fills the holes.
        output: folder of the results: new, empty, or of the same evaluation.
        track: shows progress; by default nothing does.
        fid_cache: folder of Inception features, by default inside `output`.

    Returns:
        The finished evaluation.

    Raises:
        InputError: nothing can be measured, or `output` holds something else.
    """
    _check_output(output)
    manifest = make_manifest(conditions, output, track)
    details = {
        **system.details,
        "images": str(conditions.images.resolve()),
        "masks": str(masks_folder(conditions.masks).resolve()),
    }
    _open(output, manifest, details)
    weights = conditions.lpips_weights
    lpips = None if weights is None else Lpips(weights)
    work = _Work(system, output, manifest, details, lpips)
    failed = work.measure_all(track)
    images = read_images(output, manifest)
    if not images:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(failed.items())[:3])
        raise InputError(f"no picture could be measured: {reasons}")
    fid = dict.fromkeys((*filled_bins(manifest), ALL))
    if conditions.fid_weights is not None:
        cache = FeatureCache(
            fid_cache or output / "features",
            manifest["weights"]["fid"],
            fid_features(conditions.fid_weights),
        )
        fid = fid_by_bin(output, manifest, details, images, cache, track)
    missing = {
        name: NO_WEIGHTS.format(name)
        for name, weights in manifest["weights"].items()
        if weights is None
    }
    summary = {"fid": fid, "missing": missing, "failed": failed}
    summary["warnings"] = _warnings(manifest, images)
    write_json(output / SUMMARY, summary)
    return Evaluation.read(output)


def _check_output(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise InputError(f"output {output} is a file; give the name of a folder")
    if output.is_dir() and any(output.iterdir()) and not (output / MANIFEST).is_file():
        raise InputError(
            f"output {output} holds files that are no evaluation; give a new folder"
        )


def _open(output: Path, manifest: dict[str, Any], details: dict[str, Any]) -> None:
    """Begins an evaluation, or makes sure that the one that is there is the same."""
    output.mkdir(parents=True, exist_ok=True)
    pairs = {MANIFEST: manifest, SYSTEM: details}
    for name, new in pairs.items():
        if not (output / name).is_file():
            continue
        old = read_json(output / name)
        keys = (old.keys() | new.keys()) - set(NAMES)
        for key in sorted(keys, key=lambda key: (key in FOLLOWING, key)):
            if old.get(key) != new.get(key):
                raise InputError(
                    f"output {output} holds an evaluation with {_change(old, new, key)}"
                    "; give another folder"
                )
    for name, new in pairs.items():
        write_json(output / name, new)


def _change(old: dict[str, Any], new: dict[str, Any], key: str) -> str:
    values = [json.dumps(side.get(key)) for side in (old, new)]
    if sum(map(len, values)) > 100:
        return f"other {key}"
    return f"other {key}: {values[0]} there, {values[1]} now"


@dataclass(frozen=True)
class _Work:
    """What measuring a picture takes."""

    system: System
    output: Path
    manifest: dict[str, Any]
    details: dict[str, Any]
    lpips: Lpips | None

    def measure_all(self, track: Track) -> dict[str, str]:
        """Measures what the journal lacks.

        Returns:
            Name -> why it failed, of pictures that did.
        """
        done = {
            image.name
            for image in read_images(self.output, self.manifest)
            if filled_path(self.output, image.name).is_file()
        }
        failed = {}
        with open_journal(self.output) as journal:
            for item in track(self.manifest["items"], "measuring"):
                name = item["name"]
                if name in done:
                    continue
                try:
                    result = self.measure_one(item)
                except tf.errors.ResourceExhaustedError:
                    failed[name] = OUT_OF_MEMORY
                except (InputError, OSError) as error:
                    failed[name] = one_line(error)
                else:
                    journal.write(journal_line(result))
                    journal.flush()
        return failed

    def measure_one(self, item: dict[str, Any]) -> ImageResult:
        """Fills and measures a picture, and writes what was made of it."""
        name = item["name"]
        picture = picture_of(item, self.details, self.manifest["size"])
        filled = self.system.fill(name, picture)
        path = filled_path(self.output, name)
        write_photo(path, Photo(filled.image), overwrite=True)
        if filled.edges is not None:
            path = edges_path(self.output, name)
            write_photo(path, Photo(filled.edges[..., None]), overwrite=True)
        protocol = self.manifest["protocol"]
        figures: dict[str, Any] = measure(
            picture.photo, filled.image, protocol, self.lpips
        )
        return ImageResult(
            name,
            item["bin"],
            item["hole_ratio"],
            **figures,
            edge_counts=edge_counts(filled, picture.hole),
            note=filled.note,
        )


def _warnings(manifest: dict[str, Any], images: tuple[ImageResult, ...]) -> list[str]:
    found = []
    weights = manifest["weights"]
    if weights["fid"] is not None and len(images) < ENOUGH_PICTURES:
        found.append(
            f"FID of {len(images)} pictures: below {ENOUGH_PICTURES:,} it comes out "
            "too high, the more so the fewer; compare it only within one bin"
        )
    without = sum(image.lpips is None for image in images)
    if weights["lpips"] is not None and without:
        found.append(
            f"LPIPS leaves out {without} pictures that are smaller than it can see or "
            f"larger than {LPIPS_MAX_PIXELS // 1_000_000} megapixels"
        )
    noted = defaultdict(list)
    for image in images:
        if image.note:
            noted[image.note].append(image.name)
    for note, names in noted.items():
        found.append(f"{len(names)} pictures ({names[0]} first): {note}")
    return found
