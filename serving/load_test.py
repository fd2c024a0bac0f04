"""Puts a server under load and tells percentiles of latency, and errors by code.

    python serving/load_test.py --requests 200 --in-flight 8
    python serving/load_test.py --requests 200 --rate 5

With `--rate` the load is open: requests are due at fixed times whether or not the
server keeps up, and latency counts from when a request was due, so waiting for a free
one of `--in-flight` connections is part of it. Without, it is closed: the next one
starts when one ends. The photos are noise of one size; nothing is retried.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.errors import InputError, ServingError
from tf_edgeconnect.inference.backends.serving import ServingBackend

PERCENTILES = (50, 95, 99)


def main() -> int:
    """Runs the test; returns 1 if there were errors."""
    options = _parser().parse_args()
    latencies: list[float] = []
    errors: Counter[str] = Counter()
    lock = threading.Lock()
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (1, options.size, options.size, 3), np.uint8)
    mask = np.zeros((1, options.size, options.size, 1), np.uint8)
    quarter = options.size // 4
    mask[:, quarter : 3 * quarter, quarter : 3 * quarter] = 255
    photo = {"image": image, "mask": mask}

    def ask(due: float | None) -> None:
        if due is not None:
            time.sleep(max(0.0, due - time.monotonic()))
        began = time.monotonic() if due is None else due
        try:
            server.predict("serving_default", photo)
            code = None
        except ServingError as error:
            code = error.code
        with lock:
            if code is None:
                latencies.append(time.monotonic() - began)
            else:
                errors[code] += 1

    try:
        server = ServingBackend(options.model, timeout=options.timeout, attempts=1)
        server.predict("serving_default", photo)  # the first call of a size is slower
    except (InputError, ServingError) as error:
        sys.exit(f"error: {error}")
    start = time.monotonic()
    with ThreadPoolExecutor(options.in_flight) as pool:
        for index in range(options.requests):
            due = None if options.rate is None else start + index / options.rate
            pool.submit(ask, due)
    seconds = time.monotonic() - start
    _report(options, seconds, latencies, errors)
    return 1 if errors else 0


def _report(options, seconds: float, latencies: list, errors: Counter) -> None:
    load = "closed" if options.rate is None else f"open, {options.rate:g} requests/s"
    print(
        f"{options.requests} requests of {options.size} x {options.size}, {load}, "
        f"up to {options.in_flight} in flight: {seconds:.1f} s, "
        f"{len(latencies) / seconds:.2f} answers/s"
    )
    if latencies:
        figures = np.percentile(latencies, PERCENTILES) * 1000
        shown = (
            f"p{which} {ms:.0f} ms"
            for which, ms in zip(PERCENTILES, figures, strict=True)
        )
        print(", ".join(shown))
    told = ", ".join(f"{code} {count}" for code, count in errors.most_common())
    print(f"errors: {told or 'none'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--model", default="grpc://127.0.0.1:8500", help="or http://host:port; /NAME")
    add("--requests", type=int, default=200)
    add("--in-flight", type=int, default=8, help="connections at work at once")
    add("--rate", type=float, help="requests a second; without it the load is closed")
    add("--size", type=int, default=256, help="side of the photos")
    add("--timeout", type=float, default=120.0, help="seconds until a request fails")
    return parser


sys.exit(main())
