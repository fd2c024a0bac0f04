"""`tf-edgeconnect serve`: a local development server for an export."""

import contextlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tf_edgeconnect.cli import options
from tf_edgeconnect.cli.terminal import import_tensorflow, warn_if_reachable
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.presets import DEFAULT

if TYPE_CHECKING:
    from tf_edgeconnect.web.serve import ModelServer

NEEDED = ("tensorflow_serving", "grpc", "grpc_health")


def serve(
    export: Annotated[
        Path | None,
        typer.Argument(metavar="EXPORT", help="Folder of an exported SavedModel."),
    ] = None,
    model: Annotated[
        Path | None,
        options.model(
            "Without EXPORT: export this run directory, weights folder or preset "
            "first, to a temporary folder.",
            DEFAULT,
        ),
    ] = None,
    host: options.Host = "127.0.0.1",
    port: Annotated[int, options.port("Port of gRPC")] = 8500,
    rest_port: Annotated[int, options.port("Port of REST")] = 8501,
    name: Annotated[
        str, typer.Option(help="The model's name in requests.")
    ] = "edgeconnect",
) -> None:
    """Serve an export or a model on this machine, for development."""
    options.exclude({"EXPORT": export, "--model": model})
    if not all(map(importlib.util.find_spec, NEEDED)):
        raise InputError(
            "serve needs the serving extra: pip install 'tf-edgeconnect[serving]'"
        )
    import_tensorflow()
    import logging

    # The Session loader is called deprecated; it is the one that TF Serving matches.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    from tf_edgeconnect.web.serve import ModelServer

    # Once loaded, an export is not looked at again.
    with tempfile.TemporaryDirectory(prefix="tf-edgeconnect-") as folder:
        served = f"{export}, version"
        if export is None:
            model = model or Path(DEFAULT)
            served = f"model {model}, exported as version"
            typer.echo(f"exporting model {model}", err=True)
            from tf_edgeconnect.export.saved_model import export_saved_model

            export = export_saved_model(model, folder).path.parent
        server = ModelServer(
            export, host=host, port=port, rest_port=rest_port, name=name
        )
    _announce(server, served, host, name)
    with server, contextlib.suppress(KeyboardInterrupt):
        server.wait()


def _announce(server: "ModelServer", served: str, host: str, name: str) -> None:
    from tf_edgeconnect.web.serve import authority

    model = server.model
    lines = [
        f"serving {served} {model.version}, as {name}",
        f"signatures: {', '.join(sorted(model.signatures))}",
        f"gRPC: {authority(host, server.port)}",
        f"REST: http://{authority(host, server.rest_port)}/v1/models/{name}",
        "This is for development; for production run TF Serving: serving/README.md",
    ]
    typer.echo("\n".join(lines))
    sys.stdout.flush()
    warn_if_reachable(host)
