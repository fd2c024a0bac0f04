"""Numbered version folders, as TF Serving watches them.

A version is complete or absent, and its number is never given again. It is written
under a name that TF Serving passes over, then renamed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.loading import SAVED_MODEL_FILE


class NewVersion:
    """A version while it is written.

    Attributes:
        partial: the folder to write into.
        folder: where it stands; set once it is complete.
    """

    def __init__(self, partial: Path) -> None:
        """Starts with an empty folder."""
        self.partial = partial
        self.folder: Path


@contextmanager
def new_version(output: str | Path) -> Iterator[NewVersion]:
    """Gives a folder to fill, and makes it the next version when the block ends well.

    Args:
        output: holds the versions `1`, `2`, ...; made where it is absent.

    Yields:
        The version; after the block its `folder` is set.

    Raises:
        InputError: the output is a file, or a version itself.
    """
    output = Path(output)
    if output.exists() and not output.is_dir():
        raise InputError(f"output {output} is a file, expected a folder for versions")
    if (output / SAVED_MODEL_FILE).exists():
        raise InputError(
            f"output {output} is itself an exported version; give the folder above it, "
            f"{output.parent}, which holds the numbered versions"
        )
    output.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=output))
    version = NewVersion(partial)
    try:
        yield version
        partial.chmod(0o755)  # mkdtemp's is for its owner alone; a server is another
        version.folder = _publish(partial, output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _publish(partial: Path, output: Path) -> Path:
    number = 1 + max(
        (int(p.name) for p in output.iterdir() if p.name.isdigit()), default=0
    )
    while True:
        folder = output / str(number)
        try:
            # Fails where another export took the number: a full folder is not replaced.
            os.rename(partial, folder)
        except OSError:
            if not folder.exists():
                raise
            number += 1
        else:
            return folder
