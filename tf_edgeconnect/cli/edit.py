"""`tf-edgeconnect edit`: draw the lines yourself, on a page of this machine."""

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_edgeconnect.cli.addresses import warn_if_reachable
from tf_edgeconnect.cli.options import complete_model
from tf_edgeconnect.cli.startup import import_tensorflow
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT

if TYPE_CHECKING:
    from tf_edgeconnect.editor.painters import Painter


def edit(
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="M",
            help="A run directory, a weights folder, an exported SavedModel or a "
            f"preset. [default: {DEFAULT}]",
            autocompletion=complete_model,
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="In place of --model: an endpoint of TF Serving or `serve`; gRPC, or "
            "REST where it begins with http://.",
        ),
    ] = None,
    name: Annotated[
        str, typer.Option(help="The model's name at --server.")
    ] = "edgeconnect",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.")
    ] = 8700,
) -> None:
    """Fill holes in the browser, along lines that you draw."""
    if model is not None and server is not None:
        raise InputError("give either --model (networks here) or --server (elsewhere)")
    import_tensorflow()
    painter = (
        _local(model or Path(DEFAULT)) if server is None else _remote(server, name)
    )
    from tf_edgeconnect.editor.server import EditorServer

    page = EditorServer(painter, host=host, port=port)
    typer.echo(
        f"model: {painter.description}\n"
        f"open http://{host}:{page.port}/ and press Ctrl-C to stop"
    )
    sys.stdout.flush()
    warn_if_reachable(host)
    try:
        page.wait()
    except KeyboardInterrupt:
        page.stop()


def _local(model: Path) -> "Painter":
    from tf_edgeconnect.editor.painters import LocalPainter
    from tf_edgeconnect.inference import Inpainter

    inpainter = Inpainter.load(model)
    if not inpainter.paints:
        raise InputError(
            f"the model {inpainter.description} only draws edges: the editor needs one "
            "that paints; train the inpaint stage"
        )
    painter = LocalPainter(inpainter)
    threading.Thread(target=painter.warm_up, daemon=True).start()
    return painter


def _remote(address: str, name: str) -> "Painter":
    from tf_edgeconnect.client import Client, ServingError
    from tf_edgeconnect.editor.painters import RemotePainter

    client = Client(address, model=name)
    try:
        client.versions()
    except ServingError as error:
        raise InputError(f"--server {address}: {error}") from None
    return RemotePainter(client, address)
