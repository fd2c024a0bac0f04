"""`tf-edgeconnect export`: writes a trained model for TF Serving, phones or ONNX."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT

if TYPE_CHECKING:
    from tf_edgeconnect.export.networks import FloatType
    from tf_edgeconnect.export.portable import LitePrecision

_SIZE = 256
_MAX_MEGAPIXELS = 4.0
_PRECISIONS = {
    "saved-model": ("float32", "bfloat16", "float16"),
    "tflite": ("float32", "float16", "int8", "int8-full"),
    "onnx": ("float32",),
}


def export(
    output: Annotated[
        Path,
        options.output(
            "saved-model: a folder; the export becomes the next version in it: 1, 2, "
            "... tflite, onnx: a new .tflite or .onnx file."
        ),
    ],
    model: Annotated[
        Path, options.model("A run directory, a weights folder or a preset.")
    ] = Path(DEFAULT),
    format: Annotated[
        Literal["saved-model", "tflite", "onnx"],
        typer.Option(
            help="For TF Serving; for phones: one file, photos of one size; for ONNX "
            "Runtime and browsers: one file, photos of any size."
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
            help="tflite, onnx: photos like yours, for int8-full and the report. "
            "[default: sample:]",
        ),
    ] = None,
    edges_input: Annotated[
        bool,
        typer.Option(
            "--edges-input",
            help="tflite, onnx: take edges as a third input instead of running Canny.",
        ),
    ] = False,
    max_megapixels: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="saved-model: larger requests are refused; each megapixel takes some "
            "0.3 GB of memory. [default: 4]",
        ),
    ] = None,
) -> None:
    """Export a model with everything from photo and mask to the filled photo in it."""
    if precision not in _PRECISIONS[format]:
        raise InputError(
            f"--precision {precision} is not for --format {format}, which takes "
            f"{', '.join(_PRECISIONS[format])}"
        )
    _check_options(format, size, photos, edges_input, max_megapixels)
    import_tensorflow()
    if format == "saved-model":
        from tf_edgeconnect.export.saved_model import export_saved_model

        lines = export_saved_model(
            model,
            output,
            precision=cast("FloatType", precision),
            warmup_sizes=size or [_SIZE],
            max_megapixels=max_megapixels or _MAX_MEGAPIXELS,
        ).lines
    else:
        from tf_edgeconnect.export.portable import export_onnx, export_tflite

        common: dict[str, Any] = {
            "edges_input": edges_input,
            "photos": photos,
            "progress": lambda line: typer.echo(line, err=True),
        }
        if format == "onnx":
            lines = export_onnx(model, output, **common).lines
        else:
            kind = cast("LitePrecision", precision)
            side = size[0] if size else _SIZE
            lines = export_tflite(
                model, output, size=side, precision=kind, **common
            ).lines
    for line in lines:
        typer.echo(line)


def _check_options(
    format: str,
    sizes: list[int] | None,
    photos: str | None,
    edges_input: bool,
    max_megapixels: float | None,
) -> None:
    """Refuses options that are for other formats."""
    if format == "saved-model":
        for name, given in (("--photos", photos), ("--edges-input", edges_input)):
            if given:
                raise InputError(f"{name} is for --format tflite and onnx only")
    elif max_megapixels is not None:
        raise InputError("--max-megapixels is for --format saved-model only")
    if format == "onnx" and sizes:
        raise InputError("--size is not for --format onnx: its file takes any size")
    if format == "tflite" and sizes and len(sizes) > 1:
        raise InputError(
            "--format tflite takes one --size, since a file is for photos of one size; "
            "export once for each"
        )
    if max_megapixels is not None and max_megapixels <= 0:
        raise InputError(
            f"--max-megapixels must be more than 0, got {max_megapixels:g}"
        )
