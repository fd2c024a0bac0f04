"""`tf-edgeconnect batch`: fills any number of photos by Apache Beam."""

import logging
from pathlib import Path
from typing import Annotated, Literal

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import SOME_FAILED, import_tensorflow
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT


def batch(
    photos: Annotated[
        Path,
        typer.Argument(help="A folder, a .txt list of files, or TFRecord files."),
    ],
    masks: Annotated[
        Path,
        typer.Argument(
            help="White = hole. One file for all, or a folder of masks named like the "
            "photos."
        ),
    ],
    output: Annotated[Path, options.output("A new folder, or one to continue.", "OUT")],
    model: options.Model = DEFAULT,
    beam: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- BEAM FLAGS]",
            help="Flags of Beam, such as --runner FlinkRunner.",
        ),
    ] = None,
    form: Annotated[
        Literal["png", "tfrecord"],
        typer.Option("--format", help="NAME.png, or TFRecord files of PNG."),
    ] = "png",
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder that the names of listed photos are relative to; by default "
            "that of the list."
        ),
    ] = None,
    batch_size: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Photos of one size to fill together. With 1, results equal those of "
            "inpaint exactly; more may round colours in the hole differently.",
        ),
    ] = 1,
    invert_mask: options.InvertMask = False,
    dilate: options.Dilate = 0,
    mask_from: options.MaskFrom = "auto",
    mask_label: options.MaskLabel = None,
    allow_empty: options.AllowEmpty = False,
    max_megapixels: options.MaxMegapixels = 100,
    large: options.Large = "auto",
) -> int:
    """Fill millions of photos, on one machine or on a cluster with Apache Beam.

    The same command resumes an interrupted run: finished photos are skipped. Failures
    go to OUT/failed.jsonl, counters to OUT/summary.json.
    """
    flags = beam or []
    if flags and not flags[0].startswith("-"):
        raise InputError(f"unexpected {flags[0]!r}: Beam's flags go last, behind --")
    _import_beam()
    import_tensorflow()
    from tf_edgeconnect.atomic import write_json
    from tf_edgeconnect.batch.filling import (
        FAILED,
        SUMMARY,
        Options,
        finished,
        prepare,
    )
    from tf_edgeconnect.batch.items import list_items
    from tf_edgeconnect.batch.pipeline import run
    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.photos.masks import MaskOptions

    items = list_items(photos, masks, output, root)
    work = Options(
        model=str(Path(model).absolute()) if Path(model).exists() else model,
        output=output.absolute(),
        form=form,
        batch_size=batch_size,
        masks=MaskOptions(
            kind=mask_from,
            label=mask_label,
            invert=invert_mask,
            dilate=dilate,
            allow_empty=allow_empty,
        ),
        max_pixels=round(max_megapixels * 1e6),
        large=large,
    )
    described = Inpainter.load(work.model).description
    typer.echo(f"model: {described}", err=True)
    settings = {
        "model": described,
        "masks": str(masks.resolve()),
        "format": form,
        "invert_mask": invert_mask,
        "dilate": dilate,
        "mask_from": mask_from,
        "mask_label": mask_label,
        "large": large,
    }
    prepare(output, settings)
    done = finished(output, form)
    left = [item for item in items if item.name not in done]
    before = len(items) - len(left)
    typer.echo(
        f"{len(items)} photos: {before} finished before and skipped, {len(left)} to do",
        err=True,
    )
    # Its sink warns where no photo failed, which is as it should be.
    logging.getLogger("apache_beam.io.filebasedsink").setLevel(logging.ERROR)
    counts = run(left, work, flags)
    counts["skipped"] += before
    write_json(output / SUMMARY, {"settings": settings, "counters": counts})
    typer.echo(", ".join(f"{name} {count}" for name, count in counts.items()))
    if counts["failed"]:
        typer.echo(f"failed photos and reasons: {output / FAILED}", err=True)
        return SOME_FAILED
    return 0


def _import_beam() -> None:
    logging.disable(logging.WARNING)  # on optional parts of Beam that are not there
    try:
        import apache_beam  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"batch needs Apache Beam ({error}); "
            "run: pip install 'tf-edgeconnect[batch]'"
        ) from None
    finally:
        logging.disable(logging.NOTSET)
