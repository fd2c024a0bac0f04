"""What MkDocs asks while it builds the site: pages that are made, links that leave it.

Reference pages are made from the code at each build, so they cannot be out of date.
Pages that belong elsewhere in the repository join the site from where they are. A link
to a file outside the site becomes plain text; one to a file that is nowhere is a
warning, which `--strict` refuses.
"""

import importlib.util
import logging
import os
import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "serving.md": "serving/README.md",
    "serving_mobile.md": "serving/mobile/README.md",
}
MADE = {
    "reference/commands.md": "command_reference",
    "reference/config.md": "config_reference",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")

logger = logging.getLogger("mkdocs.hooks")


def on_files(files, config):
    """Adds the pages that do not lie in docs/."""
    for uri, source in ELSEWHERE.items():
        path = str(ROOT / source)
        files.append(File.generated(config, uri, abs_src_path=path))
    for uri, script in MADE.items():
        text = _load(script).page()
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    """Points links at pages of the site wherever their files lie."""
    if page.file.abs_src_path is None:  # made: it links within the site only
        return markdown
    source = Path(page.file.abs_src_path).parent
    pages = {file.abs_src_path: file.src_uri for file in files if file.abs_src_path}

    def resolve(link: re.Match) -> str:
        picture, text, target = link.groups()
        address, _, anchor = target.partition("#")
        if not address or ":" in address:
            return link[0]
        path = (source / address).resolve()
        if str(path) in pages:
            here = Path(page.file.src_uri).parent
            there = os.path.relpath(pages[str(path)], here)
            return f"{picture}[{text}]({there}{'#' * bool(anchor)}{anchor})"
        if path.exists() and not picture:
            return text
        logger.warning("%s links to %s, which is not there", page.file.src_uri, target)
        return link[0]

    return LINK.sub(resolve, markdown)


def _load(script: str):
    path = Path(__file__).with_name(f"{script}.py")
    spec = importlib.util.spec_from_file_location(f"docs_{script}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
