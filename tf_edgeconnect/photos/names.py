"""Lists the image files of folders and pairs those that belong together.

A name here is a file's path below its folder, such as `deep/a.jpg`. Names match as a
person expects: `a.jpg` with `a.jpg`, `a.jpg.png` or `a.png`.
"""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.photos.decoding import open_image

IMAGE_SUFFIXES = frozenset(
    ".png .jpg .jpeg .jpe .jfif .webp .bmp .tif .tiff .gif .avif .heic .heif .hif .jp2 "
    ".ppm .pgm .pbm".split()
)
SAME_STEM = "another photo has the same name except for the extension; rename one"
MASK_SUFFIX = "_mask"  # as LaMa names masks that lie beside their photos


def list_files(folder: str | Path, *, without: Path | None = None) -> list[Path]:
    """Lists the files of a folder and of the folders below it.

    Skips hidden files and folders. Follows links to folders, but lists each folder
    once, by its own path if it has one.

    Args:
        folder: where to look.
        without: a folder to skip, such as that of the results.

    Returns:
        Paths ordered by their parts, the same on every system.
    """
    seen = set() if without is None else {os.path.realpath(without)}
    found, links = [], [Path(folder)]
    while links:
        for parent, folders, files in os.walk(links.pop(0)):
            if (real := os.path.realpath(parent)) in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            links += [p for name in folders if (p := Path(parent, name)).is_symlink()]
            found += [Path(parent, name) for name in files if not name.startswith(".")]
    return sorted(found, key=lambda path: path.parts)


def list_images(
    folder: Path, *, without: Path | None = None
) -> tuple[dict[str, Path], list[Path]]:
    """Splits what `list_files` finds into images, by ending or content, and the rest.

    Returns:
        Name -> image file, and the other files.

    Raises:
        InputError: there is no image.
    """
    files = list_files(folder, without=without)
    images = {p.relative_to(folder).as_posix(): p for p in files if _is_image(p)}
    if not images:
        raise InputError(f"folder {folder} contains no image files")
    return images, [path for path in files if path not in set(images.values())]


def stem_of(name: str) -> str:
    """Returns a name without its extension if that is an image's."""
    path = PurePosixPath(name)
    is_ending = path.suffix.lower() in IMAGE_SUFFIXES
    return path.with_suffix("").as_posix() if is_ending else name


class Partners:
    """Finds the files that go with photos: their masks, or their edges.

    A photo `a.webp` takes `a.webp`, else `a.webp.png` (of any ending), else `a.png`,
    else `a_mask.png` or `a_mask001.png`; then again ignoring case and the Unicode form
    of accented letters. The first rule that any file fits decides.

    Args:
        folder: of the files, for messages.
        files: name -> file.
        what: "mask" or "edge map", for messages.
        suffix: that a mask's name may add to its photo's; "" for none.
    """

    def __init__(
        self, folder: Path, files: Mapping[str, Path], what: str, suffix: str
    ) -> None:
        self.folder, self.files, self.what = folder, files, what
        rules: list[Callable[[str], str]] = [str, stem_of]
        rules.append(lambda name: base_of(name, suffix) or "")
        self._tables = [
            (fold, [_grouped(files, rule, fold) for rule in rules])
            for fold in (str, _folded)
        ]

    def of(self, name: str) -> Path:
        """Finds the file that goes with a photo of this name.

        Raises:
            InputError: no file fits, or several fit by the deciding rule.
        """
        for fold, (by_name, by_stem, by_base) in self._tables:
            whole, stem = fold(name), fold(stem_of(name))
            for table, key in (
                (by_name, whole),
                (by_stem, whole),
                (by_stem, stem),
                (by_base, stem),
            ):
                found = table.get(key, [])
                if len(found) == 1:
                    return found[0]
                if found:
                    names = " and ".join(path.name for path in found[:2])
                    raise InputError(f"{names} in {self.folder} both fit its name")
        raise InputError(
            f"no {self.what} of its name in {self.folder}: neither {name} nor "
            f"{name}.png nor {stem_of(name)}.png, of any ending and case"
        )


def base_of(name: str, suffix: str) -> str | None:
    """Returns the stem of the photo a mask is named after: `k` for `k_mask001.png`."""
    base = re.sub(re.escape(suffix) + r"\d*$", "", stem_of(name))
    return base if suffix and base != stem_of(name) else None


def _grouped(
    files: Mapping[str, Path],
    rule: Callable[[str], str],
    fold: Callable[[str], str],
) -> dict[str, list[Path]]:
    groups: dict[str, list[Path]] = {}
    for name, path in files.items():
        groups.setdefault(fold(rule(name)), []).append(path)
    return groups


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_image(path: Path) -> bool:
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            open_image(file)
    except InputError:  # an image; reading it will say what is wrong
        return True
    except Exception:  # whatever Pillow raises for other files
        return False
    return True


def some(names: Iterable[str], count: int = 3) -> str:
    """Joins the first few names for a message."""
    names = list(names)
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")
