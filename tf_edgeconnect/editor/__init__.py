"""The sketch editor: a page on which a person draws the lines that a hole hides.

The page holds the hole and the lines; the server holds photos, under names that cannot
be guessed, and runs the networks. It is written for Python's own `http.server` and the
browser's canvas, so it needs no package and no network beyond this machine.
"""
