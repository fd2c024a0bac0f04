"""The program `tf-edgeconnect`: registers the commands and turns errors into lines.

Exit codes: 0 done; 1 some items failed (the command names each); 2 wrong usage or
input, one line and no traceback; 75 saved, not finished; 130 interrupted. Any other
exception is a fault of ours and keeps its traceback.
"""

import errno
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tf_edgeconnect.cli import (
    batch,
    convert,
    data_service,
    demo,
    doctor,
    edit,
    evaluate,
    export,
    info,
    inpaint,
    masks,
    presets,
    records,
    serve,
    train,
)
from tf_edgeconnect.cli.terminal import (
    INTERRUPTED,
    SOME_FAILED,
    WRONG_INPUT,
    warnings_as_lines,
)
from tf_edgeconnect.errors import InputError, ServingError
from tf_edgeconnect.version import __version__

PROGRAM = "tf-edgeconnect"

app = typer.Typer(
    context_settings={"help_option_names": ["-h", "--help"]},
    help="EdgeConnect image inpainting: complete the edges, then paint.",
    pretty_exceptions_enable=False,
)
# In the order of the help.
COMMANDS = (
    train.train, inpaint.inpaint, batch.batch, evaluate.evaluate, records.records,
    data_service.data_service, masks.masks, doctor.doctor, convert.convert,
    export.export, demo.demo, serve.serve, edit.edit, presets.presets, info.info,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the program and exits.

    Args:
        arguments: What follows the program's name; None for those of this process.
    """
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Runs one command.

    Args:
        arguments: What follows the program's name, such as `["train", "--dry-run"]`.

    Returns:
        The exit code.
    """
    # Read when Keras is first imported, which is later than this.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with warnings_as_lines():
            code = typer.main.get_command(app).main(
                list(arguments) or ["--help"], prog_name=PROGRAM, standalone_mode=False
            )
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except typer.TyperException as error:
        return _refuse(_usage(error))
    except InputError as error:
        return _refuse(str(error))
    except ServingError as error:
        _refuse(f"the server answered {error}")
        return SOME_FAILED
    except OSError as error:
        return _refuse(_system(error))
    except ModuleNotFoundError as error:
        if error.name not in ("tensorflow", "keras"):
            raise
        return _refuse(
            f"this needs {error.name}, which is not installed. Without it `inpaint` "
            "takes a --model of .onnx or .tflite, or http://HOST:PORT"
        )
    except Exception as error:
        # A full disk comes from TensorFlow's writers as an exception of their own.
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        return _refuse(f"the disk is full: {error}")
    return code or 0


def _refuse(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return WRONG_INPUT


def _usage(error: typer.TyperException) -> str:
    message = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    path = context.command_path if context else PROGRAM
    message = message.replace("Value error, ", "").rstrip(".")
    return f"{message}; see `{path} --help`"


def _system(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = f"the disk is full ({what})"
    return f"{error.filename}: {what}" if error.filename else what
