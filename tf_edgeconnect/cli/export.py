"""`tf-edgeconnect export`: writes a trained model for TF Serving or for phones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT

if TYPE_CHECKING:
    from tf_edgeconnect.export.folding import FloatType
    from tf_edgeconnect.export.tflite import LitePrecision

_SIZE = 256
_MAX_PIXELS = 100_000_000
_PRECISIONS = {
    "saved-model": ("float32", "bfloat16", "float16"),
    "tflite": ("float32", "float16", "int8", "int8-full"),
}


def export(
    output: Annotated[
        Path,
        options.output(
            "saved-model: a folder; the export becomes the next version in it: 1, 2, "
            "... tflite: a new .tflite file."
        ),
    ],
    model: Annotated[
        Path, options.model("A run directory, a weights folder or a preset.")
    ] = Path(DEFAULT),
    format: Annotated[
        Literal["saved-model", "tflite"],
        typer.Option(
            help="For TF Serving, or for phones: one file, photos of one size."
        ),
    ] = "saved-model",
    precision: Annotated[
        Literal["float32", "bfloat16", "float16", "int8", "int8-full"],
        typer.Option(
            help="Of the weights and of most of the arithmetic. bfloat16: saved-model "
            "only; int8 (weights) and int8-full (activations too): tflite only."
        ),
    ] = "float32",
    size: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            metavar="N",
            help="tflite: side of the photos it takes. saved-model: side of a warm-up "
            "request's photo; may be repeated. [default: 256]",
        ),
    ] = None,
    photos: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="tflite: photos like yours, for int8-full and the report. [default: "
            "sample:]",
        ),
    ] = None,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="saved-model: larger requests are refused. [default: 100000000]",
        ),
    ] = None,
) -> None:
    """Export a model with everything from photo and mask to the filled photo in it."""
    if precision not in _PRECISIONS[format]:
        raise InputError(
            f"--precision {precision} is not for --format {format}, which takes "
            f"{', '.join(_PRECISIONS[format])}"
        )
    if format == "tflite":
        _check_tflite_options(size, max_pixels)
    elif photos is not None:
        raise InputError("--photos is for --format tflite only")
    import_tensorflow()
    if format == "tflite":
        from tf_edgeconnect.export.tflite import export_tflite

        lines = export_tflite(
            model,
            output,
            size=size[0] if size else _SIZE,
            precision=cast("LitePrecision", precision),
            photos=photos,
            progress=lambda line: typer.echo(line, err=True),
        ).lines
    else:
        from tf_edgeconnect.export.saved_model import export_saved_model

        lines = export_saved_model(
            model,
            output,
            precision=cast("FloatType", precision),
            warmup_sizes=size or [_SIZE],
            max_pixels=max_pixels or _MAX_PIXELS,
        ).lines
    for line in lines:
        typer.echo(line)


def _check_tflite_options(sizes: list[int] | None, max_pixels: int | None) -> None:
    if sizes and len(sizes) > 1:
        raise InputError(
            "--format tflite takes one --size, since a file is for photos of one size; "
            "export once for each"
        )
    if max_pixels is not None:
        raise InputError("--max-pixels is for --format saved-model only")
