"""Finds image files of a folder and brings those of two folders together by name.

The name of a file is its path below the folder without the ending, so `a/b.jpg` of one
folder belongs to `a/b.png` of the other.
"""

from pathlib import Path

from tf_edgeconnect.errors import InputError

IMAGE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}
)


def named_images(folder: Path, *, without: Path | None = None) -> dict[str, Path]:
    """Lists the image files of a folder and of the folders below it.

    Args:
        folder: where to look. Hidden files and folders are passed over.
        without: a folder to pass over, such as that of the results.

    Returns:
        Name -> file, in the order of the names.

    Raises:
        InputError: there is no image, or two files share a name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if path.suffix.lower() not in IMAGE_SUFFIXES or not path.is_file():
            continue
        if any(part.startswith(".") for part in below.parts):
            continue
        if without is not None and path.resolve().is_relative_to(without.resolve()):
            continue
        name = below.with_suffix("").as_posix()
        if name in found:
            raise InputError(
                f"{found[name]} and {path} have the same name but for the ending; "
                "their results would collide: rename one"
            )
        found[name] = path
    if not found:
        raise InputError(f"folder {folder} holds no image files")
    return dict(sorted(found.items()))


def unpaired(ones: dict[str, Path], others: dict[str, Path]) -> list[Path]:
    """Lists the files of `ones` whose name is not among `others`.

    Args:
        ones: name -> file, as `named_images` returns.
        others: the same of another folder.

    Returns:
        Files in the order of `ones`.
    """
    return [path for name, path in ones.items() if name not in others]
