"""The pages say what there is: commands, settings, Python names and files."""

import ast
import importlib
import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer

import tf_edgeconnect as ec
from tf_edgeconnect.cli import main
from tf_edgeconnect.config import Config, load_config
from tf_edgeconnect.config.files import DEFAULT

ROOT = Path(__file__).parents[1]
PAGES = [
    *ROOT.glob("*.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "serving").rglob("*.md")),
]
TEXTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in PAGES}
BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PROGRAM = re.compile(r"(?:^|[\s(;])(?:tf-edgeconnect|python tools/(\w+)\.py)(?= ) *")
SETTING = re.compile(rf"({'|'.join(Config.model_fields)})\.([a-z]\w*)(?:[=: ].*)?")
FILES = {"h5", "jpg", "json", "png", "py", "yaml", "yml"}  # `model.json` is no setting
GROUP = typer.main.get_command(main.app)
COMMANDS = GROUP.commands
OPTIONS = {"--help", "-h"}.union(*(option.opts for option in GROUP.params))


def blocks(text, *languages):
    """Yields the fenced blocks of these languages."""
    for _, language, content in BLOCK.findall(text):
        if language in languages:
            yield content


def spans(text):
    """Yields what stands between single backticks, outside blocks."""
    yield from SPAN.findall(BLOCK.sub("", text))


def words(line):
    """Splits a command line up to what the shell itself takes: `;`, `|`, `>`, `)`."""
    line = re.sub(r"(^|\s)#.*", "", line)
    if line.count("'") % 2:  # the end of `bash -c '...'`
        line = line[: line.rindex("'")]
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, found = True, []
    for word in lexer:
        if set(word) & set(";&|<>()"):
            break
        found.append(word)
    return found


def lines(text):
    """Yields the lines of a page's commands, continued ones as one."""
    for block in blocks(text, "", "sh", "bash", "yaml"):
        yield from re.sub(r"\\\n\s*", "", block).splitlines()


def commands(text):
    """Yields the words behind the program's name, a list a command."""
    for line in lines(text):
        if found := PROGRAM.search(line):
            tool = [found[1].replace("_", "-")] if found[1] else []
            yield tool + words(line[found.end() :])


def unknown(arguments):
    """Says what a command has not: its name, an option, a value."""
    name, *rest = arguments
    if name.startswith("-"):
        return None if name in OPTIONS else name
    if name not in COMMANDS:
        return f"no command {name}"
    if {"--help", "-h", "..."} & set(rest):
        return None
    try:
        context = COMMANDS[name].make_context(name, list(rest))
    except typer.TyperException as error:
        return getattr(error, "format_message", error.__str__)()
    settings = context.params.get("set_") or ()
    config = context.params.get("config") or DEFAULT
    try:
        load_config(None if "." in config else config, settings)
    except ec.InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("page", TEXTS)
def test_every_command_of_a_page_is_one_that_the_program_takes(page):
    wrong = [(given, unknown(given)) for given in commands(TEXTS[page])]
    assert [(given, reason) for given, reason in wrong if reason] == []


def test_commands_are_found_and_judged():
    page = (
        "```sh\nwhile tf-edgeconnect train --stage edge \\\n  --fresh; do :; done\n"
        "python tools/convert.py weights/ -o mine/  # some\n"
        "tf-edgeconnect inpaint photo.jpg mask.png --ouput out.png &\n```\n"
        "```text\ntf-edgeconnect 0.1.0\n```\n"
    )
    found = list(commands(page))
    assert found == [
        ["train", "--stage", "edge", "--fresh"],
        ["convert", "weights/", "-o", "mine/"],
        ["inpaint", "photo.jpg", "mask.png", "--ouput", "out.png"],
    ]
    assert unknown(found[0]) is None and unknown(found[1]) is None
    assert "--ouput" in unknown(found[2])
    assert "no command trian" in unknown(["trian"])
    assert "train.stepz" in unknown(
        ["train", "--stage", "edge", "--set", "train.stepz=1"]
    )
    assert "plces" in unknown(["train", "--stage", "edge", "--config", "plces"])


def test_there_are_commands_to_judge():
    assert sum(len(list(commands(text))) for text in TEXTS.values()) > 60


@pytest.mark.parametrize("page", TEXTS)
def test_commands_within_sentences_have_their_options(page):
    wrong = []
    for span in spans(TEXTS[page]):
        if found := PROGRAM.match(span):
            name, *rest = words(span[found.end() :])
            options = {word.split("=")[0] for word in rest if word.startswith("--")}
            known = set(OPTIONS)
            if name in COMMANDS:
                known.update(*(option.opts for option in COMMANDS[name].params))
            is_name = name in COMMANDS or name.startswith("-") or name == "COMMAND"
            if options - known or not is_name:
                wrong.append(span)
    assert wrong == []


@pytest.mark.parametrize("page", TEXTS)
def test_settings_that_a_page_names_exist(page):
    wrong = []
    for span in spans(TEXTS[page]):
        found = SETTING.fullmatch(span)
        if found and found[2] not in FILES:
            section = Config.model_fields[found[1]].annotation
            if found[2] not in section.model_fields:
                wrong.append(span)
    assert wrong == []


@pytest.mark.parametrize("page", TEXTS)
def test_python_of_a_page_parses_and_names_what_there_is(page):
    for block in blocks(TEXTS[page], "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "ec" or node.attr in ec.__all__, node.attr


def test_the_reference_has_every_public_name():
    shown = []
    for page in sorted((ROOT / "docs" / "reference").glob("*.md")):
        for path in re.findall(r"^::: (\S+)", page.read_text("utf-8"), re.MULTILINE):
            home, _, name = path.rpartition(".")
            shown.append(getattr(importlib.import_module(home), name, None))
            if shown[-1] is None:
                shown[-1] = importlib.import_module(path)
    missing = [
        name
        for name in ec.__all__
        if name != "__version__" and not any(getattr(ec, name) is it for it in shown)
    ]
    assert missing == []


def made_page(script):
    """The page that a script of docs/scripts makes."""
    path = ROOT / "docs" / "scripts" / f"{script}.py"
    spec = importlib.util.spec_from_file_location(script, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.page()


def test_the_settings_page_has_every_setting_with_value_default_and_what_it_is():
    page = made_page("config_reference")
    for name, section in Config.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {})
        for field, about in fields.items():
            row = next(
                row
                for row in page.splitlines()
                if row.startswith(f"| `{name}.{field}`")
            )
            _, _, value, default, what, _ = re.split(r"(?<!\\)\|", row)
            assert value.strip() and default.strip()
            assert what.strip() == " ".join(about.description.split())
    assert "| `data.size` | integer ≥ 24, multiple of 4 | `256` |" in page
    assert "| `train.lower_by` | number > 0, < 1 | `0.1` |" in page
    assert "| `edge.source` | `canny`, `external` | `canny` |" in page
    assert "| `train.steps` | integer ≥ 1; *by stage* | `2000000` |" in page


def test_the_command_page_has_every_command_and_option():
    page = made_page("command_reference")
    for name, command in COMMANDS.items():
        _, found, rest = page.partition(f"\n## {name}\n")
        assert found, name
        section = rest.partition("\n## ")[0]
        for parameter in command.params:
            names = [it for it in parameter.opts if it.startswith("-")]
            assert all(it in section for it in names), (name, names)


def test_links_of_the_readme_lead_somewhere():
    targets = re.findall(r"\]\(([^)#\s]+)", TEXTS["README.md"])
    local = [target for target in targets if "://" not in target]
    assert len(local) > 10
    assert [target for target in local if not (ROOT / target).exists()] == []


def test_the_citation_names_this_version():
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert re.findall(r"^version: (.+)$", text, re.MULTILINE) == [ec.__version__]


def test_what_pages_ask_make_for_it_can_make():
    text = (ROOT / "Makefile").read_text()
    declared = re.search(r"^\.PHONY: (.*)", text, re.MULTILINE)[1].split()
    targets = re.findall(r"^([a-z]+):.* ## .*\n\t", text, re.MULTILINE)
    assert sorted(targets) == sorted(declared)
    pages = [*TEXTS.values(), (ROOT / ".ci" / "run").read_text()]
    asked = {name for page in pages for name in re.findall(r"\bmake ([a-z]+)\b", page)}
    spoken = asked & set(targets)
    assert {"demo", "test", "docs", "notebooks", "bench", "lint"} <= spoken
