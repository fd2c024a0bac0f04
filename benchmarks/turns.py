"""Runs rivals by turns, each in a process of its own, and measures them.

A script gives a dict of system name -> function that prepares and returns what one run
does. Rounds alternate over the systems, so that other work on the machine hits all
alike. On one thread the processor's time counts, else the clock's; the figure of a
system is the best of its rounds on one thread, else the median.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
_MARK = "@turns "  # libraries print on stdout, too
_WARM_UPS = 2


def thread_environment(threads: int) -> dict[str, str]:
    """Variables that give the libraries of a process so many threads.

    A waiting thread of OpenMP spins, and on a virtual machine keeps the others from
    running: PyTorch with 2 threads is 5 times slower then than with 1. So it sleeps.
    """
    variables = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    return variables | {"OMP_WAIT_POLICY": "PASSIVE"}


def peak_memory() -> int:
    """Largest resident set of this process so far, bytes.

    What `getrusage` says of a child on Linux may be the peak of its parent.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)[1])
    except (OSError, TypeError):
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@dataclass
class Measured:
    """What is known of one system.

    Attributes:
        load: seconds until it could take a request, imports included.
        first: seconds of the first run.
        runs: (clock, processor) seconds of each counted run.
        peak: of the process, bytes.
        absent: why it could not be measured; None if it was.
    """

    threads: int
    load: float = 0.0
    first: float = 0.0
    runs: list[tuple[float, float]] = field(default_factory=list)
    peak: int = 0
    absent: str | None = None

    @property
    def seconds(self) -> float:
        """The figure of the system, see the module."""
        if self.threads == 1:
            return min(busy for _, busy in self.runs)
        return statistics.median(clock for clock, _ in self.runs)


def be_child(systems: dict[str, Callable], *arguments) -> bool:
    """In a child process: serves runs of its system until told to end.

    Args:
        systems: name -> function of `arguments` that returns the run.
        *arguments: of the script; they reach a child unchanged.

    Returns:
        False in the parent, which goes on.
    """
    name = os.environ.get("TURNS_CHILD")
    if name is None:
        return False
    start = time.perf_counter()
    try:
        run = systems[name](*arguments)
        loaded = time.perf_counter()
        run()
    except ImportError as error:
        answer({"absent": f"not installed: {error.name or error}"})
        return True
    except Exception as error:  # a peer that fails is a row, not the end of the table
        reason = str(error).splitlines() or [""]
        answer({"absent": f"fails: {type(error).__name__} {reason[0][:60]}"})
        return True
    answer({"load": loaded - start, "first": time.perf_counter() - loaded})
    for _ in range(_WARM_UPS - 1):
        run()
    for _ in sys.stdin:
        clock, busy = time.perf_counter(), time.process_time()
        run()
        took = [time.perf_counter() - clock, time.process_time() - busy]
        peak = peak_memory()
        answer({"took": took, "peak": peak})
    return True


def by_turns(names: list[str], rounds: int, threads: int) -> dict[str, Measured]:
    """Runs this script once a system, and the systems by turns.

    Args:
        names: of the systems, in the order of the table.
        rounds: how many runs of each count.
        threads: of each process; 0 leaves the choice to the libraries.

    Returns:
        Name -> what was measured.
    """
    children, found = {}, {}
    for name in names:  # one after the other: each loads on a quiet machine
        children[name] = _start(threads, TURNS_CHILD=name)
        found[name] = Measured(threads, **_hear(children[name]))
    for _ in range(rounds):
        for name, child in children.items():
            if found[name].absent:
                continue
            child.stdin.write("go\n")
            child.stdin.flush()
            answer = _hear(child)
            if "took" not in answer:
                found[name].absent = answer["absent"]
                continue
            found[name].runs.append(tuple(answer["took"]))
            found[name].peak = answer["peak"]
    for child in children.values():
        child.stdin.close()
        child.wait()
    return found


def ask(question: dict, threads: int = 0) -> dict:
    """Runs this script again in a process of its own, which answers one question.

    Args:
        question: JSON values, which the child gets from `asked`.
        threads: of the process; 0 leaves the choice to the libraries.

    Returns:
        What the child gave to `answer`; "absent" says why there is nothing.
    """
    child = _start(threads, TURNS_QUESTION=json.dumps(question))
    child.stdin.close()
    found = _hear(child)
    child.wait()
    return found


def asked() -> dict | None:
    """Returns the question to this process; None in the parent."""
    return json.loads(os.environ.get("TURNS_QUESTION", "null"))


def answer(found: dict) -> None:
    """Gives the parent JSON values."""
    print(_MARK + json.dumps(found), flush=True)


def _start(threads: int, **variables: str) -> subprocess.Popen:
    environment = {**os.environ, **variables, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if threads:
        environment |= thread_environment(threads)
    return subprocess.Popen(
        [sys.executable, *sys.argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if os.environ.get("TURNS_VERBOSE") else subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def _hear(child: subprocess.Popen) -> dict:
    for line in child.stdout:
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK))
    return {"absent": f"fails: its process ended with code {child.wait()}"}
