"""The command line of `serving/client.py`: a photo or a folder through a server."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from tf_edgeconnect.client.client import MODEL_NAME, Client
from tf_edgeconnect.client.errors import ServingError
from tf_edgeconnect.client.files import fill_job, fill_plan
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference.regions import Large
from tf_edgeconnect.photos.jobs import Job, Plan, plan_jobs

DONE, SOME_FAILED, WRONG_INPUT = 0, 1, 2


def main(
    arguments: Sequence[str] | None = None,
    *,
    before_grpc: Callable[[], object] = lambda: None,
) -> int:
    """Runs the client.

    Args:
        arguments: what follows the program's name; None for this process' own.
        before_grpc: called before gRPC is imported, and TensorFlow with it; not called
            for REST.

    Returns:
        0 done; 1 the server failed or some photos did, each named; 2 wrong input.
    """
    options = parser().parse_args(arguments)
    try:
        plan = plan_jobs(options.image, options.mask, options.output, options.edges)
        if not options.server.startswith(("http://", "https://")):
            with contextlib.suppress(ModuleNotFoundError):  # the client names it
                before_grpc()
        with Client(
            options.server,
            model=options.model,
            version=options.version,
            label=options.label,
            timeout=options.timeout,
            ca=options.ca,
        ) as client:
            return _work(client, plan, options)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except ServingError as error:
        print(f"error: the server answered {error}", file=sys.stderr)
        return SOME_FAILED


def _work(client: Client, plan: Plan, options: argparse.Namespace) -> int:
    if not plan.is_folder:
        fill_job(client, plan.jobs[0], large=options.large, overwrite=options.overwrite)
        print(f"written: {plan.output}")
        return DONE
    total = len(plan.jobs) + len(plan.lacking)
    ended = len(plan.lacking)

    def show(job: Job) -> None:
        nonlocal ended
        ended += 1
        print(f"[{ended}/{total}] {job.photo.name}", file=sys.stderr)

    failed = fill_plan(
        client,
        plan,
        concurrent=options.concurrent,
        large=options.large,
        overwrite=options.overwrite,
        on_done=show,
    )
    for path, reason in failed.items():
        print(f"failed: {path}: {reason}", file=sys.stderr)
    print(f"{total - len(failed)} of {total} photos written to {plan.output}")
    return SOME_FAILED if failed else DONE


def parser() -> argparse.ArgumentParser:
    """Makes the parser, for the program and for the pages about it."""
    made = argparse.ArgumentParser(
        prog="client.py",
        description="Fill the holes of photos by a served model. White = hole.",
    )
    add = made.add_argument
    add("image", type=Path, help="a photo, or a folder of photos")
    add("mask", type=Path, help="a mask, or a folder of masks of the same names")
    add("-o", "--output", type=Path, required=True, help="a .png or .jpg, or a folder")
    add("--edges", type=Path, help="your own lines, white on black; or a folder")
    add(
        "--server",
        default="127.0.0.1:8500",
        help="host:port (gRPC) or http://host:port (REST); default %(default)s",
    )
    add("--model", default=MODEL_NAME, help="its name; default %(default)s")
    which = made.add_mutually_exclusive_group()
    which.add_argument("--version", type=int, help="default: the latest")
    which.add_argument("--label", help="such as stable or canary")
    add("--timeout", type=float, default=60.0, help="seconds a request; default 60")
    add(
        "--large",
        choices=get_args(Large),
        default="auto",
        help="how a large photo is sent: whole, each hole with its surroundings, or in "
        "tiles; auto: whole up to 512 x 512, else crop",
    )
    add("--concurrent", type=_positive, default=4, help="requests at once; default 4")
    add("--ca", help="PEM file of the authority to trust; turns on TLS for gRPC")
    add("--overwrite", action="store_true", help="replace results that exist")
    return made


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number
