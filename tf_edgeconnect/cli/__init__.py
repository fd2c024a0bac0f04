"""The command line: one thin module a command, each named after it.

A command module holds one function of the command's name, which `main` registers. Its
imports at the top are light (`--help` imports no TensorFlow); what is heavy is imported
inside the function, after `startup.import_tensorflow()`. It raises `InputError` for
what a user got wrong, and returns an exit code, or None for 0. `main` turns errors into
lines.
"""
