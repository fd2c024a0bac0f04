"""The machines of a run as `TF_CONFIG` names them, and waiting until all are there.

`TF_CONFIG` is TensorFlow's own way: a JSON text in the environment with the addresses
of all workers, the same everywhere, and which of them this process is:
`{"cluster": {"worker": ["host1:2222", "host2:2222"]},
"task": {"type": "worker", "index": 0}}`. One of them may be called `chief`.
"""

import json
import os
import re
import socket
import sys
import time
from typing import NamedTuple

from tf_edgeconnect.errors import InputError

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)
_POLL_SECONDS, _REMINDER_SECONDS = 0.2, 30.0


class Cluster(NamedTuple):
    """All workers of a run and which of them this process is.

    Attributes:
        addresses: `host:port` of each, the chief first.
        index: place of this process in them.
    """

    addresses: tuple[str, ...]
    index: int  # type: ignore[assignment]  # hides the tuple's method

    @property
    def address(self) -> str:
        """Where this process listens."""
        return self.addresses[self.index]


def read_cluster() -> Cluster:
    """Reads `TF_CONFIG`.

    Raises:
        InputError: if it is missing or not as TensorFlow wants it.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        raise InputError(
            "--strategy multi-worker needs TF_CONFIG in the environment of each "
            f"worker, such as TF_CONFIG='{_EXAMPLE}'"
        )
    try:
        config = json.loads(text)
    except ValueError as error:
        raise _wrong(f"it is no JSON: {error}") from None
    cluster = config.get("cluster") if isinstance(config, dict) else None
    if not isinstance(cluster, dict) or not set(cluster) <= {"chief", "worker"}:
        raise _wrong("cluster must list the addresses under worker, and chief at most")
    listed = [(job, cluster.get(job, [])) for job in ("chief", "worker")]
    for job, addresses in listed:
        if not isinstance(addresses, list) or not all(map(_is_address, addresses)):
            raise _wrong(f"cluster.{job} must be a list of host:port, not {addresses}")
    places = [(job, i) for job, there in listed for i in range(len(there))]
    task = config.get("task")
    place = (task.get("type"), task.get("index")) if isinstance(task, dict) else None
    if place not in places:
        raise _wrong(f"task must be a type and index of the cluster, not {task}")
    addresses = tuple(address for _, there in listed for address in there)
    if len(set(addresses)) < len(addresses):
        raise _wrong(f"two workers have one address in {list(addresses)}")
    return Cluster(addresses, places.index(place))


def _is_address(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r".+:\d{1,5}", value))


def _wrong(what: str) -> InputError:
    return InputError(f"TF_CONFIG cannot be used: {what}; expected such as {_EXAMPLE}")


def wait_for_all(cluster: Cluster) -> None:
    """Waits until every worker has been reached once.

    TensorFlow would wait too, but deaf to SIGTERM and without saying for whom. Whom
    this waits for is said on standard error.

    Args:
        cluster: all workers.

    Raises:
        InputError: if this worker's port is taken.
    """
    port = cluster.address.rsplit(":", 1)[1]
    missing = [a for a in cluster.addresses if a != cluster.address]
    _say(f"worker {cluster.index} of {len(cluster.addresses)} at {cluster.address}")
    try:
        listener = socket.create_server(("", int(port)), backlog=len(missing) + 1)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"worker {cluster.index} cannot listen on port {port} ({error}): is an "
            "earlier one still running there? End it or change TF_CONFIG"
        ) from None
    remind = time.monotonic()
    with listener:
        while missing := [a for a in missing if not _answers(a)]:
            if time.monotonic() >= remind:
                _say(f"waiting for {', '.join(missing)}")
                remind = time.monotonic() + _REMINDER_SECONDS
            time.sleep(_POLL_SECONDS)


def _answers(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1):
            return True
    except OSError:
        return False


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
