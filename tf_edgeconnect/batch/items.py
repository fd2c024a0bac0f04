"""What there is to fill: one `Item` a photo, paired with its mask by name."""

import json
from pathlib import Path
from typing import NamedTuple

from tf_edgeconnect.data.tfrecords import (
    is_record_file,
    list_record_files,
    open_records,
)
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.names import IMAGE_SUFFIXES, named_images

LIST_SUFFIXES = (".txt", ".flist")


class Item(NamedTuple):
    """One photo to fill.

    Attributes:
        name: the photo's path below its folder without the ending.
        photo: its file, or the TFRecord file it is a record of.
        mask: its mask's file.
        offset: where its record starts, in bytes; None for a photo in a file.
        feature: the record's feature that holds it.
        problem: why it cannot be filled, where the names alone tell.
    """

    name: str
    photo: str
    mask: str = ""
    offset: int | None = None
    feature: str = ""
    problem: str = ""

    def line(self) -> str:
        """Returns the item as a line of text."""
        return json.dumps(self)

    @classmethod
    def parse(cls, line: str) -> "Item":
        """Makes an item of its line."""
        return cls(*json.loads(line))

    def failure(self, reason: str) -> str:
        """Returns the line of the dead-letter file on this item."""
        reason = " ".join(reason.split())
        return json.dumps({"name": self.name, "photo": self.photo, "reason": reason})


def list_items(
    photos: Path, masks: Path, output: Path, root: Path | None = None
) -> list[Item]:
    """Lists the photos and pairs them with masks. Only records are read.

    Args:
        photos: a folder of photos; a `.txt` or `.flist` file of paths, where relative
            ones count from the list; a TFRecord file or a folder of them.
        masks: one file for all, or a folder of masks of the photos' names.
        output: the folder of the results, which is no input.
        root: the folder from which the names of a list's photos count; None: that of
            the list.

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
    is_list = photos.is_file() and photos.suffix.lower() in LIST_SUFFIXES
    if root is not None and not is_list:
        raise InputError("--root is for a list of photos, a .txt or .flist file")
    if is_list:
        items = _listed(photos, root or photos.parent)
    elif photos.is_dir() and not list_record_files(photos):
        named = named_images(photos, without=output)
        items = [Item(name, str(path.absolute())) for name, path in named.items()]
    elif photos.is_dir() or is_record_file(photos):
        items = _recorded(photos)
    else:
        raise InputError(
            f"photos {photos}: expected a folder, a .txt or .flist list of files, a "
            "TFRecord file or a folder of them; for one photo, use inpaint"
        )
    _check_distinct(items)
    return _paired(items, masks, output)


def _listed(file: Path, root: Path) -> list[Item]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(
            f"{file}: a list of photos must be UTF-8 text, one path a line"
        ) from None
    items, root = [], root.resolve()
    for line in filter(None, map(str.strip, lines)):
        path = (file.parent / line).resolve()
        if not path.is_relative_to(root):
            raise InputError(
                f"{file}: {line} is not below {root}, from which names count; give a "
                "folder above all photos by --root"
            )
        items.append(Item(_without_ending(path.relative_to(root)), str(path)))
    if not items:
        raise InputError(f"{file}: the list is empty; expected one path a line")
    return items


def _recorded(path: Path) -> list[Item]:
    files = list_record_files(path) if path.is_dir() else [path]
    source = open_records(files, str(path))
    items = []
    for index, (file, offset) in enumerate(source.places.tolist()):
        name = Path(source.name(index))
        leads_out = name.is_absolute() or ".." in name.parts
        items.append(
            Item(
                name=_without_ending(name),
                photo=source.files[file],
                offset=offset,
                feature=source.keys.image,
                problem="its name leads out of the output folder" if leads_out else "",
            )
        )
    return items


def _without_ending(path: Path) -> str:
    is_image = path.suffix.lower() in IMAGE_SUFFIXES
    return (path.with_suffix("") if is_image else path).as_posix()


def _check_distinct(items: list[Item]) -> None:
    seen: dict[str, Item] = {}
    for item in items:
        if other := seen.get(item.name):
            raise InputError(
                f"{other.photo} and {item.photo} hold photos of the same name "
                f"{item.name}; their results would collide: rename or leave out one"
            )
        seen[item.name] = item


def _paired(items: list[Item], masks: Path, output: Path) -> list[Item]:
    if masks.is_file():
        return [item._replace(mask=str(masks.absolute())) for item in items]
    files = named_images(masks, without=output)
    lacking = f"no mask of its name in {masks}"
    paired = [
        item._replace(mask=str(files[item.name].absolute()))
        if item.name in files
        else item._replace(problem=item.problem or lacking)
        for item in items
    ]
    if not any(item.mask for item in paired):
        raise InputError(
            f"no photo has a mask of its name in {masks}: photos are "
            f"{items[0].name}, ..., masks are {next(iter(files))}, ..."
        )
    return paired
