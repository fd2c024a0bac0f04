"""The processes that train one run together, from `--strategy` to their end.

TensorFlow's `TF_CONFIG` names them: JSON in the environment with the addresses of all
workers, and which of them this process is. The first, the chief, writes everything; the
others only read the run directory. All of them read metrics and reduce in the same
order.

A process keeps one strategy of each kind: a second one would number its collective
operations from the start again, and TensorFlow 2.21 takes them for the first's.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Literal, NamedTuple

import tensorflow as tf

from tf_edgeconnect.errors import InputError, WorkerLost, one_line

StrategyName = Literal["auto", "single", "mirrored", "multi-worker"]

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
_POLL_SECONDS, _REMINDER_SECONDS = 0.2, 30.0
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)


class Workers:
    """The processes that train one run together.

    Args:
        strategy: of all replicas.
        index: which of them this one is; 0 is the chief.
        count: how many there are.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, index: int = 0, count: int = 1
    ):
        self.strategy, self.index, self.count = strategy, index, count
        # Eagerly, TensorFlow 2.21 would trace it anew at each call, and warn.
        self._gathered = tf.function(lambda value: strategy.gather(value, axis=0))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the run leaves."""
        return self.index == 0

    def agree(self, value: int | str, otherwise: str) -> None:
        """Stops all workers if their values differ.

        Args:
            value: of this worker.
            otherwise: the message if they differ.

        Raises:
            InputError: on every worker, if they differ.
        """
        digest = hashlib.sha256(str(value).encode()).digest()[:8]
        here = int.from_bytes(digest, "big", signed=True)
        if any(there != here for there in self._gather(here)):
            raise InputError(otherwise)

    @contextlib.contextmanager
    def chief_first(self) -> Iterator[None]:
        """Runs the block on the chief before the others."""
        if not self.is_chief:
            self.wait()
        yield
        if self.is_chief:
            self.wait()

    def wait(self) -> None:
        """Waits for all workers."""
        self._gather(0)

    def _gather(self, value: int) -> list[int]:
        if self.count == 1:
            return [value]
        return self._gathered(tf.constant([value], tf.int64)).numpy().tolist()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Reports in one line if another worker is lost in the block.

        Raises:
            WorkerLost: in place of what TensorFlow raises then.
        """
        try:
            yield
        except _LOST as error:
            if self.count == 1:
                raise
            raise WorkerLost(
                f"worker {self.index} lost another worker: one of the {self.count} "
                "ended or cannot be reached (see its own output); start all of them "
                "again with the same command to continue from the newest checkpoint"
            ) from error


def choose_strategy(
    name: StrategyName,
    batch_size: int,
    *,
    accumulate: int = 1,
    jit_compile: bool = False,
) -> Workers:
    """Makes the workers of `--strategy`.

    Args:
        name: "auto": all workers if `TF_CONFIG` names several, else all GPUs if there
            are several, else one device.
        batch_size: photos per step, over all replicas.
        accumulate: parts of a replica's batch.
        jit_compile: whether XLA is to compile the step.

    Raises:
        InputError: if there is nothing to mirror over, `TF_CONFIG` is missing or
            wrong, the batch does not divide, or XLA would have several replicas.
        WorkerLost: if another worker ended while this one joined.
    """
    # Some platforms set TF_CONFIG for a single machine too.
    several = bool(os.environ.get("TF_CONFIG")) and len(read_cluster().addresses) > 1
    if name == "multi-worker" or (name == "auto" and several):
        workers = _all_workers(read_cluster())
    else:
        workers = Workers(_of_this_machine(name))
    replicas = workers.strategy.num_replicas_in_sync
    share, rest = divmod(batch_size, replicas)
    if rest:
        raise InputError(
            f"train.batch_size {batch_size} is not divisible by the number of devices, "
            f"{replicas}; use a multiple of {replicas}"
        )
    if share % accumulate:
        raise InputError(
            f"train.accumulate {accumulate} does not divide {share}, the part of "
            f"train.batch_size {batch_size} on each of {replicas} devices"
        )
    if jit_compile and replicas > 1:
        raise InputError(
            f"train.jit_compile needs a single device, but there are {replicas}: XLA "
            "cannot compile their communication; turn it off, or use --strategy single"
        )
    return workers


def _of_this_machine(name: StrategyName) -> tf.distribute.Strategy:
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    if name == "single" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    if len(devices) < 2:
        raise InputError(
            "--strategy mirrored needs at least two GPUs, but TensorFlow finds "
            f"{len(gpus)}; use --strategy single"
        )
    return _mirrored(tuple(device.name for device in devices))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(devices)


class Cluster(NamedTuple):
    """All workers of a run, `host:port`, the chief first; and which is this process."""

    addresses: tuple[str, ...]
    place: int


@functools.cache
def _all_workers(cluster: Cluster) -> Workers:
    wait_for_all(cluster)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        raise WorkerLost(
            f"worker {cluster.place} cannot join the others ({one_line(error)}): some "
            "of them may be left from an earlier start; once those have ended, start "
            "all again"
        ) from error
    if threading.current_thread() is threading.main_thread():
        # TensorFlow's workers have caught it, and do nothing.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    return Workers(strategy, cluster.place, len(cluster.addresses))


def read_cluster() -> Cluster:
    """Reads `TF_CONFIG`.

    Raises:
        InputError: if it is missing or invalid.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise InputError(
            "--strategy multi-worker needs TF_CONFIG in the environment of each "
            f"worker, such as TF_CONFIG='{_EXAMPLE}'"
        )
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        config = json.loads(text)
        jobs, task = config["cluster"], config["task"]
        listed = {
            (job, index): address
            for job in ("chief", "worker")
            for index, address in enumerate(jobs.get(job, []))
        }
        addresses = tuple(listed.values())
        place = list(listed).index((task["type"], task["index"]))
        sound = all(re.fullmatch(r".+:\d{1,5}", it) for it in addresses)
        distinct = len(set(addresses)) == len(addresses)
        if sound and distinct and set(jobs) <= {"chief", "worker"}:
            return Cluster(addresses, place)
    raise InputError(
        f"TF_CONFIG is invalid: {' '.join(text.split())}; expected host:port of each "
        f"worker, all distinct, and one of them as the task, such as {_EXAMPLE}"
    )


def wait_for_all(cluster: Cluster) -> None:
    """Waits until every worker has been reached once.

    TensorFlow would wait too, but it ignores SIGTERM and does not name the missing
    workers; this prints them on standard error.

    Raises:
        InputError: if this worker's port is taken.
    """
    address = cluster.addresses[cluster.place]
    missing = [it for it in cluster.addresses if it != address]
    say = functools.partial(print, file=sys.stderr, flush=True)
    say(f"worker {cluster.place} of {len(cluster.addresses)} at {address}")
    try:
        port = int(address.rsplit(":", 1)[1])
        listener = socket.create_server(("", port), backlog=len(missing) + 1)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"worker {cluster.place} cannot listen on port {port} ({error}): is an "
            "earlier worker still running there? Stop it or change TF_CONFIG"
        ) from None
    remind = time.monotonic()
    with listener:
        while missing := [it for it in missing if not _answers(it)]:
            if time.monotonic() >= remind:
                say(f"waiting for {', '.join(missing)}")
                remind = time.monotonic() + _REMINDER_SECONDS
            time.sleep(_POLL_SECONDS)


def _answers(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1):
            return True
    except OSError:
        return False
