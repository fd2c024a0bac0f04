"""`tf-edgeconnect convert`: converts checkpoints and configs of the original."""

from pathlib import Path
from typing import Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow
from tf_edgeconnect.errors import InputError

_YAML = (".yml", ".yaml")


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SRC",
            help="A folder of published .pth files, one such file, a config.yml, or "
            "the usual FID .pth (pt_inception-2015-12-05).",
        ),
    ],
    output: Annotated[
        Path,
        options.output(
            "The weights folder to write; for a config.yml, a .yaml file; for the FID "
            "network, an .npz file.",
            "DST",
        ),
    ],
    overwrite: options.Overwrite = False,
) -> None:
    """Convert PyTorch checkpoints or the config of the original EdgeConnect.

    Needs no PyTorch and runs no code in a checkpoint. Use the result with --model,
    --init-from or --config. Also converts the Inception network of the usual FID.
    """
    if source.suffix.lower() in _YAML and not source.is_dir():
        _convert_config(source, output, overwrite)
    elif output.suffix.lower() == ".npz":
        _convert_inception(source, output, overwrite)
    else:
        _convert_checkpoints(source, output, overwrite)


def _convert_checkpoints(source: Path, output: Path, overwrite: bool) -> None:
    import_tensorflow()
    from tf_edgeconnect.conversion.checkpoints import PUBLISHED_SIGMA, convert
    from tf_edgeconnect.conversion.config import original_sigma

    sigma, config = PUBLISHED_SIGMA, source / "config.yml"
    if source.is_dir() and config.is_file():
        sigma = original_sigma(config)
        typer.echo(f"{config}: Canny's sigma is {sigma:g}; convert it too for its rest")
    for found in convert(source, output, sigma=sigma, overwrite=overwrite):
        for tensor in found.mapped:
            typer.echo(
                f"{found.file.name}: {tensor.source} {tensor.shape} -> "
                f"{tensor.target} {tensor.target_shape}"
            )
        at = "" if found.iteration is None else f", iteration {found.iteration}"
        typer.echo(
            f"{found.file}: {len(found.mapped)} tensors to the "
            f"{found.network.replace('_', ' ')}{at}"
        )
    typer.echo(f"wrote {output}: give it to --model or --init-from")


def _convert_inception(source: Path, output: Path, overwrite: bool) -> None:
    import_tensorflow()
    from tf_edgeconnect.conversion.inception import convert_inception

    count = convert_inception(source, output, overwrite=overwrite)
    typer.echo(f"{source}: {count} convolutions of FID's Inception network")
    typer.echo(f"wrote {output}: FID takes its weights from it")


def _convert_config(source: Path, output: Path, overwrite: bool) -> None:
    from tf_edgeconnect.config import save_config
    from tf_edgeconnect.conversion.config import convert_config

    if output.suffix.lower() not in _YAML:
        raise InputError(f"{output}: expected the name of a .yaml file for a config")
    if output.exists() and not overwrite:
        raise InputError(f"{output}: exists already; choose another or add --overwrite")
    converted = convert_config(source)
    output.parent.mkdir(parents=True, exist_ok=True)
    save_config(converted.config, output)
    for line in converted.lines:
        typer.echo(line)
    for warning in converted.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(
        f"wrote {output}: "
        f"`tf-edgeconnect train --stage {converted.stage} --config {output}`"
    )
