"""Measures one system on all pictures of a manifest.

The same call continues where an earlier one stopped: a picture is done when its line is
in the journal, which is written after its files.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_edgeconnect.atomic import write_json
from tf_edgeconnect.errors import InputError, ServingError, one_line
from tf_edgeconnect.evaluation import measure, results
from tf_edgeconnect.evaluation.manifest import (
    Conditions,
    Track,
    filled_bins,
    make_manifest,
)
from tf_edgeconnect.evaluation.pictures import read_picture
from tf_edgeconnect.evaluation.results import ALL, Evaluation, ImageResult
from tf_edgeconnect.evaluation.systems import Filled, System
from tf_edgeconnect.metrics.fid import ENOUGH_PICTURES, frechet_distance
from tf_edgeconnect.metrics.lpips import Lpips
from tf_edgeconnect.photos.reading import Photo, read_photo
from tf_edgeconnect.photos.writing import write_photo

NO_WEIGHTS = "no weights file was given: --{}-weights FILE"
# Keys of system.json that may change between calls: they do not affect the results.
IGNORED = ("label", "description", "images", "masks", "edge_threshold")
FID_BATCH, FID_DIGITS = 16, 4  # further digits differ between machines
OUT_OF_MEMORY = "too large for this memory; --size measures a smaller square"


def evaluate(
    conditions: Conditions,
    system: System,
    output: Path,
    *,
    track: Track = lambda items, what: items,
    fid_cache: Path | None = None,
) -> Evaluation:
    """Measures one system, or continues an evaluation of it.

    Args:
        conditions: what to measure, and how.
        system: what fills the holes.
        output: folder of the results: new, empty, or of the same evaluation.
        track: shows progress; by default nothing is shown.
        fid_cache: folder of Inception features, by default inside `output`.

    Raises:
        InputError: nothing can be measured, or `output` holds something else.
    """
    if output.exists() and not output.is_dir():
        raise InputError(f"output {output} is a file; give the name of a folder")
    begun = (output / results.MANIFEST).is_file()
    if any(output.glob("[!.]*")) and not begun:  # a killed run may leave hidden files
        raise InputError(f"output {output} holds other files; give a new folder")
    manifest = make_manifest(conditions, output, track)
    folders = {name: str(p.resolve()) for name, p in conditions.folders.items()}
    contents = {
        results.MANIFEST: manifest,
        results.SYSTEM: {**system.details, **folders},
    }
    for name, new in contents.items():
        old = results.read_json(output / name) if (output / name).is_file() else new
        if change := results.difference(old, new, IGNORED):
            raise InputError(
                f"output {output} holds another evaluation: {change}; give another "
                "folder"
            )
    for name, new in contents.items():
        write_json(output / name, new)
    failed = _measure_all(conditions, system, output, manifest, track)
    images = results.read_images(output, manifest)
    if not images:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(failed.items())[:3])
        raise InputError(f"no picture could be measured: {reasons}")
    fid = dict.fromkeys((*filled_bins(manifest), ALL))
    if weights := conditions.fid_weights:
        cache = measure.FeatureCache(
            fid_cache or output / "features", weights, manifest["weights"]["fid"]
        )
        fid |= _fid_by_bin(conditions, output, manifest, images, cache, track)
    summary = {
        "fid": fid,
        "missing": {
            name: NO_WEIGHTS.format(name)
            for name, weights in manifest["weights"].items()
            if weights is None
        },
        "failed": failed,
        "warnings": _warnings(manifest, images),
    }
    write_json(output / results.SUMMARY, summary)
    return Evaluation.read(output)


def _measure_all(
    conditions: Conditions,
    system: System,
    output: Path,
    manifest: Mapping[str, Any],
    track: Track,
) -> dict[str, str]:
    """Measures what is not in the journal; returns name -> why it failed."""
    weights = conditions.lpips_weights
    lpips = None if weights is None else Lpips(weights)
    failed = {}
    with results.open_journal(output) as journal:
        done = {
            image.name
            for image in results.read_images(output, manifest)
            if results.filled_path(output, image.name).is_file()
        }
        for item in track(manifest["items"], "measuring"):
            name = item["name"]
            if name in done:
                continue
            try:
                picture = read_picture(item, conditions.folders, conditions.size)
                filled = system.fill(picture)
                histogram = _write(output, name, filled, picture.hole)
                figures = measure.measure(
                    picture.image, filled.image, conditions.protocol, lpips
                )
            except tf.errors.ResourceExhaustedError:
                failed[name] = OUT_OF_MEMORY
            except (InputError, ServingError, OSError) as error:
                failed[name] = one_line(error)
            else:
                line = {**figures, "edge_histogram": histogram, "note": filled.note}
                journal.write(json.dumps({"name": name, **line}) + "\n")
                journal.flush()
    return failed


def _write(
    output: Path, name: str, filled: Filled, hole: np.ndarray
) -> list[list[int]] | None:
    """Writes a filled picture and its edges; returns their histogram if it has any."""
    path = results.filled_path(output, name)
    write_photo(path, Photo(filled.image), overwrite=True)
    if filled.edges is None:
        return None
    path = results.edges_path(output, name)
    write_photo(path, Photo(filled.edges[..., None]), overwrite=True)
    if filled.true_edges is None:
        return None
    return measure.edge_histogram(filled.edges, filled.true_edges, hole)


def _fid_by_bin(
    conditions: Conditions,
    output: Path,
    manifest: Mapping[str, Any],
    images: Sequence[ImageResult],
    cache: measure.FeatureCache,
    track: Track,
) -> dict[str, float]:
    """Computes the FID of each bin of two or more pictures."""
    items = {item["name"]: item for item in manifest["items"]}
    photos, filled = [], []
    for start in track(range(0, len(images), FID_BATCH), "features"):
        names = [image.name for image in images[start : start + FID_BATCH]]
        true = (
            read_picture(items[name], conditions.folders, conditions.size)
            for name in names
        )
        photos.append(cache(picture.image for picture in true))
        made = (read_photo(results.filled_path(output, name)) for name in names)
        filled.append(cache(photo.rgb() for photo in made))
    of_photos, of_filled = np.concatenate(photos), np.concatenate(filled)
    found = {}
    for label in (*filled_bins(manifest), ALL):
        chosen = [label in (ALL, image.bin) for image in images]
        if sum(chosen) > 1:
            distance = frechet_distance(of_photos[chosen], of_filled[chosen])
            found[label] = round(distance, FID_DIGITS)
    return found


def _warnings(
    manifest: Mapping[str, Any], images: tuple[ImageResult, ...]
) -> list[str]:
    found = []
    weights = manifest["weights"]
    if weights["fid"] is not None and len(images) < ENOUGH_PICTURES:
        found.append(
            f"FID of {len(images)} pictures: below {ENOUGH_PICTURES:,} it is too high, "
            "the more so the fewer there are; compare it only within one bin"
        )
    without = sum(image.lpips is None for image in images)
    if weights["lpips"] is not None and without:
        found.append(
            f"LPIPS leaves out {without} pictures that are too small for it or larger "
            f"than {measure.LPIPS_MAX_PIXELS // 1_000_000} megapixels"
        )
    for note in dict.fromkeys(image.note for image in images if image.note):
        names = [image.name for image in images if image.note == note]
        found.append(f"{len(names)} pictures ({names[0]} first): {note}")
    return found
