"""`tf-edgeconnect records`: writes photos as sharded TFRecord files."""

from pathlib import Path
from typing import Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import (
    SOME_FAILED,
    import_tensorflow,
    stderr_console,
)


def records(
    source: Annotated[
        str,
        typer.Argument(help="Photos: a folder, list file, TFRecords, tfds:NAME."),
    ],
    output: Annotated[Path, options.output("Folder to write, new or empty.")],
    shards: Annotated[int, typer.Option(min=1, help="Number of files.")] = 8,
    name: Annotated[str, typer.Option(help="Prefix of the file names.")] = ("photos"),
    short_side: Annotated[
        int | None,
        typer.Option(
            min=12,
            help="Shrink larger photos to this short side, in pixels, and store PNG.",
        ),
    ] = None,
    max_bad_fraction: Annotated[
        float,
        typer.Option(min=0, max=1, help="Largest fraction of photos to leave out."),
    ] = 0.01,
) -> int:
    """Write photos as TFRecord files, which large runs read faster than single files.

    The bytes of the photos do not change. Train on them with --data OUTPUT.
    """
    from rich.progress import Progress

    import_tensorflow()
    from tf_edgeconnect.data.records import write_records
    from tf_edgeconnect.data.sources import open_source

    opened = open_source(source, max_bad_fraction=max_bad_fraction)
    console = stderr_console()
    with Progress(
        console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("writing", total=len(opened))
        written = write_records(
            opened,
            output,
            shards,
            name=name,
            short_side=short_side,
            progress=lambda done: bar.update(task, completed=done),
        )
    left_out = [*opened.report.unreadable, *written.unreadable]
    for photo, reason in left_out:
        typer.echo(f"left out: {photo}: {reason}", err=True)
    kept = written.found - len(written.unreadable)
    typer.echo(f"{kept} photos in {shards} files in {output}")
    return SOME_FAILED if left_out else 0
