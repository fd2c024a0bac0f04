"""`tf-edgeconnect train`: trains one stage, or continues it where it stopped."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import SAVED_NOT_FINISHED, import_tensorflow
from tf_edgeconnect.config import Stage, load_config
from tf_edgeconnect.config.files import DEFAULT
from tf_edgeconnect.errors import WorkerLost


def train(
    stage: Annotated[Stage, typer.Option(help="Which networks to train.")],
    config: options.Config = None,
    data: options.Data = None,
    run_dir: Annotated[
        Path | None,
        options.run_dir("The run directory; by default runs/NAME of the config."),
    ] = None,
    set_: options.Settings = None,
    init_from: options.InitFrom = None,
    strategy: Annotated[
        Literal["auto", "single", "mirrored", "multi-worker"],
        typer.Option(
            help="single: one device; mirrored: all GPUs; multi-worker: all machines "
            "in TF_CONFIG; auto: all there are."
        ),
    ] = "auto",
    data_service: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Prepare the examples on this tf.data service.",
        ),
    ] = None,
    profile: Annotated[
        bool, options.flag("--profile", "Profile some steps for TensorBoard.")
    ] = False,
    fresh: Annotated[
        bool, options.flag("--fresh", "Require an empty run directory.")
    ] = False,
    dry_run: Annotated[
        bool, options.flag("--dry-run", "Print what would run, and stop.")
    ] = False,
) -> int:
    """Train a stage; the same command resumes an interrupted one.

    Stages, in order: edge; inpaint (or edge-inpaint, fed by the trained edge
    generator); joint.
    """
    if config is None:
        typer.echo(f"No --config given: this is the {DEFAULT}, a narrow network.")
    settings = load_config(config, [*data_overrides(data), *(set_ or ())])
    run_dir = run_dir or Path("runs", Path(config or DEFAULT).stem)

    import_tensorflow(settings.train.memory_growth)
    from tf_edgeconnect.trainers import run, run_networks

    if init_from is not None and takes_architecture(config, set_):
        settings = run_networks.adopt_architecture(settings, init_from)
        typer.echo(
            f"The model settings are those of {init_from}; photo size and rates stay "
            "the quickstart's (--config places2 has the published ones)."
        )

    if dry_run:
        run.describe(stage, settings, run_dir, say=typer.echo)
        return 0
    try:
        outcome = run.train(
            stage,
            settings,
            run_dir,
            init_from=init_from,
            strategy=strategy,
            data_service=data_service,
            fresh=fresh,
            profile=profile,
        )
    except WorkerLost as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        # A usual exit would wait for the lost worker in TensorFlow 2.21.
        os._exit(SAVED_NOT_FINISHED)
    return SAVED_NOT_FINISHED if outcome is run.Outcome.SAVED else 0


def takes_architecture(config: str | None, set_: list[str] | None) -> bool:
    """Whether a run has the networks of `--init-from`: none were asked for."""
    return config is None and not any(t.startswith("model.") for t in set_ or ())


def data_overrides(source: str | None) -> list[str]:
    """Returns what `--data SOURCE` changes of a config; nothing without a source."""
    if source is None:
        return []
    # As a JSON string any source is text, "2024" too.
    overrides = [f"data.train={json.dumps(source)}"]
    if not source.startswith("sample:"):
        # The validation photos of a config belong to its own training photos.
        overrides.append("data.val=null")
    return overrides
