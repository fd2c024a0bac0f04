"""Errors for what goes wrong around the program, not in it.

A message is a single line that names the thing, says what was expected and what came,
and tells what to do. The command line prints it without a traceback.
"""


class InputError(ValueError):
    """A file, an option or an argument that the user can put right; exit code 2."""


class ServingError(Exception):
    """What a server answered instead of a picture, after the retries.

    Args:
        code: name of a gRPC status code, such as `INVALID_ARGUMENT`, for REST too.
        message: the server's sentence, or what happened on the way to it.
        busy: the server refused only because it serves too many others now.
    """

    def __init__(self, code: str, message: str, *, busy: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.busy = busy


class WorkerLost(RuntimeError):
    """Another worker of a run ended; exit code 75, for all can be started again."""


def one_line(error: BaseException) -> str:
    """Returns the first line of an error's message, or its type where it has none."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
