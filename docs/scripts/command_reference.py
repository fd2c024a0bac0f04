"""The page of all commands, from the program itself: `python command_reference.py`."""

import typer

from tf_edgeconnect.cli.main import PROGRAM, app

HEAD = f"""# Commands

The output of `{PROGRAM} COMMAND --help` for every command. Exit codes: 0 success; 1
some items failed, each named; 2 wrong usage or input, with a one-line message; 75
saved but not finished: run the command again; 130 interrupted.
"""


def page() -> str:
    """Writes the page as Markdown."""
    program = typer.main.get_command(app)
    parts = [_section(name, program.commands[name]) for name in program.commands]
    return "\n".join([HEAD, *parts])


def _section(name: str, command) -> str:
    context = command.make_context(f"{PROGRAM} {name}", [], resilient_parsing=True)
    lines = [f"## {name}", "", command.help.strip(), ""]
    lines += ["```text", command.get_usage(context).removeprefix("Usage: "), "```", ""]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and parameter.name != "help":
            head, text = (" ".join(part.split()) for part in record)
            text = text.replace("[", "\\[")
            lines += [f"`{head}`", f":   {text}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page())
