"""What commands show on the terminal, and what they keep from it.

TensorFlow 2.21 writes a dozen lines before it reads `TF_CPP_MIN_LOG_LEVEL`, among them
an "error" wherever there is no GPU; they would bury the lines of a command.
"""

import ctypes
import gc
import ipaddress
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# Not even what it calls errors: "oneDNN supports DT_BOOL only on platforms with ..." is
# one. What stops a command arrives as an exception.
_NOTHING = "3"
# TensorFlow and Keras import these where they are installed, for functions that no
# command calls: a quarter of the time of the import.
_UNUSED = ("jax", "matplotlib", "IPython", "cv2")


def import_tensorflow() -> None:
    """Imports TensorFlow and finds its devices; call it before other heavy imports.

    Nothing is held back where the user has set `TF_CPP_MIN_LOG_LEVEL`, and what was
    held back is shown where the import fails. Prints a note if there is a GPU that
    TensorFlow cannot use.
    """
    if "tensorflow" in sys.modules:
        return
    import_quietly()
    if gpu_is_missed():
        print(
            "note: this machine has an NVIDIA driver, but TensorFlow finds no GPU and "
            "runs on the CPU; pip install 'tf-edgeconnect[gpu]' adds what it misses",
            file=sys.stderr,
        )


def import_quietly() -> None:
    """Does what `import_tensorflow` does, without its note on a GPU."""
    if "tensorflow" in sys.modules:
        return
    with _unused_left_out():
        if LOG_LEVEL in os.environ:
            import tensorflow as tf

            return
        os.environ[LOG_LEVEL] = _NOTHING
        with _stderr_held_back():
            import tensorflow as tf

            tf.config.list_physical_devices()


@contextmanager
def _unused_left_out() -> Iterator[None]:
    """Imports without `_UNUSED`, and without collecting garbage, which there is none.

    The collector would look at all that has been imported again and again: a quarter
    of the time, too.
    """
    left_out = [name for name in _UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # None: importing it raises ImportError
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
        for name in left_out:
            del sys.modules[name]


def gpu_is_missed() -> bool:
    """Returns whether there is an NVIDIA driver and TensorFlow finds no GPU."""
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU") and _gpu_is_offered()


@contextmanager
def _stderr_held_back() -> Iterator[None]:
    # File descriptor 2, not sys.stderr: the writer is C++.
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            held_back.seek(0)
            os.write(before, held_back.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)


def _gpu_is_offered() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def stderr_console() -> "Console":
    """Returns a console for lines and progress bars, beside what a command prints."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


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
        The handler; set its `photo` to the one at work.
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


def warn_if_reachable(host: str) -> None:
    """Warns where other machines may reach what listens on an address."""
    if not _is_loopback(host):
        print(
            f"warning: {host} may be reached from other machines, without TLS or "
            "authentication",
            file=sys.stderr,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
