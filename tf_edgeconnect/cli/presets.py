"""`tf-edgeconnect presets`: lists the weights that ship, or packs a run into such."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import ATTRIBUTION, DEFAULT, NAMES, folder

METRICS = {"psnr": "PSNR {:.2f}", "ssim": "SSIM {:.4f}", "lpips": "LPIPS {:.4f}"}


def presets(
    pack: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Pack the generators of a run as float16."),
    ] = None,
    output: Annotated[Path | None, options.output("With --pack: a new folder.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="With --pack: report.json of evaluate to include."
        ),
    ] = None,
    about: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="With --pack: what the model was trained on."
        ),
    ] = None,
    attribution: Annotated[
        bool,
        typer.Option(
            "--attribution",
            help="Print the training photos with licence and source, as CSV.",
        ),
    ] = False,
) -> None:
    """List the included weights and their metrics."""
    if attribution:
        typer.echo((folder(DEFAULT) / ATTRIBUTION).read_text("utf-8"), nl=False)
        return
    if pack is None:
        if any(option is not None for option in (output, report, about)):
            raise InputError("-o, --report and --about belong to --pack RUN: give it")
        for name in NAMES:
            _describe(name)
        return
    if output is None:
        raise InputError("--pack needs -o D, a folder that does not exist yet")
    import_tensorflow()
    from tf_edgeconnect.models.packing import pack as pack_model

    packed = pack_model(pack, output, report, about)
    typer.echo(f"packed: {packed} ({_megabytes(packed)}); use it with --model {packed}")


def _describe(name: str) -> None:
    found = folder(name)
    try:
        meta = json.loads((found / "model.json").read_text())
    except ValueError:
        raise InputError(
            f"preset {name} is damaged ({found}/model.json): install tf-edgeconnect "
            "again"
        ) from None
    mark = " (the default of --model)" if name == DEFAULT else ""
    typer.echo(f"{name}{mark}: {_megabytes(found)}, {meta['source']}")
    for system, bins in meta["figures"].items():
        figures = bins["all"]
        words = [
            form.format(figures[metric])
            for metric, form in METRICS.items()
            if figures[metric] is not None
        ]
        typer.echo(f"  {system}: {', '.join(words)} ({figures['n']} photos)")


def _megabytes(path: Path) -> str:
    size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return f"{size / 1e6:.1f} MB"
