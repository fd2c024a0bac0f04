"""Checks on the machine: GPU, memory and disk."""

import shutil
import subprocess
from pathlib import Path

import tensorflow as tf

from tf_edgeconnect.doctor.findings import Finding

GIGA = 1e9
# Of a sheet of samples, six rows of four pictures, as PNG; measured 0.78 to 0.85 MB.
SHEET_BYTES = 850_000
# Of a line of metrics.jsonl with its TensorBoard scalars; measured 0.4 and 0.6 KB.
LINE_BYTES = 1_000
MUCH_OF_DISK = 0.9


def check_gpu(*, missed: bool) -> list[Finding]:
    """Finds a GPU that TensorFlow cannot use, or that there is none.

    Args:
        missed: whether there is an NVIDIA driver and TensorFlow finds no GPU.
    """
    if missed:
        what = "this machine has an NVIDIA driver, but TensorFlow finds no GPU"
        remedy = "pip install 'tf-edgeconnect[gpu]' adds what it misses"
        return [Finding("warning", "gpu", what, remedy)]
    return []


def describe_devices() -> str:
    """Says which GPUs TensorFlow finds."""
    gpus = tf.config.list_physical_devices("GPU")
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in gpus
    ]
    return ", ".join(names) or "none, training runs on the CPU"


def check_memory(needed: int) -> list[Finding]:
    """Finds that a run does not fit into memory.

    Args:
        needed: bytes for weights, gradients and activations.
    """
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    there = gpu_memory() if on_gpu else free_memory()
    if there is None or needed <= there:
        return []
    where = "on the GPU" if on_gpu else "free on this machine"
    return [
        Finding(
            "error",
            "memory",
            f"training takes about {needed / GIGA:.1f} GB and {there / GIGA:.1f} GB "
            f"are {where}",
            "lower train.batch_size, data.size or model.filters",
        )
    ]


def free_memory() -> int | None:
    """Bytes of memory that programs may still take; None where Linux does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def gpu_memory() -> int | None:
    """Bytes of the smallest GPU's memory; None where nvidia-smi does not say."""
    query = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=20)
        return min(int(line) for line in told.stdout.split()) * 2**20
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def check_disk(folder: Path, needed: int) -> list[Finding]:
    """Finds that what a run writes does not fit on the disk.

    Args:
        folder: where it goes; need not exist.
        needed: bytes.
    """
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    if needed <= MUCH_OF_DISK * free:
        return []
    return [
        Finding(
            "error" if needed > free else "warning",
            "disk",
            f"a run writes about {needed / GIGA:.1f} GB and {free / GIGA:.1f} GB are "
            f"free in {there}",
            "make room, choose another --run-dir, lower train.keep_checkpoints or "
            "raise train.sample_every",
        )
    ]


def stage_bytes(
    checkpoint: int, weights: int, keep: int, sheets: int, lines: int
) -> int:
    """Bytes that a stage writes.

    Args:
        checkpoint: bytes of one.
        weights: bytes of the weights folder.
        keep: checkpoints that are kept; one more is there while it is written.
        sheets: sheets of samples; each is in TensorBoard's log too.
        lines: lines of the log.
    """
    return (
        (keep + 1) * checkpoint
        + 2 * weights
        + 2 * sheets * SHEET_BYTES
        + lines * LINE_BYTES
    )
