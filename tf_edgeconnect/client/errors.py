"""`ServingError`: what a server answered instead of a picture."""


class ServingError(Exception):
    """A request that failed, after its retries.

    Args:
        code: name of a gRPC status code, such as `INVALID_ARGUMENT`; REST's statuses
            are told by the same names.
        message: the server's sentence, or what happened on the way to it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
