"""The photos to fill: an `Item` for each, paired with its mask by name."""

import io
import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple, cast

from tf_edgeconnect.data.records import (
    RecordSource,
    is_record_file,
    list_record_files,
    read_example,
)
from tf_edgeconnect.data.sources import LIST_SUFFIXES, open_source, read_list
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.decoding import MAX_PIXELS, open_image
from tf_edgeconnect.photos.jobs import MASK_SUFFIX
from tf_edgeconnect.photos.names import SAME_STEM, Partners, list_images, some, stem_of
from tf_edgeconnect.photos.reading import Photo, decode_photo, read_photo


class Item(NamedTuple):
    """One photo to fill.

    Attributes:
        name: the photo's path below its folder without the ending.
        photo: its file, or the TFRecord file it is a record of.
        mask: its mask's file.
        offset: where its record starts, in bytes; None for a photo in a file.
        feature: the record's feature that holds it.
        problem: why it cannot be filled, where its name is the reason.
    """

    name: str
    photo: str
    mask: str = ""
    offset: int | None = None
    feature: str = ""
    problem: str = ""

    def to_json(self) -> str:
        """Returns one line of JSON."""
        return json.dumps(self)

    @classmethod
    def from_json(cls, line: str) -> "Item":
        """Makes the item that `to_json` wrote."""
        return cls(*json.loads(line))


def read_item(item: Item, max_pixels: int = MAX_PIXELS) -> Photo:
    """Reads the photo of an item.

    Raises:
        InputError: it cannot be read, or has no mask.
    """
    if item.problem:
        raise InputError(item.problem)
    if item.offset is None:
        return read_photo(item.photo, max_pixels)
    return decode_photo(_record(item), item.name, max_pixels)


def size_of(item: Item) -> tuple[int, int] | None:
    """Reads width and height from a photo's header; None if it cannot be read."""
    try:
        if item.offset is not None:
            return open_image(io.BytesIO(_record(item))).size
        with open(item.photo, "rb") as file:
            return open_image(file).size
    except Exception:  # the error is reported when the photo is filled
        return None


def _record(item: Item) -> bytes:
    features = read_example(item.photo, item.offset or 0).features.feature
    stored = features[item.feature].bytes_list.value
    return stored[0] if stored else b""


def list_items(
    photos: Path, masks: Path, output: Path, root: Path | None = None
) -> list[Item]:
    """Lists the photos and pairs them with masks. Only records are read.

    Args:
        photos: a folder of photos; a `.txt` or `.flist` file of paths, relative to
            the list or absolute; a TFRecord file or a folder of them.
        masks: one file for all, or a folder of masks of the photos' names.
        output: the folder of the results, which is no input.
        root: the folder that the names of a list's photos are relative to; None: that
            of the list.

    Returns:
        The items; one without a mask has a `problem`.

    Raises:
        InputError: a path is missing, there is no photo, or names collide.
    """
    for what, path in (("photos", photos), ("masks", masks)):
        if not path.exists():
            raise InputError(f"{what} {path} does not exist")
        if path.resolve() == output.resolve():
            raise InputError(f"output {output} is an input folder; give another")
    if masks.is_dir() and photos.is_dir() and masks.samefile(photos):
        raise InputError(
            f"masks {masks} is the folder of photos itself; inpaint fills photos that "
            "have their masks beside them"
        )
    is_list = photos.is_file() and photos.suffix.lower() in LIST_SUFFIXES
    if root is not None and not is_list:
        raise InputError("--root is for a list of photos, a .txt or .flist file")
    if is_list:
        items = _listed(photos, root or photos.parent)
    elif photos.is_dir() and not list_record_files(photos):
        files, _ = list_images(photos, without=output)
        items = [Item(name, str(path.absolute())) for name, path in files.items()]
    elif photos.is_dir() or is_record_file(photos):
        items = _recorded(photos)
    else:
        raise InputError(
            f"photos {photos}: expected a folder, a .txt or .flist list of files, a "
            "TFRecord file or a folder of them; for one photo, use inpaint"
        )
    return _distinct(_paired(items, masks, output))


def _listed(file: Path, root: Path) -> list[Item]:
    items, root = [], root.resolve()
    for line in read_list(file):
        path = (file.parent / line).resolve()
        if not path.is_relative_to(root):
            raise InputError(
                f"{file}: {line} is not below {root}, which names are relative to; "
                "pass a folder above all photos as --root"
            )
        items.append(Item(path.relative_to(root).as_posix(), str(path)))
    return items


def _recorded(path: Path) -> list[Item]:
    source = cast(RecordSource, open_source(path))
    items = []
    for index, (file, offset) in enumerate(source.places.tolist()):
        name = Path(source.name(index))
        leads_out = name.is_absolute() or ".." in name.parts
        items.append(
            Item(
                name=name.as_posix(),
                photo=source.files[file],
                offset=offset,
                feature=source.keys.image,
                problem="its name leads out of the output folder" if leads_out else "",
            )
        )
    return items


def _paired(items: list[Item], masks: Path, output: Path) -> list[Item]:
    if masks.is_file():
        return [item._replace(mask=str(masks.absolute())) for item in items]
    files, _ = list_images(masks, without=output)
    partners = Partners(masks, files, "mask", MASK_SUFFIX)
    paired = []
    for item in items:
        try:
            mask = str(partners.of(item.name).absolute())
            paired.append(item._replace(mask=mask))
        except InputError as error:
            paired.append(item._replace(problem=item.problem or str(error)))
    if not any(item.mask for item in paired):
        raise InputError(
            f"no photo has a mask of its name in {masks}: photos are "
            f"{some(item.name for item in items)}, masks are {some(files)}"
        )
    return paired


def _distinct(items: list[Item]) -> list[Item]:
    """Takes the endings off the names; photos of one name then have a problem."""
    named = [item._replace(name=stem_of(item.name)) for item in items]
    times = Counter(item.name for item in named)
    return [
        item._replace(problem=item.problem or SAME_STEM)
        if times[item.name] > 1
        else item
        for item in named
    ]
