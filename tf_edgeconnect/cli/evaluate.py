"""`tf-edgeconnect evaluate`: the paper's table and figures, for any system."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import (
    SOME_FAILED,
    import_tensorflow,
    stderr_console,
    track,
)
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT

if TYPE_CHECKING:
    from rich.console import Console

    from tf_edgeconnect.evaluation.results import Evaluation


def evaluate(
    context: typer.Context,
    output: Annotated[
        Path,
        options.output("Folder of the results. The same command continues in it."),
    ],
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="A B", help="With --compare: folders of evaluations."),
    ] = None,
    compare: Annotated[
        bool,
        options.flag("--compare", "Compare finished evaluations A B ... in one table."),
    ] = False,
    images: Annotated[
        Path | None, typer.Option(metavar="D", help="Folder of photos without holes.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="D",
            help="Folder of masks, white = hole (paired by name, or at random if no "
            "name matches); one mask; or block: the middle half of each side.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        options.model("Model to measure, as for inpaint.", DEFAULT),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            metavar="D",
            help="Instead of --model: results of another system, named like the "
            "photos.",
        ),
    ] = None,
    baseline: Annotated[
        Literal["telea", "ns"] | None,
        typer.Option(help="Instead of --model: a classic method."),
    ] = None,
    edges: Annotated[
        str | None,
        typer.Option(
            metavar="predicted|canny|none|D",
            help="Edges in the hole: the model's own, those of the whole photo (an "
            "upper bound), none, or a folder of edge maps named like the photos.",
            show_default="predicted",
        ),
    ] = None,
    edge_threshold: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="T",
            show_default="0.5",
            help="Edges above it count in precision, recall and F1; see best_threshold "
            "in report.json.",
        ),
    ] = None,
    published: options.Published = False,
    label: Annotated[
        str | None, typer.Option(help="Heading of its column in tables.")
    ] = None,
    protocol: Annotated[
        Literal["standard", "edgeconnect"],
        typer.Option(
            help="standard: in RGB, SSIM with a Gaussian window of 11; edgeconnect: as "
            "the published script, in grey, with a window of 51."
        ),
    ] = "standard",
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Measure the centre square, resized to N x N, instead of whole "
            "photos; the paper uses 256.",
        ),
    ] = None,
    bins: Annotated[
        str, typer.Option(metavar="P,P,...", help="Bounds of the hole ratio, in %.")
    ] = "0,10,20,30,40,50,60",
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Assign masks at random even where some names match.",
            show_default="0, where no names match",
        ),
    ] = None,
    fid_weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Weights of FID's Inception network: adds FID."
        ),
    ] = None,
    lpips_weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights of AlexNet: adds LPIPS."),
    ] = None,
    fid_cache: Annotated[
        Path | None,
        typer.Option(
            metavar="D",
            help="Cache of FID features, which evaluations can share.",
            show_default="features/ in the results",
        ),
    ] = None,
) -> int:
    """Measure how well holes of each size are filled, as in the paper.

    Writes report.html, report.md, report.json, table.tex and images.csv.
    """
    if compare:
        sources = {name: context.get_parameter_source(name) for name in context.params}
        given = {name for name, x in sources.items() if x and x.name == "COMMANDLINE"}
        if given - {"compare", "folders", "output"}:
            raise InputError(
                "--compare joins finished evaluations: give only their folders and -o"
            )
        return _compare(folders or [], output)
    if folders:
        raise InputError(f"{folders[0]}: folders are for --compare; see the options")
    if images is None or masks is None:
        raise InputError("--images and --masks are needed: what to fill, and where")
    options.exclude(
        {"--model": model, "--predictions": predictions, "--baseline": baseline}
    )
    for option, value in (
        ("--published", published or None),
        ("--edges", edges),
        ("--edge-threshold", edge_threshold),
    ):
        if value is not None and (predictions or baseline):
            raise InputError(f"{option} is for a --model: nothing else draws edges")
    other_edges = edges not in (None, "predicted")
    options.exclude({"--edges": other_edges, "--published": published})

    import_tensorflow()
    from tf_edgeconnect.evaluation import run, systems
    from tf_edgeconnect.evaluation.manifest import Conditions
    from tf_edgeconnect.evaluation.report import write_report

    conditions = Conditions(
        images=images,
        masks=masks,
        protocol=protocol,
        size=size,
        seed=seed,
        bins=tuple(options.numbers("--bins", bins)),
        fid_weights=fid_weights,
        lpips_weights=lpips_weights,
    )
    if predictions is not None:
        system = systems.predictions_system(predictions, label=label)
    elif baseline is not None:
        system = systems.baseline_system(baseline, label=label)
    else:
        system = systems.model_system(
            model or DEFAULT,
            edges=edges or "predicted",
            edge_threshold=0.5 if edge_threshold is None else edge_threshold,
            published=published,
            label=label,
        )
    console = stderr_console()
    description = system.details.get("description", system.details["label"])
    console.print(f"{system.details['kind']}: {description}")

    found = run.evaluate(conditions, system, output, track=track, fid_cache=fid_cache)
    write_report([found], output)
    return _print_result(found, output, console)


def _print_result(found: "Evaluation", output: Path, console: "Console") -> int:
    manifest = found.manifest
    lost = {entry["name"]: entry["reason"] for entry in manifest["left_out"]}
    lost.update(found.failed)
    if manifest["pairing"] == "seeded":
        console.print(
            "note: not every photo has a mask of its name: masks were assigned at "
            f"random by seed {manifest['seed']}"
        )
    for column, reason in found.missing.items():
        console.print(f"note: no {column.upper()}: {reason}")
    for warning in found.warnings:
        console.print(f"warning: {warning}")
    for name, reason in lost.items():
        console.print(f"left out: {name}: {reason}")
    total = len(manifest["items"]) + len(manifest["left_out"])
    typer.echo(f"{len(found.images)} of {total} photos measured: {output}/report.html")
    return SOME_FAILED if lost else 0


def _compare(folders: list[Path], output: Path) -> int:
    if len(folders) < 2:
        raise InputError("--compare: give the folders of two or more evaluations")
    if (output / "manifest.json").exists():
        raise InputError(f"output {output} is an evaluation; give another folder")
    has_files = output.exists() and any(output.iterdir())
    if has_files and not (output / "report.json").exists():
        raise InputError(
            f"output {output} holds files that are no report; give a new folder"
        )

    import_tensorflow()
    from tf_edgeconnect.evaluation.report import write_report
    from tf_edgeconnect.evaluation.results import read_comparable

    write_report(read_comparable(folders), output)
    typer.echo(f"{len(folders)} evaluations compared: {output}/report.html")
    return 0
