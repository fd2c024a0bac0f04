"""`tf-edgeconnect data-service`: prepares training examples on other machines."""

import socket
import sys
import threading
from typing import Annotated, Literal

import typer

from tf_edgeconnect.cli.terminal import import_tensorflow
from tf_edgeconnect.errors import InputError


def data_service(
    role: Annotated[
        Literal["dispatcher", "worker"],
        typer.Argument(
            help="One dispatcher distributes the work to any number of workers."
        ),
    ],
    dispatcher: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Address of the dispatcher, for a worker."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0: a free one.")
    ] = 0,
    host: Annotated[
        str | None,
        typer.Option(
            help="Name by which others reach this machine.", show_default="host name"
        ),
    ] = None,
) -> None:
    """Run a dispatcher or worker for train --data-service HOST:PORT.

    Workers read the photos under the same paths as the training process. There is no
    TLS and no authentication: use it only in a trusted network.
    """
    if (role == "worker") != (dispatcher is not None):
        raise InputError("--dispatcher is for a worker, which needs it")
    import_tensorflow()
    import tensorflow as tf

    service = tf.data.experimental.service
    host = host or socket.gethostname()
    try:
        if role == "dispatcher":
            server = service.DispatchServer(service.DispatcherConfig(port))
            address = f"{host}:{server.target.rsplit(':', 1)[1]}"
        else:
            address = f"{host}:{port or '%port%'}"
            server = service.WorkerServer(
                service.WorkerConfig(dispatcher, address, port)
            )
    except tf.errors.OpError as error:
        raise InputError(f"the {role} cannot start: {error.message}") from None
    typer.echo(f"{role} at {address.replace(':%port%', '')}")
    sys.stdout.flush()
    threading.Event().wait()  # the server's own join is deaf to Ctrl-C
