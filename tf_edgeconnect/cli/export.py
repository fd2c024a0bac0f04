"""`tf-edgeconnect export`: writes a trained model for TF Serving or for phones."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tf_edgeconnect.cli.inpaint import NO_MODEL
from tf_edgeconnect.cli.startup import import_tensorflow
from tf_edgeconnect.errors import InputError

_SIZE = 256


def export(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="D",
            help="A folder; a SavedModel becomes the next version in it: 1, 2, ...",
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="M", help="A run directory or a weights folder."),
    ] = None,
    format_: Annotated[
        Literal["saved-model", "tflite"],
        typer.Option("--format", help="For TF Serving, or for phones."),
    ] = "saved-model",
    precision: Annotated[
        Literal["float32", "bfloat16", "float16", "int8", "int8-full"],
        typer.Option(help="Of the weights; int8 and int8-full are for tflite."),
    ] = "float32",
    size: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            metavar="N",
            help="tflite: the side of its photos. saved-model: the side of a warm-up "
            "request's photo; may be repeated. [default: 256]",
        ),
    ] = None,
    max_pixels: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="saved-model: larger requests are refused."
        ),
    ] = 100_000_000,
    photos: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE", help="tflite, int8-full: representative photos."
        ),
    ] = None,
) -> None:
    """Export a model with everything from photo and mask to the filled photo in it."""
    if model is None:
        raise InputError(NO_MODEL)
    sizes = size or [_SIZE]
    if format_ == "tflite" and len(sizes) > 1:
        raise InputError(f"--format tflite has one fixed --size, got {len(sizes)}")
    if photos is not None and (format_, precision) != ("tflite", "int8-full"):
        raise InputError("--photos is for --format tflite --precision int8-full only")

    import_tensorflow()
    if format_ == "tflite":
        _export_tflite(model, output, sizes[0], precision, photos)
        return
    from tf_edgeconnect.export.saved_model import export_saved_model

    exported = export_saved_model(
        model,
        output,
        precision=precision,
        warmup_sizes=sizes,
        max_pixels=max_pixels,
    )
    for line in exported.lines:
        typer.echo(line)


def _export_tflite(
    model: Path, output: Path, size: int, precision: str, photos: str | None
) -> None:
    from tf_edgeconnect.export.tflite import export_tflite

    given = {} if photos is None else {"photos": photos}
    exported = export_tflite(model, output, size=size, precision=precision, **given)
    for line in exported.lines:
        typer.echo(line)
