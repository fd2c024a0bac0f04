"""What commands share: exit codes, warnings, progress, and TensorFlow's silence.

TensorFlow 2.21 writes a dozen lines before it reads `TF_CPP_MIN_LOG_LEVEL`, among them
an "error" on machines without a GPU, which would hide the output of a command.
"""

import ctypes
import functools
import gc
import ipaddress
import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

SOME_FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130
SAVED_NOT_FINISHED = 75  # sysexits.h EX_TEMPFAIL: a scheduler starts the job again

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
MEMORY_GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"
# Not even what it calls errors: "oneDNN supports DT_BOOL only on platforms with ..." is
# one. What stops a command arrives as an exception.
_NOTHING = "3"
# TensorFlow and Keras import these where they are installed, for functions that no
# command calls: a quarter of the time of the import.
_UNUSED = ("jax", "matplotlib", "IPython", "cv2")

_PHOTO: ContextVar[Path | None] = ContextVar("photo", default=None)


def import_tensorflow(memory_growth: bool = True) -> None:
    """Imports TensorFlow and finds its devices; call it before other heavy imports.

    Its messages are hidden unless the user has set `TF_CPP_MIN_LOG_LEVEL` or the import
    fails. Prints a note if there is a GPU that TensorFlow cannot use.

    Args:
        memory_growth: takes a GPU's memory as it is needed, unless the user has set
            `TF_FORCE_GPU_ALLOW_GROWTH`; False: as TensorFlow does, all of it.
    """
    if "tensorflow" in sys.modules:
        return
    import_quietly(memory_growth)
    if gpu_is_missed():
        print(
            "note: this machine has an NVIDIA driver, but TensorFlow finds no GPU and "
            "runs on the CPU; pip install 'tf-edgeconnect[gpu]' adds what is missing",
            file=sys.stderr,
        )


def import_quietly(memory_growth: bool = True) -> None:
    """Imports TensorFlow like `import_tensorflow`, without the note about a GPU."""
    if "tensorflow" in sys.modules:
        return
    if memory_growth:  # read when a GPU is first used
        os.environ.setdefault(MEMORY_GROWTH, "true")
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
    """Imports without `_UNUSED`, and without garbage collection, which finds none.

    The collector would look at all that has been imported again and again: a quarter
    of the time, too.
    """
    # None: importing it raises ImportError.
    left_out: dict[str, Any] = dict.fromkeys(set(_UNUSED) - set(sys.modules))
    sys.modules.update(left_out)
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


@functools.cache
def stderr_console() -> "Console":
    """Returns the console for warnings and progress bars."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def track(
    items: Iterable[Any], description: str, total: int | None = None
) -> Iterable[Any]:
    """Iterates; shows a progress bar meanwhile if the output is a terminal."""
    from rich import progress

    console = stderr_console()
    hidden = not console.is_terminal
    return progress.track(
        items, description, total, console=console, transient=True, disable=hidden
    )


class WarningLines(logging.Handler):
    """Prints each warning once, as a line that names the photo of `working_on`."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._shown: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a warning; of records marked `once` only the first of a kind."""
        message, photo = record.getMessage(), _PHOTO.get()
        if photo is not None and photo.name not in message:
            message = f"{photo}: {message}"
        key = record.msg if getattr(record, "once", False) else message
        if key not in self._shown:
            self._shown.add(key)
            stderr_console().print(f"warning: {message}")


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """Prints warnings of this package on the console."""
    logger, lines = logging.getLogger("tf_edgeconnect"), WarningLines()
    logger.addHandler(lines)
    propagates, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.propagate = propagates


@contextmanager
def working_on(photo: Path) -> Iterator[None]:
    """Names a photo in the warnings of this thread."""
    token = _PHOTO.set(photo)
    try:
        yield
    finally:
        _PHOTO.reset(token)


def warn_if_reachable(host: str) -> None:
    """Warns if other machines may reach a server on an address."""
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
