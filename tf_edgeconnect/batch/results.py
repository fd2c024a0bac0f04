"""Where results go: PNG files, or TFRecord files that each hold a group of photos.

Every file is written beside its place and renamed, so it is complete or absent. What
is there tells the next run what is finished.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import tensorflow as tf

from tf_edgeconnect.atomic import PARTIAL, new_file, write_json
from tf_edgeconnect.data.records import photo_example
from tf_edgeconnect.data.source import Encoded
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.reading import Photo
from tf_edgeconnect.photos.writing import encode_png, write_photo

Format = Literal["png", "tfrecord"]

SUMMARY = "summary.json"
FAILED = "failed.jsonl"
WORK = ".work.jsonl"


class PngResults:
    """Results as `NAME.png`.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def holds(self, name: str) -> bool:
        """Whether the result of that name is there."""
        return self._path(name).exists()

    def write(self, name: str, photo: Photo) -> None:
        """Writes one result."""
        write_photo(self._path(name), photo)

    def end_group(self) -> None:
        """Does nothing: all is written."""

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.png"


class RecordResults:
    """Results as TFRecord files of what `records` writes, a group of photos each.

    Beside each file lies a list of the names in it. It is written first, and counts
    only where the file is there.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._examples: dict[str, bytes] = {}

    def holds(self, name: str) -> bool:
        """Returns False: that is only known of groups, before the start."""
        return False

    def write(self, name: str, photo: Photo) -> None:
        """Takes one result into the group."""
        stored = Encoded(encode_png(photo))
        self._examples[name] = photo_example(stored, f"{name}.png", *photo.size)

    def end_group(self) -> None:
        """Writes the group."""
        examples, self._examples = self._examples, {}
        if not examples:
            return
        digest = hashlib.sha256("\n".join(examples).encode(errors="surrogateescape"))
        path = self.folder / f"filled-{digest.hexdigest()[:16]}.tfrecord"
        write_json(_names_of(path), list(examples))
        with new_file(path) as partial, tf.io.TFRecordWriter(str(partial)) as writer:
            for example in examples.values():
                writer.write(example)


RESULTS: dict[str, type[PngResults | RecordResults]] = {
    "png": PngResults,
    "tfrecord": RecordResults,
}


def prepare(folder: Path, settings: dict[str, Any]) -> None:
    """Makes the folder of the results, or checks that a run of these settings did.

    Args:
        folder: new, empty, or that of an earlier run.
        settings: all that results depend on; JSON.

    Raises:
        InputError: the folder holds something else, or results of other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    summary = folder / SUMMARY
    if not summary.exists():
        if any(folder.iterdir()):
            raise InputError(
                f"output {folder} holds files that are no results of batch; give a "
                "new or an empty folder"
            )
        write_json(summary, {"settings": settings})
        return
    try:
        before = json.loads(summary.read_text())["settings"]
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{summary} is not of batch; give another output") from None
    for name, value in settings.items():
        if before.get(name) != value:
            raise InputError(
                f"output {folder} holds results of {name} {before.get(name)!r}, not "
                f"{value!r}; give another folder"
            )


def finished(folder: Path, form: Format) -> set[str]:
    """Finds the names whose results are there, and removes what a killed run left.

    Args:
        folder: the results; one run at a time works on it.
        form: how they are stored.
    """
    for beams_own in folder.glob(f"beam-temp-{FAILED}-*"):
        shutil.rmtree(beams_own)
    names: set[str] = set()
    for path in _files(folder):
        if path.name.startswith(".") and path.suffix == PARTIAL:
            path.unlink(missing_ok=True)
        elif form == "png" and path.suffix == ".png":
            names.add(path.relative_to(folder).with_suffix("").as_posix())
        elif form == "tfrecord" and path.suffix == ".tfrecord":
            names.update(json.loads(_names_of(path).read_text()))
    return names


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _names_of(records: Path) -> Path:
    return records.with_suffix(".names.json")
