"""`tf-edgeconnect masks`: makes a set of irregular masks with exact hole ratios."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow, track
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.version import __version__

if TYPE_CHECKING:
    import numpy as np

    from tf_edgeconnect.data.mask_sets import MaskSpec

SHOWN = 8  # masks of each bin and border on the overview


def masks(
    output: Annotated[
        Path,
        options.output(
            "Folder to write, new or empty; also writes D-overview.png beside it."
        ),
    ],
    count: Annotated[
        int, typer.Option(min=1, metavar="N", help="Masks per bin.")
    ] = 100,
    size: Annotated[
        str, typer.Option(metavar="WxH|N", help="Size in pixels; N for a square.")
    ] = "512",
    bins: Annotated[
        str,
        typer.Option(metavar="R,R,...", help="Bounds of the hole ratios, 0 to 1."),
    ] = "0.01,0.1,0.2,0.3,0.4,0.5,0.6",
    border: Annotated[
        Literal["both", "touching", "clear"],
        typer.Option(help="Holes touch the border, stay clear of it, or half of each."),
    ] = "both",
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Seed of the masks.")
    ] = 0,
    overwrite: options.Overwrite = False,
) -> None:
    """Make irregular masks, equally many for each range of hole ratios.

    White = hole. The same command makes the same files.
    """
    shape, bounds = _size(size), options.numbers("--bins", bins)
    overview = output.resolve().with_name(f"{output.resolve().name}-overview.png")

    import_tensorflow()
    from tf_edgeconnect.data import mask_sets
    from tf_edgeconnect.photos.writing import check_output

    borders = mask_sets.BORDERS if border == "both" else (border,)
    specs = mask_sets.plan_masks(shape, count, bounds, borders)
    mask_sets.check_mask_folder(output, overwrite=overwrite)
    check_output(overview, overwrite=overwrite)
    draw = mask_sets.MaskDrawer(shape, seed)
    shown: dict[tuple, list] = {}

    def drawn() -> Iterator[tuple["MaskSpec", "np.ndarray"]]:
        for index, spec in enumerate(track(specs, "making")):
            mask = draw(spec, index)
            group = shown.setdefault((spec.bin, spec.border), [])
            if len(group) < SHOWN:
                group.append((spec, mask))
            yield spec, mask

    about = {
        "made_by": f"tf-edgeconnect {__version__}",
        "size": list(reversed(shape)),
        "bins": bounds,
        "border": border,
        "seed": seed,
    }
    mask_sets.write_mask_folder(output, drawn(), about, overwrite=overwrite)
    _write_overview(overview, list(shown.values()))
    typer.echo(
        f"{len(specs)} masks, {count} in each of {len(bounds) - 1} bins, in {output}; "
        f"overview: {overview}"
    )


def _write_overview(
    path: Path, groups: list[list[tuple["MaskSpec", "np.ndarray"]]]
) -> None:
    from tf_edgeconnect.figures import grid, save

    rows = [[mask.astype(float) for _, mask in group] for group in groups]
    captions = [
        [f"{spec.name}\n{mask.mean():.4f}" for spec, mask in group] for group in groups
    ]
    save(path, grid(rows, captions=captions, tile=144, title=path.stem))


def _size(text: str) -> tuple[int, int]:
    """Reads `WxH` or `N` as height and width."""
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text)
    if not found:
        raise InputError(f"--size must be WxH or N, such as 512x384 or 256, got {text}")
    return int(found[2] or found[1]), int(found[1])
