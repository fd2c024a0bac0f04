"""`tf-edgeconnect export`: writes a trained model for TF Serving."""

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
            help="A folder; the SavedModel becomes the next version in it: 1, 2, ...",
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(metavar="M", help="A run directory or a weights folder."),
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"],
        typer.Option(help="Of the weights and of most of the arithmetic."),
    ] = "float32",
    size: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Side of a warm-up request's photo; may be repeated. [default: 256]",
        ),
    ] = None,
    max_pixels: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Larger requests are refused."),
    ] = 100_000_000,
) -> None:
    """Export a model with everything from photo and mask to the filled photo in it."""
    if model is None:
        raise InputError(NO_MODEL)
    import_tensorflow()
    from tf_edgeconnect.export.saved_model import export_saved_model

    exported = export_saved_model(
        model,
        output,
        precision=precision,
        warmup_sizes=size or [_SIZE],
        max_pixels=max_pixels,
    )
    for line in exported.lines:
        typer.echo(line)
