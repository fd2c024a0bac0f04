"""`tf-edgeconnect data-service`: lets CPU machines prepare photos for training."""

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
        typer.Argument(help="One dispatcher deals out the work of all workers."),
    ],
    dispatcher: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where a worker finds the dispatcher."),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="To listen on; 0 takes a free one.")
    ] = 0,
    host: Annotated[
        str | None,
        typer.Option(help="This machine's name to others; by default its host name."),
    ] = None,
) -> None:
    """Run a part of a tf.data service, for train --data-service HOST:PORT.

    Workers read the photos under the same paths as the training does. There is no TLS
    and no password: keep it inside your own network.
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
