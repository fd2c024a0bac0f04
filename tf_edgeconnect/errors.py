"""The one error for what a user got wrong.

Its message is a single line that names the thing, says what was expected and what came,
and tells what to do. The command line prints it without a traceback and exits with 2.
"""


class InputError(ValueError):
    """A file, an option or an argument that the user can put right."""
