"""Where the SavedModel of an export lies: in one folder, or in numbered versions."""

from pathlib import Path

SAVED_MODEL_FILE = "saved_model.pb"


def find_export(path: str | Path) -> Path | None:
    """Finds the SavedModel that a path names.

    Args:
        path: a SavedModel, or the folder of its versions `1`, `2`, ...

    Returns:
        The SavedModel's folder, of several versions that of the latest; None where
        there is none.
    """
    path = Path(path)
    folders = [path]
    if path.is_dir():
        numbered = [child for child in path.iterdir() if child.name.isdigit()]
        folders += sorted(numbered, key=lambda child: -int(child.name))
    return next((f for f in folders if (f / SAVED_MODEL_FILE).is_file()), None)
