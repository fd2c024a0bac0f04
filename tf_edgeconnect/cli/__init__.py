"""The command line: one thin module per command.

A command is a function of the module's name, which `main` registers. Heavy imports are
inside the function, after `terminal.import_tensorflow()`, so that `--help` does not
import TensorFlow. A command raises `InputError` for wrong input, which `main` turns
into one line, and returns an exit code, or None for 0.
"""
