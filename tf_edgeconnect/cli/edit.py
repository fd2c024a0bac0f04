"""`tf-edgeconnect edit`: draw the edges yourself, on a page of this machine."""

import sys
import threading
from typing import Annotated

import typer

from tf_edgeconnect.cli.addresses import warn_if_reachable
from tf_edgeconnect.cli.options import complete_model
from tf_edgeconnect.cli.startup import import_tensorflow
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT


def edit(
    model: Annotated[
        str,
        typer.Option(
            metavar="M",
            help="A preset, run directory, weights folder, exported model or address "
            "such as grpc://HOST:PORT or http://HOST:PORT.",
            autocompletion=complete_model,
        ),
    ] = DEFAULT,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="0 takes a free one.")
    ] = 8700,
) -> None:
    """Fill holes in the browser, along edges that you draw."""
    import_tensorflow()
    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.web.editor import Editor
    from tf_edgeconnect.web.serve import LocalServer

    inpainter = Inpainter.load(model)
    if not inpainter.paints:
        raise InputError(
            f"the model {inpainter.description} only draws edges: the editor needs one "
            "that paints; train the inpaint stage"
        )
    editor = Editor(inpainter)
    threading.Thread(target=editor.warm_up, daemon=True).start()
    server = LocalServer(editor.app(host), host, port)
    typer.echo(
        f"model: {inpainter.description}\nopen {server.url} and press Ctrl-C to stop"
    )
    sys.stdout.flush()
    warn_if_reachable(host)
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop()
