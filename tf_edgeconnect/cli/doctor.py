"""`tf-edgeconnect doctor`: checks data, settings and runs before a long job."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_edgeconnect.atomic import write_json
from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import (
    SOME_FAILED,
    gpu_is_missed,
    import_quietly,
    track,
)
from tf_edgeconnect.cli.train import data_overrides, takes_architecture
from tf_edgeconnect.config import load_config
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.version import __version__

if TYPE_CHECKING:
    from tf_edgeconnect.doctor import Report


def doctor(
    config: options.Config = None,
    data: options.Data = None,
    set_: options.Settings = None,
    init_from: options.InitFrom = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="D", help="Photos for inpaint or evaluate."),
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="D", help="Their masks, or only masks.")
    ] = None,
    model: Annotated[
        str | None, options.model("The model to fill them with, as for inpaint.")
    ] = None,
    run_dir: Annotated[Path | None, options.run_dir("A run that stopped.")] = None,
    sample: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Files of each kind to read; 0: all."),
    ] = 1000,
    report: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Also write all findings to a file."
        ),
    ] = None,
    overwrite: options.Overwrite = False,
) -> int:
    """Check photos, masks, settings or a run; print each problem as one line.

    Before training: --config, --data, --set. Photos to fill: --images, --masks,
    --model. A run that stopped: --run-dir. Exits with 1 if there are warnings or
    errors, with 0 if there are only notes.
    """
    is_training = bool(config or data or set_ or init_from)
    if not (is_training or images or masks or model or run_dir):
        raise InputError(
            "nothing to check: give --config or --data (before training), --images and "
            "--masks (photos to fill), --model, or --run-dir (a run that stopped)"
        )
    settings = None
    if is_training:
        settings = load_config(config, [*data_overrides(data), *(set_ or ())])
    if report is not None and report.exists() and not overwrite:
        raise InputError(f"{report} exists; give another, or pass --overwrite")

    import_quietly()
    from tf_edgeconnect.doctor import Report
    from tf_edgeconnect.doctor.files import check_pairs
    from tf_edgeconnect.doctor.runs import check_model, check_run, check_training

    found = Report()
    if settings is not None:
        from tf_edgeconnect.trainers.run_networks import (
            adopt_architecture,
            build_networks,
        )

        if init_from is not None and takes_architecture(config, set_):
            settings = adopt_architecture(settings, init_from)
        check_training(
            found,
            settings,
            build_networks,
            init_from=init_from,
            gpu_missed=gpu_is_missed(),
            sample=sample,
            track=track,
        )
    if images is not None or masks is not None:
        check_pairs(found, images, masks, sample=sample, track=track)
    if model is not None:
        check_model(found, model)
    if run_dir is not None:
        check_run(found, run_dir)
    _print_findings(found)
    if report is not None:
        content = {
            "made_by": f"tf-edgeconnect {__version__}",
            "clean": found.is_clean,
            **dataclasses.asdict(found),
        }
        write_json(report, content, indent=1)
        typer.echo(f"written: {report}")
    return 0 if found.is_clean else SOME_FAILED


def _print_findings(found: "Report") -> None:
    for fact in found.facts:
        typer.echo(fact)
    counts = []
    for severity in ("error", "warning", "note"):
        lines = [each.line for each in found.findings if each.severity == severity]
        for line in lines:
            typer.echo(line)
        if lines:
            counts.append(f"{len(lines)} {severity}{'s' * (len(lines) > 1)}")
    typer.echo(f"found: {', '.join(counts) or 'no problems'}")
