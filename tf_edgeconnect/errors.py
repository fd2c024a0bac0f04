"""Errors caused by input, servers or other workers, not by the program.

Each message is one line that names the thing, the expected and the received value, and
what to do. The command line prints it without a traceback.
"""


class InputError(ValueError):
    """An error in a file, option or argument that the user can correct; exit code 2.

    Args:
        message: what is wrong, and what to do.
        hint: appended where options of the command line help; the web's answers, which
            give `message` alone, have none.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message + hint)
        self.message = message


class ServingError(Exception):
    """A server returned an error instead of an image, after all retries.

    Args:
        code: name of a gRPC status code, such as `INVALID_ARGUMENT`, for REST too.
        message: the server's message, or why it could not be reached.
        busy: the server refused only because it has too many requests.
    """

    def __init__(self, code: str, message: str, *, busy: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.busy = busy


class WorkerLost(RuntimeError):
    """Another worker of the run ended; exit code 75: start all workers again."""


def one_line(error: BaseException) -> str:
    """Returns the first line of an error's message, or its type if it is empty."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
