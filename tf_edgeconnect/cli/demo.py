"""`tf-edgeconnect demo`: fills damaged photos, then trains a network of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import SAVED_NOT_FINISHED, import_tensorflow
from tf_edgeconnect.config import Config, load_config
from tf_edgeconnect.stages import PUBLISHED_STAGES

if TYPE_CHECKING:
    from PIL import Image

ROWS = 6


def demo(
    run_dir: Annotated[
        Path,
        options.run_dir("The run directory; an interrupted run resumes."),
    ] = Path("runs/quickstart"),
    set_: options.Settings = None,
) -> int:
    """Fill six damaged photos, then train a narrow network and fill holes with it.

    The first picture, first.png in the run directory, takes less than half a minute.
    The training takes about five minutes on two CPU cores and leaves demo.png, a sheet
    of photo, hole, edges and filled photo. Ctrl-C saves the training.
    """
    config = load_config("quickstart", list(set_ or ()))
    import_tensorflow()
    from tf_edgeconnect.figures import save

    first = run_dir / "first.png"
    save(first, repaired_photos())
    typer.echo(f"Six damaged photos, filled by the preset small: {first}")
    typer.echo(
        "Next, a narrow network is trained in three short stages on the photos that "
        "ship with scikit-image: about five minutes on two CPU cores. Ctrl-C saves it; "
        "the same command resumes."
    )
    try:
        finished = _train(config, run_dir)
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command resumes; the first picture is {first}")
        raise
    if not finished:
        typer.echo(f"Saved. The same command resumes; the first picture is {first}")
        return SAVED_NOT_FINISHED
    _fill(config, run_dir)
    return 0


def repaired_photos(model: str = "small", tile: int = 300) -> "Image.Image":
    """Lays out six damaged photos beside what a model makes of them.

    Args:
        model: what `Inpainter.load` takes.
        tile: width of a photo on the sheet, in pixels.
    """
    import numpy as np

    from tf_edgeconnect.data.damage import damaged_photos
    from tf_edgeconnect.figures import grid
    from tf_edgeconnect.inference import Inpainter

    captions, images, masks = zip(*damaged_photos(), strict=True)
    filled, _ = Inpainter.load(model)(np.stack(images), np.stack(masks))
    pairs = [[image, result] for image, result in zip(images, filled, strict=True)]
    return grid(
        [left + right for left, right in zip(pairs[::2], pairs[1::2], strict=True)],
        captions=[
            [left, "filled", right, "filled"]
            for left, right in zip(captions[::2], captions[1::2], strict=True)
        ],
        tile=tile,
    )


def _train(config: Config, run_dir: Path) -> bool:
    """Trains all stages; returns whether they are finished."""
    from tf_edgeconnect.trainers import run

    for number, stage in enumerate(PUBLISHED_STAGES, start=1):
        typer.echo(f"Stage {number} of {len(PUBLISHED_STAGES)}: {stage}")
        if run.train(stage, config, run_dir) is run.Outcome.SAVED:
            return False
    return True


def _fill(config: Config, run_dir: Path) -> None:
    import numpy as np

    from tf_edgeconnect.figures import Row, save, sheet
    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.metrics.image import psnr
    from tf_edgeconnect.trainers import run_data

    data = run_data.RunData(config, None, lambda line: None)
    examples = run_data.first_examples(data.validation_batches(count=ROWS), ROWS)
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
