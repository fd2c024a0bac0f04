"""`tf-edgeconnect demo`: trains the quickstart stage by stage and fills some holes."""

from pathlib import Path
from typing import Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow
from tf_edgeconnect.cli.train import SAVED_NOT_FINISHED
from tf_edgeconnect.config import Config, load_config
from tf_edgeconnect.stages import PUBLISHED_STAGES

ROWS = 6


def demo(
    run_dir: Annotated[
        Path,
        options.run_dir("Where the run lives; it continues where it stopped."),
    ] = Path("runs/quickstart"),
    set_: options.Settings = None,
) -> int:
    """Train a narrow network on bundled photos and fill holes it has not seen.

    About ten minutes on two CPU cores. Leaves demo.png, a sheet of photo, hole, edges
    and filled photo, in the run directory.
    """
    config = load_config("quickstart", list(set_ or ()))
    import_tensorflow()
    from tf_edgeconnect.trainers import run

    for number, stage in enumerate(PUBLISHED_STAGES, start=1):
        typer.echo(f"Stage {number} of {len(PUBLISHED_STAGES)}: {stage}")
        outcome = run.train(stage, config, run_dir)
        if outcome is run.Outcome.SAVED:
            return SAVED_NOT_FINISHED
    _fill(config, run_dir)
    return 0


def _fill(config: Config, run_dir: Path) -> None:
    import numpy as np

    from tf_edgeconnect.figures import Row, save, sheet
    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.metrics.image import psnr
    from tf_edgeconnect.trainers import run_data

    _, held_out = run_data.open_sources(config, None, lambda line: None)
    batches = run_data.validation_batches(config, held_out, count=ROWS)
    examples = run_data.first_examples(batches, ROWS)
    images = np.round(examples["image"] * 255).astype(np.uint8)
    holes = examples["mask"][..., 0] > 0.5
    filled, edges = Inpainter.load(run_dir)(images, holes)
    rows = [Row(*row) for row in zip(images, holes, edges, filled, strict=True)]
    picture = run_dir / "demo.png"
    save(picture, sheet(rows, tile=192))

    known = ~holes[..., None]
    counts = known.sum(axis=(1, 2), keepdims=True)
    flat = (images * known).sum(axis=(1, 2), keepdims=True) / counts
    flat = np.where(known, images, flat)
    figures = [
        float(np.mean(psnr(images / 255, result / 255, examples["mask"])))
        for result in (filled, flat)
    ]
    typer.echo(
        f"{ROWS} held-out photos filled: PSNR inside the hole {figures[0]:.2f} dB; "
        f"with the flat mean colour of the known pixels {figures[1]:.2f} dB"
    )
    typer.echo(f"The sheet of photo, hole, edges and filled photo: {picture}")
