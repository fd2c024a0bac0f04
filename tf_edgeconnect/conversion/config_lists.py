"""The original lists files where this project takes a folder."""

import os
from pathlib import Path


def folder_of(value: str, what: str) -> tuple[str, str | None]:
    """Finds the folder behind a file list of the original.

    Args:
        value: a folder, a list of files (one path a line), or one file.
        what: names the files in the note.

    Returns:
        The folder, and what to tell the user; None where nothing is to be said.
    """
    path = Path(value)
    if path.is_dir():
        return value, None
    try:
        names = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return value, f"{value} is no list to be read here: name a folder of {what}"
    parents = {os.path.dirname(name.strip()) for name in names if name.strip()}
    if not parents or "" in parents:
        return value, f"{value} names no folder: put the {what} into one and name it"
    try:
        folder = os.path.commonpath(parents)
    except ValueError:  # some absolute, some not
        return value, f"{value} names files far apart: put the {what} into one folder"
    return folder, f"a list became the folder of its files, {folder}: all {what} there"
