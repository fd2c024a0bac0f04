"""`tf-edgeconnect doctor`: checks data, settings and runs before hours are spent."""

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_edgeconnect.cli.completion import (
    complete_config,
    complete_model,
    complete_run,
    complete_setting,
)
from tf_edgeconnect.cli.startup import gpu_is_missed, import_quietly
from tf_edgeconnect.cli.train import data_overrides
from tf_edgeconnect.config import Config, load_config
from tf_edgeconnect.config.files import DEFAULT
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.version import __version__

if TYPE_CHECKING:
    from tf_edgeconnect.doctor.findings import Checkup, Track

DONE, WILL_HURT = 0, 1
SHEET, REPORT = "suspects.png", "findings.json"


def doctor(
    config: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Settings of a run, as train takes.",
            autocompletion=complete_config,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Training photos, as train takes."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting.",
            autocompletion=complete_setting,
        ),
    ] = None,
    init_from: Annotated[
        Path | None,
        typer.Option(
            metavar="M",
            help="Weights that the run would start from.",
            autocompletion=complete_model,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="D", help="Photos for inpaint or evaluate."),
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(metavar="D", help="Their masks, or masks alone.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="M",
            help="A run or weights folder to fill them with.",
            autocompletion=complete_model,
        ),
    ] = None,
    run_dir: Annotated[
        Path | None,
        typer.Option(
            help="A run to resume; with --config, where it would be.",
            autocompletion=complete_run,
        ),
    ] = None,
    sample: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Files to look into; 0: all of them."),
    ] = 1000,
    fix_masks: Annotated[
        Path | None,
        typer.Option(
            metavar="D", help="Write black-and-white PNG copies of the masks there."
        ),
    ] = None,
    invert: Annotated[
        bool,
        typer.Option(
            "--invert", help="With --fix-masks: swap those that seem inverted."
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="D", help=f"Folder for {SHEET} and {REPORT}."
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Pictures of all suspects, a PNG."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Findings with all names."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace reports that exist.")
    ] = False,
) -> int:
    """Check photos, masks, settings or a run; each finding is a line.

    Exits with 0 if there are notes at most, with 1 if there are warnings or errors.

    A run to come: --config, --data, --set. Photos to fill: --images, --masks, --model.
    A run that stopped: --run-dir.
    """
    is_training = bool(config or data or set_ or init_from)
    if not (is_training or images or masks or model or run_dir):
        raise InputError(
            "nothing to check: give --config or --data (a run to come), --images and "
            "--masks (photos to fill), --model, or --run-dir (a run that stopped)"
        )
    settings = None
    if is_training:
        settings = load_config(config, [*data_overrides(data), *(set_ or ())])
    originals = _masks_to_fix(fix_masks, masks, settings, invert)
    if output is not None:
        sheet, report = sheet or output / SHEET, report or output / REPORT
    _check_reports(sheet, report, overwrite)

    import_quietly()
    from rich.console import Console
    from rich.progress import track as rich_track

    from tf_edgeconnect.doctor import Checkup, check_pairs, check_run, check_training
    from tf_edgeconnect.doctor.weights import check_model

    track = partial(rich_track, console=Console(stderr=True), transient=True)
    if fix_masks is not None and originals is not None:
        _check_copies(originals, fix_masks)
    found = Checkup()
    if settings is not None:
        from tf_edgeconnect.trainers.run_networks import (
            adopt_architecture,
            build_networks,
        )

        own_model = any(text.startswith("model.") for text in set_ or ())
        if init_from is not None and config is None and not own_model:
            settings = adopt_architecture(settings, init_from)  # as train does
        found.join(
            check_training(
                settings,
                run_dir or Path("runs", Path(config or DEFAULT).stem),
                build_networks,
                init_from=init_from,
                gpu_missed=gpu_is_missed(),
                sample=sample,
                track=track,
            )
        )
    if images is not None or masks is not None:
        found.join(
            check_pairs(
                images,
                masks,
                trained_on=None if settings is None else settings.mask.hole_ratio,
                sample=sample,
                track=track,
            )
        )
    if model is not None:
        found.add(check_model(model))
    if run_dir is not None and (settings is None or run_dir.exists()):
        found.join(check_run(run_dir, track))
    _tell(found)
    if fix_masks is not None and originals is not None:
        _write_copies(originals, fix_masks, track, invert)
    _write_reports(found, sheet, report)
    return DONE if found.is_clean else WILL_HURT


def _masks_to_fix(
    folder: Path | None, masks: Path | None, settings: Config | None, invert: bool
) -> Path | None:
    """The masks that `--fix-masks` is about: those given, else those of the config."""
    if folder is None:
        if invert:
            raise InputError("--invert goes with --fix-masks D; add it, or leave it")
        return None
    if masks is not None:
        return masks
    if settings is not None and settings.mask.folder:
        return Path(settings.mask.folder)
    raise InputError("--fix-masks has no masks to copy: give them with --masks D")


def _check_reports(sheet: Path | None, report: Path | None, overwrite: bool) -> None:
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise InputError(f"--sheet {sheet} must end in .png")
    for path in (sheet, report):
        if path is not None and path.exists() and not (overwrite and path.is_file()):
            raise InputError(f"{path} exists; give another, or pass --overwrite")


def _check_copies(originals: Path, folder: Path) -> None:
    from tf_edgeconnect.doctor.cleaning import check_clean_folder
    from tf_edgeconnect.doctor.mask_looks import list_masks

    check_clean_folder(folder, list_masks(originals))


def _write_copies(originals: Path, folder: Path, track: "Track", invert: bool) -> None:
    from tf_edgeconnect.doctor.cleaning import write_clean_masks
    from tf_edgeconnect.doctor.mask_looks import list_masks

    cleaned = write_clean_masks(list_masks(originals), folder, track, invert=invert)
    for name, reason in cleaned.left_out:
        typer.echo(f"left out: {name}: {reason}", err=True)
    swapped = f", {len(cleaned.inverted)} of them inverted" if invert else ""
    typer.echo(f"{cleaned.written} masks written to {folder}{swapped}")


def _tell(found: "Checkup") -> None:
    for fact in found.facts:
        typer.echo(fact)
    for finding in found.findings:
        typer.echo(finding.line)
    counts = Counter(finding.severity for finding in found.findings)
    told = [
        f"{count} {severity}{'s' * (count > 1)}" for severity, count in counts.items()
    ]
    typer.echo(f"found: {', '.join(told) or 'nothing that is wrong'}")


def _write_reports(found: "Checkup", sheet: Path | None, report: Path | None) -> None:
    if report is not None:
        content = {
            "made_by": f"tf-edgeconnect {__version__}",
            "clean": found.is_clean,
            "facts": found.facts,
            "findings": [finding.as_json() for finding in found.findings],
        }
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(content, indent=1) + "\n")
        typer.echo(f"written: {report}")
    if sheet is not None:
        from tf_edgeconnect.doctor.sheet import suspects_sheet
        from tf_edgeconnect.figures import save

        picture = suspects_sheet(found.findings)
        if picture is None:
            typer.echo(f"no suspects to show, {sheet} is not written")
        else:
            save(sheet, picture)
            typer.echo(f"written: {sheet}")
