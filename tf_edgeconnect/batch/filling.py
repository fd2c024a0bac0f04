"""Fills a group of photos in this process and writes the results.

Results are `NAME.png`, or one TFRecord file for a group of photos. Its names are listed
in another file, which is written first and ignored without the TFRecord file. Every
file is complete or absent, so the next run finds what is finished.
"""

import dataclasses
import hashlib
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from tf_edgeconnect.atomic import PARTIAL, new_file, write_json
from tf_edgeconnect.batch.items import Item, read_item
from tf_edgeconnect.data.records import photo_example
from tf_edgeconnect.data.source import Encoded
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.areas import Large
from tf_edgeconnect.inference.files import reason_of
from tf_edgeconnect.photos.decoding import MAX_PIXELS
from tf_edgeconnect.photos.masks import MaskOptions
from tf_edgeconnect.photos.reading import Photo, read_hole
from tf_edgeconnect.photos.writing import encode, write_photo

Format = Literal["png", "tfrecord"]
Read = tuple[Item, Photo, np.ndarray]  # the last: bool (H, W), true = hole

SUMMARY = "summary.json"
FAILED = "failed.jsonl"
WORK = ".work.jsonl"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """How photos are filled.

    Attributes:
        model: as for `Inpainter.load`.
        output: the folder of the results.
        form: how they are stored.
        batch_size: photos of one size that run together, 1 or more.
        masks: how masks are read.
        max_pixels: the largest photo or mask.
        large: as for `Inpainter`.
    """

    model: str
    output: Path
    form: Format = "png"
    batch_size: int = 1
    masks: MaskOptions = MaskOptions()
    max_pixels: int = MAX_PIXELS
    large: Large = "auto"


@dataclasses.dataclass
class Outcome:
    """The results of a group.

    Attributes:
        skipped: how many photos had results already.
        pixels: photos written -> their pixels.
        failures: photos that failed -> why.
    """

    skipped: int = 0
    pixels: dict[Item, int] = dataclasses.field(default_factory=dict)
    failures: dict[Item, str] = dataclasses.field(default_factory=dict)

    @contextmanager
    def failing(self, *items: Item) -> Iterator[None]:
        """Notes an exception as the failure of items and goes on."""
        try:
            yield
        except Exception as error:  # one photo of millions never stops the rest
            self.failures.update(dict.fromkeys(items, reason_of(error)))
            for item in items:
                self.pixels.pop(item, None)


def fill_group(
    items: Iterable[Item], options: Options, inpainter: Inpainter
) -> Outcome:
    """Fills photos; one that fails does not stop the rest."""
    outcome, examples = Outcome(), {}
    for batch in _batches(items, options, outcome):
        for item, photo in _filled(batch, options, inpainter, outcome):
            with outcome.failing(item):
                if options.form == "png":
                    write_photo(options.output / f"{item.name}.png", photo)
                else:
                    stored = Encoded(encode(photo, "PNG"))
                    name = f"{item.name}.png"
                    examples[item] = photo_example(stored, name, *photo.size)
                outcome.pixels[item] = photo.size[0] * photo.size[1]
    if examples:
        with outcome.failing(*examples):
            _write_records(options.output, examples)
    return outcome


def _batches(
    items: Iterable[Item], options: Options, outcome: Outcome
) -> Iterator[list[Read]]:
    """Reads photos; yields those of one size, `batch_size` at a time."""
    waiting: dict[tuple[int, int], list[Read]] = defaultdict(list)
    for item in items:
        path = options.output / f"{item.name}.png"
        if options.form == "png" and path.exists():
            outcome.skipped += 1
            continue
        with outcome.failing(item):
            photo = read_item(item, options.max_pixels)
            hole = read_hole(item.mask, photo, options.masks, options.max_pixels)
            waiting[photo.size].append((item, photo, hole))
            if len(waiting[photo.size]) == options.batch_size:
                yield waiting.pop(photo.size)
    yield from waiting.values()


def _filled(
    batch: list[Read], options: Options, inpainter: Inpainter, outcome: Outcome
) -> list[tuple[Item, Photo]]:
    """Fills photos of one size together, or one by one where that fails."""
    items, photos, holes = zip(*batch, strict=True)
    images = np.stack([photo.rgb() for photo in photos])
    try:
        filled = inpainter.paint(images, np.stack(holes), large=options.large)
    except Exception as error:
        if len(batch) > 1:
            ones = (_filled([one], options, inpainter, outcome) for one in batch)
            return [pair for one in ones for pair in one]
        outcome.failures[items[0]] = reason_of(error)
        return []
    return [
        (item, photo.with_hole_filled(image, hole))
        for item, photo, hole, image in zip(items, photos, holes, filled, strict=True)
    ]


def _write_records(folder: Path, examples: dict[Item, bytes]) -> None:
    names = [item.name for item in examples]
    digest = hashlib.sha256("\n".join(names).encode(errors="surrogateescape"))
    path = folder / f"filled-{digest.hexdigest()[:16]}.tfrecord"
    write_json(_names_of(path), names)
    with new_file(path) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
        for example in examples.values():
            writer.write(example)


def prepare(folder: Path, settings: dict[str, Any]) -> None:
    """Makes the folder of the results, or checks that its settings are the same.

    Raises:
        InputError: the folder holds something else, or results of other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summary = folder / SUMMARY
    if not summary.exists():
        if any(folder.iterdir()):
            raise InputError(
                f"output {folder} holds files that batch did not write; choose a new "
                "or empty folder"
            )
        write_json(summary, {"settings": settings})
        return
    try:
        before = json.loads(summary.read_text())["settings"]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{summary} is not a summary written by batch; choose another output"
        ) from None
    for name, value in settings.items():
        if before.get(name) != value:
            raise InputError(
                f"output {folder} holds results of {name} {before.get(name)!r}, not "
                f"{value!r}; choose another folder"
            )


def finished(folder: Path, form: Format) -> set[str]:
    """Finds the names of finished results, and removes what a killed run left."""
    for beams_own in folder.glob(f"beam-temp-{FAILED}-*"):
        shutil.rmtree(beams_own)
    names: set[str] = set()
    for parent, _, files in os.walk(folder):
        for path in (Path(parent, name) for name in files):
            if path.name.startswith(".") and path.suffix == PARTIAL:
                path.unlink(missing_ok=True)
            elif form == "png" and path.suffix == ".png":
                names.add(path.relative_to(folder).with_suffix("").as_posix())
            elif form == "tfrecord" and path.suffix == ".tfrecord":
                names.update(json.loads(_names_of(path).read_text()))
    return names


def _names_of(records: Path) -> Path:
    return records.with_suffix(".names.json")
