"""Filling photos of several sizes, several at a time: milliseconds and photos a second.

    python benchmarks/inference_sizes.py [--threads 1] [--rounds 2] [--largest 1600]

The systems and networks of `inference.py`, each in one process that goes through all
sizes and batches. A call that takes more than five seconds is measured once, others as
the best of the rounds behind a first one; on one thread the processor's time counts,
else the clock's. Calls of more than `--largest` GFLOP are left out. The floors are
operations over the matrix rate and bytes over the copy rate, whichever is longer.
"""

import argparse
import itertools
import time

from inference import SYSTEMS
from turns import answer, ask, asked

SIZES = (128, 256, 512)
BATCHES = (1, 4, 8)
NAMES = (
    "PyTorch eager",
    "OpenVINO bfloat16",
    "SavedModel float32",
    "SavedModel bfloat16",
)
GFLOP_256 = 193.5
_LONG = 5.0  # seconds


def cells(largest: float) -> list[tuple[int, int]]:
    """Sizes and batches whose call takes at most `largest` GFLOP."""
    return [
        (size, batch)
        for size, batch in itertools.product(SIZES, BATCHES)
        if GFLOP_256 * (size / 256) ** 2 * batch <= largest
    ]


def be_child(name: str, threads: int, rounds: int, largest: float) -> None:
    """Answers with the seconds of each cell, or why there are none."""
    clock = time.process_time if threads == 1 else time.perf_counter
    seconds = {}
    try:
        for size, batch in cells(largest):
            run = SYSTEMS[name](size, batch)
            taken = []
            while len(taken) <= rounds and (not taken or taken[0] < _LONG):
                start = clock()
                run()
                taken.append(clock() - start)
            seconds[f"{size}x{batch}"] = min(taken[1:] or taken)
    except ImportError as error:
        seconds["absent"] = f"not installed: {error.name or error}"
    answer(seconds)


def floor(dtype: str, threads: int):
    """Returns a function from size and batch to the least milliseconds."""
    import tensorflow as tf
    from floors import copy_rate, matrix_rate, moved_bytes, operations

    import tf_edgeconnect as ec

    networks = ec.edge_generator(), ec.inpaint_generator()
    item = tf.as_dtype(dtype).size
    rate, copies = matrix_rate(dtype, threads), copy_rate(threads)

    def least(size: int, batch: int) -> float:
        work = sum(operations(network, size, size) for network in networks)
        moved = sum(moved_bytes(network, size, size, item) for network in networks)
        return 1000 * batch * max(work / rate, moved / copies)

    return least


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--largest", type=float, default=1600, help="GFLOP a call")
    options = parser.parse_args()
    if question := asked():
        name = question["name"]
        be_child(name, options.threads, options.rounds, options.largest)
        return
    found = {name: ask({"name": name}, options.threads) for name in NAMES}
    for name, each in found.items():
        if "absent" in each:
            print(f"{name}: {each['absent']}\n")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    floors = [floor(dtype, options.threads) for dtype in ("float32", "bfloat16")]
    counted = "processor" if options.threads == 1 else "clock"
    print(f"{options.threads} threads, {counted} time; ms a call (photos/s)\n")
    print(f"| size | batch | {' | '.join(NAMES)} | floor, float32 | floor, bfloat16 |")
    print("|---" * (4 + len(NAMES)) + "|")
    for size, batch in itertools.product(SIZES, BATCHES):
        row = []
        for name in NAMES:
            seconds = found[name].get(f"{size}x{batch}")
            row.append(
                f"{1000 * seconds:.0f} ({batch / seconds:.2f})" if seconds else ""
            )
        row += [f"{least(size, batch):.0f}" for least in floors]
        print(f"| {size} | {batch} | {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
