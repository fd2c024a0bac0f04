"""`tf-edgeconnect study`: ask people which pictures are real, on a local page."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tf_edgeconnect.cli.addresses import warn_if_reachable
from tf_edgeconnect.cli.startup import import_tensorflow
from tf_edgeconnect.errors import InputError

RESULTS = "results"


def study(
    evaluations: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[EVALUATION]...",
            help="Folders of finished evaluations, of the same pictures. None "
            "continues the study in --output.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="The study's folder, with its answers."),
    ] = Path("study"),
    results: Annotated[
        bool, typer.Option("--results", help="Print what has been answered so far.")
    ] = False,
    task: Annotated[
        Literal["both", "2afc", "jnd"],
        typer.Option(help="Real or filled (2afc), pairs shown for a moment (jnd)."),
    ] = "both",
    trials: Annotated[
        int, typer.Option(min=2, help="Questions of each task to a participant.")
    ] = 40,
    times: Annotated[
        str, typer.Option(help="How long pairs are shown, in milliseconds.")
    ] = "250,500,1000,2000",
    seed: Annotated[int, typer.Option(help="Of the order of all questions.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.")
    ] = 8600,
) -> None:
    """Ask people which pictures are real, on a page that this machine serves."""
    if results:
        return _print_results(output)
    import_tensorflow()  # decodes and resizes as the evaluation did
    from tf_edgeconnect.evaluation.compare import read_comparable
    from tf_edgeconnect.evaluation.study.design import (
        TASKS,
        new_study,
        read_study,
        save_study,
    )
    from tf_edgeconnect.evaluation.study.server import StudyServer

    if evaluations:
        design = new_study(
            read_comparable(evaluations),
            seed=seed,
            tasks=TASKS if task == "both" else (task,),
            trials=trials,
            milliseconds=_milliseconds(times),
        )
        save_study(design, output)
    else:
        design = read_study(output)
    server = StudyServer(design, output, host=host, port=port)
    questions = len(design.trials_of(1))
    typer.echo(
        f"study of {', '.join(design.folders)}: {questions} questions a participant\n"
        f"open http://{host}:{server.port}/ and press Ctrl-C to stop; answers go to "
        f"{output / 'responses.jsonl'}\n"
        "the same command continues, and --results prints what was found"
    )
    sys.stdout.flush()
    warn_if_reachable(host)
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()


def _print_results(folder: Path) -> None:
    from tf_edgeconnect.evaluation.study.design import read_study
    from tf_edgeconnect.evaluation.study.responses import read_events
    from tf_edgeconnect.evaluation.study.results import find_results, results_text

    found = find_results(read_study(folder), read_events(folder))
    text = results_text(found)
    (folder / f"{RESULTS}.md").write_text(text, encoding="utf-8")
    (folder / f"{RESULTS}.json").write_text(json.dumps(found.json(), indent=1) + "\n")
    typer.echo(text, nl=False)


def _milliseconds(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise InputError(f"--times {text}: expected milliseconds such as 250,500,1000")
    return tuple(sorted({int(part) for part in parts}))
