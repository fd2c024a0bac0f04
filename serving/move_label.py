"""Moves a version label of a running TF Serving, in the two edits that it needs.

    python serving/move_label.py canary 2
    python serving/move_label.py stable 2

TF Serving refuses a label of a version that is not loaded yet, and refuses it again at
every poll of its config file. So this script adds the version to `models.config`, waits
until the server reports it AVAILABLE, moves the label in a second edit and waits until
the label answers with that version. Nothing is removed: take the old version out of the
file yourself once no label names it.
"""

import argparse
import json
import os
import re
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path


def main() -> int:
    """Moves the label; returns 1 if the server does not follow in time."""
    options = _parser().parse_args()
    label, version = options.label, options.version
    status = f"{options.server.rstrip('/')}/v1/models/{options.model}"
    text = options.config.read_text()
    moved = re.compile(rf'(key:\s*"{re.escape(label)}"\s*value:\s*)\d+')
    if not moved.search(text):
        print(f"error: {options.config} has no label {label!r}", file=sys.stderr)
        return 2

    def is_available(url: str) -> bool:
        return _states(url).get(version) == "AVAILABLE"

    if not re.search(rf"\bversions:\s*{version}\b", text):
        text = re.sub(
            r"([ \t]*)(versions:\s*\d+)", rf"\1\2\n\1versions: {version}", text, count=1
        )
        _write(options.config, text)
        print(f"added: versions: {version}")
    if not _wait(lambda: is_available(f"{status}/versions/{version}"), options.timeout):
        print(
            f"error: version {version} is not AVAILABLE; label not moved",
            file=sys.stderr,
        )
        return 1
    _write(options.config, moved.sub(rf"\g<1>{version}", text))
    if not _wait(lambda: is_available(f"{status}/labels/{label}"), options.timeout):
        print(f"error: label {label} does not answer with {version}", file=sys.stderr)
        return 1
    print(f"{label}: version {version}")
    return 0


def _states(url: str) -> dict[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            found = json.load(answer)["model_version_status"]
    except (OSError, ValueError, KeyError):
        return {}
    return {int(one["version"]): one["state"] for one in found}


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.5)
    return met


def _write(path: Path, text: str) -> None:
    """Replaces the file in one step, so that the server never reads half of it."""
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(text)
    os.replace(partial, path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("label", help="such as stable or canary")
    parser.add_argument("version", type=int, help="the version it is to name")
    beside = Path(__file__).with_name("models.config")
    parser.add_argument("--config", type=Path, default=beside, help="models.config")
    parser.add_argument(
        "--server", default="http://127.0.0.1:8501", help="its REST port"
    )
    parser.add_argument("--model", default="edgeconnect", help="its name on the server")
    parser.add_argument(
        "--timeout", type=float, default=300, help="seconds to wait for each edit"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
