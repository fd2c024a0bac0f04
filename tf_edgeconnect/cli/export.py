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
            "saved-model: a folder, in which the export becomes the next version (1, "
            "2, ...); tflite, onnx: a new .tflite or .onnx file."
        ),
    ],
    model: Annotated[
        Path, options.model("A run directory, a weights folder or a preset.")
    ] = Path(DEFAULT),
    format: Annotated[
        Literal["saved-model", "tflite", "onnx"],
        typer.Option(
            help="saved-model: for TF Serving; tflite: for phones, photos of one size; "
            "onnx: for ONNX Runtime and browsers, photos of any size."
        ),
    ] = "saved-model",
    precision: Annotated[
        Literal["float32", "bfloat16", "float16", "int8", "int8-full"],
        typer.Option(
            help="Of weights and most arithmetic. bfloat16: only saved-model; "
            "int8 (weights) and int8-full (activations too): only tflite."
        ),
    ] = "float32",
    device: Annotated[
        Literal["any", "cpu"] | None,
        typer.Option(
            help="saved-model: cpu uses operations that are faster on CPUs and slower "
            "on GPUs. [default: any]",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            metavar="N",
            help="tflite: side of the photos. saved-model: side of the photo in a "
            "warm-up request; may be repeated.",
            show_default="256",
        ),
    ] = None,
    photos: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="tflite, onnx: photos like yours, to calibrate int8-full and for the "
            "report.",
            show_default="sample:",
        ),
    ] = None,
    edges_input: Annotated[
        bool,
        options.flag(
            "--edges-input",
            "tflite, onnx: take edges as a third input instead of running Canny.",
        ),
    ] = False,
    max_megapixels: Annotated[
        float | None,
        typer.Option(
            min=0.000001,
            metavar="N",
            help="saved-model: refuse larger requests; each megapixel takes about 0.3 "
            "GB of memory.",
            show_default="4",
        ),
    ] = None,
) -> None:
    """Export a model that takes a photo and a mask and returns the filled photo."""
    _check_options(format, precision, device, size, photos, edges_input, max_megapixels)
    import_tensorflow()
    if format == "saved-model":
        from tf_edgeconnect.export.saved_model import export_saved_model

        exported = export_saved_model(
            model,
            output,
            precision=cast("FloatType", precision),
            device=device or "any",
            warmup_sizes=size or [_SIZE],
            max_megapixels=max_megapixels or _MAX_MEGAPIXELS,
        )
    else:
        from tf_edgeconnect.export.portable import export_onnx, export_tflite

        common: dict[str, Any] = {
            "edges_input": edges_input,
            "photos": photos,
            "progress": lambda line: typer.echo(line, err=True),
        }
        if format == "onnx":
            exported = export_onnx(model, output, **common)
        else:
            common |= {"size": size[0] if size else _SIZE, "precision": precision}
            exported = export_tflite(model, output, **common)
    for line in exported.lines:
        typer.echo(line)


def _check_options(
    format: str,
    precision: str,
    device: str | None,
    sizes: list[int] | None,
    photos: str | None,
    edges_input: bool,
    max_megapixels: float | None,
) -> None:
    """Refuses options that are for other formats."""
    if precision not in _PRECISIONS[format]:
        raise InputError(
            f"--precision {precision} is not for --format {format}, which takes "
            f"{', '.join(_PRECISIONS[format])}"
        )
    for option, value, formats in (
        ("--photos", photos, ("tflite", "onnx")),
        ("--edges-input", edges_input, ("tflite", "onnx")),
        ("--max-megapixels", max_megapixels, ("saved-model",)),
        ("--device", device, ("saved-model",)),
        ("--size", sizes, ("saved-model", "tflite")),
    ):
        if value and format not in formats:
            raise InputError(f"{option} is for --format {' and '.join(formats)} only")
    if format == "tflite" and sizes and len(sizes) > 1:
        raise InputError(
            "--format tflite takes one --size, since a file is for photos of one size; "
            "export once for each"
        )
