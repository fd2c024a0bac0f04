"""Shows the package's warnings as lines on the terminal, beside a progress bar."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class Once(logging.Filter):
    """Drops what was said of another file, of records that are marked `once`."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether to show a record."""
        is_new = record.msg not in self._said
        if getattr(record, "once", False):
            self._said.add(record.msg)
            return is_new
        return True


class Lines(logging.Handler):
    """Shows each warning once, as a line that names the photo at work."""

    def __init__(self, console: "Console") -> None:
        super().__init__(logging.WARNING)
        self.addFilter(Once())
        self.console = console
        self._here = threading.local()
        self._shown: set[str] = set()

    @property
    def photo(self) -> Path | None:
        """The photo at work in this thread, or None."""
        return getattr(self._here, "photo", None)

    @photo.setter
    def photo(self, photo: Path) -> None:
        self._here.photo = photo

    def emit(self, record: logging.LogRecord) -> None:
        """Prints one warning."""
        message = record.getMessage()
        if self.photo is not None and self.photo.name not in message:
            message = f"{self.photo}: {message}"
        if message not in self._shown:
            self._shown.add(message)
            self.console.print(f"warning: {message}")


@contextmanager
def shown_on(console: "Console") -> Iterator[Lines]:
    """Shows warnings on a console instead of wherever they would go.

    Args:
        console: where to.

    Yields:
        The handler, to be told which photo is at work.
    """
    lines = Lines(console)
    logger = logging.getLogger("tf_edgeconnect")
    logger.addHandler(lines)
    propagates, logger.propagate = logger.propagate, False
    try:
        yield lines
    finally:
        logger.removeHandler(lines)
        logger.propagate = propagates
