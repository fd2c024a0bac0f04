"""`tf-edgeconnect edit`: draw the edges yourself, on a page of this machine."""

import contextlib
import sys
import threading
from typing import Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow, warn_if_reachable
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT


def edit(
    model: options.Model = DEFAULT,
    host: options.Host = "127.0.0.1",
    port: Annotated[int, options.port("Port to listen on")] = 8700,
) -> None:
    """Fill holes in the browser, guided by edges that you draw."""
    import_tensorflow()
    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.inference.loading import is_address
    from tf_edgeconnect.web.editor import Editor
    from tf_edgeconnect.web.serve import LocalServer

    inpainter = Inpainter.load(model)
    if not inpainter.paints:
        raise InputError(
            f"the model {inpainter.description} only draws edges: the editor needs one "
            "that paints; train the inpaint stage"
        )
    if not inpainter.takes_edges:
        raise InputError(
            f"the model {inpainter.description} takes no edges, which the "
            "editor draws; export it again with --edges-input"
        )
    editor = Editor(inpainter)
    server = LocalServer(editor.app(host), host, port)
    if not is_address(model):
        # No daemon: TensorFlow aborts a program that ends amid its work.
        threading.Thread(target=editor.warm_up).start()
    typer.echo(
        f"model: {inpainter.description}\nopen {server.url} and press Ctrl-C to stop"
    )
    sys.stdout.flush()
    warn_if_reachable(host)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.wait()
