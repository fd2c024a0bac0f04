"""`tf-edgeconnect inpaint`: fills the holes of photos in files."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.startup import import_tensorflow
from tf_edgeconnect.cli.warning_lines import shown_on
from tf_edgeconnect.errors import InputError, ServingError
from tf_edgeconnect.presets import DEFAULT

if TYPE_CHECKING:
    from rich.console import Console

    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.inference.files import FillOptions
    from tf_edgeconnect.photos.jobs import Job, Plan

SOME_FAILED = 1
SHOWN_SPARE = 20


def inpaint(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="A photo, or a folder of photos.")
    ],
    mask: Annotated[
        Path,
        typer.Argument(
            metavar="MASK",
            help="White = hole. One file for all, or a folder of the photos' names.",
        ),
    ],
    output: Annotated[Path, options.output("A .png or .jpg file, or a folder.", "OUT")],
    model: options.Model = DEFAULT,
    edges: Annotated[
        Path | None,
        typer.Option(
            metavar="E",
            help="Your own lines for the hole, white on black; or a folder.",
        ),
    ] = None,
    edges_only: Annotated[
        bool, typer.Option("--edges-only", help="Write the edges, paint nothing.")
    ] = False,
    save_edges: Annotated[
        bool, typer.Option("--save-edges", help="Also write OUT_edges.png.")
    ] = False,
    invert_mask: options.InvertMask = False,
    dilate: options.Dilate = 0,
    large: options.Large = "auto",
    published: options.Published = False,
    overwrite: options.Overwrite = False,
    timeout: options.Timeout = 60.0,
    concurrent: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Photos at once, on a server."),
    ] = 4,
) -> int:
    """Fill the holes of photos. Known pixels stay exactly as they are."""
    if edges is not None and (edges_only or published):
        other = "--edges-only" if edges_only else "--published"
        raise InputError(f"--edges and {other} exclude each other: choose one")
    if edges_only and (published or save_edges):
        other = "--published" if published else "--save-edges"
        raise InputError(f"--edges-only and {other} exclude each other: choose one")
    if published and large not in ("auto", "full"):
        raise InputError(
            f"--published and --large {large} exclude each other: the original runs "
            "photos whole"
        )

    from rich.console import Console

    from tf_edgeconnect.photos.jobs import plan_jobs

    plan = plan_jobs(image, mask, output, edges, save_edges=save_edges)
    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.inference.files import FillOptions
    from tf_edgeconnect.inference.loading import is_address, needs_tensorflow
    from tf_edgeconnect.photos.masks import MaskOptions

    if needs_tensorflow(model):
        import_tensorflow()
    inpainter = Inpainter.load(model, timeout=timeout)
    console.print(f"model: {inpainter.description}")
    how = FillOptions(
        masks=MaskOptions(invert=invert_mask, dilate=dilate, allow_empty=True),
        published=published,
        edges_only=edges_only,
        large=large,
        overwrite=overwrite,
    )
    at_once = concurrent if is_address(model) else 1
    return _report(plan, _fill(plan, inpainter, how, at_once, console), console)


def _fill(
    plan: "Plan",
    inpainter: "Inpainter",
    how: "FillOptions",
    at_once: int,
    console: "Console",
) -> dict[Path, str]:
    """Fills the photos; in a folder, one that fails does not stop the rest.

    Returns:
        Photo -> why it failed.
    """
    from rich.progress import track

    from tf_edgeconnect.inference.files import fill_file, reason_of

    def attempt(job: "Job") -> str | None:
        lines.photo = job.photo
        try:
            fill_file(inpainter, job, how)
        except (InputError, ServingError, OSError) as error:
            if not plan.is_folder:
                raise
            return reason_of(error)
        return None

    failed = dict(plan.lacking)
    with shown_on(console) as lines, ThreadPoolExecutor(at_once) as pool:
        # One at a time works in this thread, which Ctrl-C interrupts.
        attempts = (pool.map if at_once > 1 else map)(attempt, plan.jobs)
        bar = track(
            zip(plan.jobs, attempts, strict=True),
            "filling",
            total=len(plan.jobs),
            console=console,
            disable=not plan.is_folder,
        )
        failed |= {job.photo: reason for job, reason in bar if reason is not None}
    return failed


def _report(plan: "Plan", failed: dict[Path, str], console: "Console") -> int:
    if plan.spare:
        shown = ", ".join(map(str, plan.spare[:SHOWN_SPARE]))
        more = len(plan.spare) - SHOWN_SPARE
        tail = f" and {more} more" if more > 0 else ""
        console.print(f"warning: no photo belongs to {shown}{tail}")
    for path, reason in failed.items():
        console.print(f"failed: {path}: {reason}")
    if plan.is_folder:
        total = len(plan.jobs) + len(plan.lacking)
        typer.echo(f"{total - len(failed)} of {total} photos written to {plan.output}")
    else:
        typer.echo(f"written: {plan.output}")
    return SOME_FAILED if failed else 0
