"""Fills photos through a server: `tf-edgeconnect inpaint`, its address in parts.

    python serving/client.py photos/ masks/ -o filled/ --server HOST:8500 --label stable

is `tf-edgeconnect inpaint photos/ masks/ -o filled/` with
`--model grpc://HOST:8500/edgeconnect?label=stable`.
"""

import argparse
import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import run


def arguments(given: list[str] | None = None) -> list[str]:
    """Turns the options of this program into those of `tf-edgeconnect`."""
    parser = argparse.ArgumentParser(
        description="Fill the holes of photos by a served model. White = hole.",
        epilog="All else is passed on: see `tf-edgeconnect inpaint --help`.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--server", default="127.0.0.1:8500", help="host:port (gRPC), or http://...")
    add("--model", default="edgeconnect", help="its name; default %(default)s")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=int, help="default: the latest")
    which.add_argument("--label", help="such as stable or canary")
    add("--ca", help="PEM file of the authority to trust; turns on TLS for gRPC")
    options, rest = parser.parse_known_args(given)
    address = options.server
    if "://" not in address:
        address = f"grpc{'s' * bool(options.ca)}://{address}"
    keys = ("version", "label", "ca")
    asked = {key: value for key in keys if (value := getattr(options, key)) is not None}
    query = f"?{urlencode(asked)}" * bool(asked)
    return ["inpaint", *rest, "--model", f"{address}/{options.model}{query}"]


if __name__ == "__main__":
    sys.exit(run(arguments()))
