"""Lets the reference show an `Example:` of `>>>` lines as code.

Griffe takes `Examples:` for code, and any other heading for prose.
"""

import re

import griffe

HEADING = re.compile(r"^Example:(?=\n\s*>>>)", re.MULTILINE)


class DoctestExamples(griffe.Extension):
    """Renames the heading while docstrings are read."""

    def on_instance(self, *, obj: griffe.Object, **kwargs) -> None:
        """Looks at one object."""
        if obj.docstring:
            obj.docstring.value = HEADING.sub("Examples:", obj.docstring.value)
