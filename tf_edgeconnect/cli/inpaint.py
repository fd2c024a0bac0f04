"""`tf-edgeconnect inpaint`: fills the holes of photos in files."""

import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import (
    SOME_FAILED,
    import_quietly,
    import_tensorflow,
    stderr_console,
    track,
    working_on,
)
from tf_edgeconnect.errors import InputError, ServingError
from tf_edgeconnect.presets import DEFAULT

if TYPE_CHECKING:
    from rich.console import Console

    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.inference.files import FillOptions
    from tf_edgeconnect.photos.jobs import Job, Plan
    from tf_edgeconnect.photos.masks import MaskOptions

QUALITIES = {".jpg", ".jpeg", ".webp"}
SHOWN_SPARE = 20


def inpaint(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGE... [MASK]",
            help="Photos or folders of photos. With two or more paths, the last is the "
            "mask, white = hole: one file for all, or a folder of masks named like the "
            "photos. With one path: masks beside the photos, else transparent parts.",
        ),
    ],
    output: Annotated[Path, options.output("A file, or a folder.", "OUT")],
    mask: Annotated[
        Path | None,
        typer.Option(metavar="MASK", help="The mask, if all paths are photos."),
    ] = None,
    model: options.Model = DEFAULT,
    edges: Annotated[
        Path | None,
        typer.Option(
            metavar="E",
            help="Edges for the hole, white on black: a file or a folder.",
        ),
    ] = None,
    edges_only: Annotated[
        bool, options.flag("--edges-only", "Write only the edges.")
    ] = False,
    save_edges: Annotated[
        bool, options.flag("--save-edges", "Also write OUT_edges.png.")
    ] = False,
    invert_mask: options.InvertMask = False,
    dilate: options.Dilate = 0,
    feather: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Blend the fill into the photo over N pixels inside the hole.",
        ),
    ] = 0,
    mask_from: options.MaskFrom = "auto",
    mask_label: options.MaskLabel = None,
    mask_suffix: Annotated[
        str,
        typer.Option(
            metavar="S", help="Name of masks beside photos: NAME + S + digits."
        ),
    ] = "_mask",
    allow_empty: options.AllowEmpty = False,
    large: options.Large = "auto",
    published: options.Published = False,
    form: Annotated[
        Literal["png", "webp", "jpg", "tiff", "same"] | None,
        typer.Option(
            "--format",
            help="Format of results in a folder; png, tiff and 8-bit webp are "
            "lossless; same: the photo's.",
            show_default="png",
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            metavar="N",
            help="Quality of jpg and webp.",
            show_default="95; webp: lossless",
        ),
    ] = None,
    max_megapixels: options.MaxMegapixels = 100,
    overwrite: options.Overwrite = False,
    skip_existing: Annotated[
        bool, options.flag("--skip-existing", "Keep existing results.")
    ] = False,
    timeout: options.Timeout = 60.0,
    concurrent: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Number of photos sent to a server at once."
        ),
    ] = 4,
) -> int:
    """Fill holes in photos. Known pixels do not change."""
    options.exclude(
        {"--edges": edges, "--edges-only": edges_only, "--published": published}
    )
    options.exclude({"--edges-only": edges_only, "--save-edges": save_edges})
    in_parts = large in ("crop", "tile")
    options.exclude({"--published": published, f"--large {large}": in_parts})
    options.exclude({"--overwrite": overwrite, "--skip-existing": skip_existing})

    from tf_edgeconnect.photos.jobs import plan_jobs
    from tf_edgeconnect.photos.masks import MaskOptions

    console = stderr_console()
    masks = MaskOptions(
        kind=mask_from,
        label=mask_label,
        invert=invert_mask,
        dilate=dilate,
        allow_empty=allow_empty,
    )
    largest = round(max_megapixels * 1e6)
    photos = list(paths)
    if mask is None and len(photos) > 1:
        mask = photos.pop()
        _check_last(mask, masks, largest)
    plan = plan_jobs(
        photos,
        mask,
        output,
        edges,
        save_edges=save_edges,
        mask_suffix=mask_suffix,
        form=form,
        skip_existing=skip_existing,
    )
    endings = {job.output.suffix.lower() for job in plan.jobs}
    if quality and endings and not endings & QUALITIES:
        raise InputError(f"--quality {quality} is for jpg and webp: give --format")
    if feather > dilate:
        console.print(
            f"warning: --feather {feather} is more than --dilate {dilate}: the rim of "
            "what the hole covers may show"
        )

    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.inference.files import FillOptions
    from tf_edgeconnect.inference.loading import is_address, needs_tensorflow

    if not is_address(model) and needs_tensorflow(model):
        import_tensorflow()
    elif needs_tensorflow(model):
        with contextlib.suppress(ModuleNotFoundError):  # loading names the package
            import_quietly()
    inpainter = Inpainter.load(model, timeout=timeout)
    console.print(f"model: {inpainter.description}")
    how = FillOptions(
        masks=masks,
        feather=feather,
        published=published,
        edges_only=edges_only,
        large=large,
        overwrite=overwrite,
        quality=quality,
        max_pixels=largest,
    )
    at_once = concurrent if is_address(model) else 1
    return _report(plan, _fill(plan, inpainter, how, at_once), console)


def _check_last(mask: Path, masks: "MaskOptions", max_pixels: int) -> None:
    """Raises where the last of several paths is no mask but one more photo."""
    from tf_edgeconnect.photos.reading import read_mask

    if not mask.is_file():
        return
    logging.disable(logging.WARNING)  # it is read again, and warned of, with its photos
    try:
        read_mask(mask, options=masks, max_pixels=max_pixels)
    except InputError as error:
        raise InputError(
            f"{error}. Of several paths the last is the mask, which --mask names too"
        ) from None
    finally:
        logging.disable(logging.NOTSET)


def _fill(
    plan: "Plan",
    inpainter: "Inpainter",
    how: "FillOptions",
    at_once: int,
) -> dict[Path, str]:
    """Fills the photos; in a folder, one that fails does not stop the rest.

    Returns:
        Photo -> why it failed.
    """
    from tf_edgeconnect.inference.files import fill_file, reason_of

    def attempt(job: "Job") -> str | None:
        try:
            with working_on(job.photo):
                fill_file(inpainter, job, how)
        except (InputError, ServingError, OSError) as error:
            if not plan.is_folder:
                raise
            return reason_of(error)
        return None

    failed = dict(plan.problems)
    with ThreadPoolExecutor(at_once) as pool:
        # One at a time works in this thread, which Ctrl-C interrupts.
        attempts = (pool.map if at_once > 1 else map)(attempt, plan.jobs)
        done = track(zip(plan.jobs, attempts, strict=True), "filling", len(plan.jobs))
        failed |= {job.photo: reason for job, reason in done if reason is not None}
    return failed


def _report(plan: "Plan", failed: dict[Path, str], console: "Console") -> int:
    if plan.unused:
        shown = ", ".join(map(str, plan.unused[:SHOWN_SPARE]))
        more = len(plan.unused) - SHOWN_SPARE
        tail = f" and {more} more" if more > 0 else ""
        console.print(f"warning: no photo belongs to {shown}{tail}")
    for path in plan.not_images:
        console.print(f"left out: {path}: no image")
    for path, reason in failed.items():
        console.print(f"failed: {path}: {reason}")
    if plan.is_folder:
        total = len(plan.jobs) + len(plan.problems)
        before = f", {len(plan.existing)} there before" if plan.existing else ""
        typer.echo(
            f"{total - len(failed)} of {total} photos written to {plan.output}{before}"
        )
    elif plan.existing:
        typer.echo(f"there before: {plan.output}")
    else:
        typer.echo(f"written: {plan.output}")
    return SOME_FAILED if failed else 0
