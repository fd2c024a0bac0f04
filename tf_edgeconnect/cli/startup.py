"""Starts TensorFlow for a command, without the notes that its C++ side writes.

TensorFlow 2.21 writes a dozen lines before it reads `TF_CPP_MIN_LOG_LEVEL`, among them
an "error" wherever there is no GPU; they would bury the lines of a command.
"""

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# Not even what it calls errors: "oneDNN supports DT_BOOL only on platforms with ..." is
# one. What stops a command arrives as an exception.
_NOTHING = "3"


def import_tensorflow() -> None:
    """Imports TensorFlow and finds its devices; call it before other heavy imports.

    Nothing is held back where the user has set `TF_CPP_MIN_LOG_LEVEL`, and what was
    held back is shown where the import fails. A GPU that TensorFlow cannot use is told.
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
    """Does what `import_tensorflow` does, and says nothing of a GPU."""
    if "tensorflow" in sys.modules or LOG_LEVEL in os.environ:
        import tensorflow as tf  # noqa: F401

        return
    os.environ[LOG_LEVEL] = _NOTHING
    with _stderr_held_back():
        import tensorflow as tf

        tf.config.list_physical_devices()


def gpu_is_missed() -> bool:
    """Tells whether there is an NVIDIA driver and TensorFlow finds no GPU."""
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
