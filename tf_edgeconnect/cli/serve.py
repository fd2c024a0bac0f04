"""`tf-edgeconnect serve`: a local development server for an export."""

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from tf_edgeconnect.cli.addresses import warn_if_reachable
from tf_edgeconnect.cli.startup import import_tensorflow
from tf_edgeconnect.errors import InputError

NEEDED = ("tensorflow_serving", "grpc", "grpc_health")
GRACE_SECONDS = 5.0


def serve(
    export: Annotated[
        Path,
        typer.Argument(metavar="EXPORT", help="An exported SavedModel's folder."),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of gRPC; 0 takes a free one.")
    ] = 8500,
    rest_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of REST; 0 takes a free one.")
    ] = 8501,
    name: Annotated[
        str, typer.Option(help="The model's name in requests.")
    ] = "edgeconnect",
) -> None:
    """Serve an export on this machine, for development."""
    if not all(map(importlib.util.find_spec, NEEDED)):
        raise InputError(
            "serve needs the serving extra: pip install 'tf-edgeconnect[serving]'"
        )
    import_tensorflow()
    import logging

    # The Session loader is called deprecated; it is the one that TF Serving matches.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    from tf_edgeconnect.server.local import LocalServer

    server = LocalServer(export, host=host, port=port, rest_port=rest_port, name=name)
    _announce(server, host, name)
    try:
        server.wait()
    except KeyboardInterrupt:
        server.stop(GRACE_SECONDS)


def _announce(server, host: str, name: str) -> None:
    model = server.model
    lines = [
        f"serving {model.folder}, version {model.version}, as {name}",
        f"signatures: {', '.join(sorted(model.signatures))}",
        f"gRPC: {host}:{server.port}",
        f"REST: http://{host}:{server.rest_port}/v1/models/{name}",
        "This is for development; for production run TF Serving: serving/README.md",
    ]
    typer.echo("\n".join(lines))
    sys.stdout.flush()
    warn_if_reachable(host)
