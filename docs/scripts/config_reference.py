"""The page of all settings, from the models: `python config_reference.py`."""

import json
from pathlib import Path
from typing import Any

from tf_edgeconnect.config import Config, config_names

HEAD = f"""# Settings

Set a value in a YAML file for `--config`, or on the command line with
`--set SECTION.NAME=VALUE`. The defaults are those of the published model; the included
configs ({", ".join(f"`{name}`" for name in config_names())}) contain only what differs
([Published and quick](../designs.md) says why).
Unknown names and invalid values are errors. *By stage* means that the value can also be
a mapping from stage to value, such as `{{edge: 3600, inpaint: 2400}}`.
"""
CONFIGS = Path(__file__).parents[2] / "configs"
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "multiple of {}",
}
WORDS = {"string": "text", "boolean": "true or false", "null": "null"}
WORDS |= {"number": "number", "integer": "integer"}
OPEN, CLOSE = '<div class="settings" markdown>', "</div>"
TABLE = ["| name | value | default | description |", "|---|---|---|---|"]


def page() -> str:
    """Writes the page as Markdown."""
    schema = Config.model_json_schema()
    plain = {name: it for name, it in schema["properties"].items() if "$ref" not in it}
    parts = [HEAD, OPEN, "", "## Top level", "", *TABLE, *_rows("", plain)]
    for name, field in schema["properties"].items():
        if "$ref" in field:
            section = schema["$defs"][field["$ref"].rpartition("/")[2]]
            parts += ["", f"## {name}", "", section["description"], ""]
            parts += [*TABLE, *_rows(f"{name}.", section["properties"])]
    parts += ["", CLOSE, "", "## Included configs", ""]
    for name in config_names():
        text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").strip()
        parts += [f"### {name}", "", "```yaml", text, "```", ""]
    return "\n".join(parts)


def _rows(prefix: str, fields: dict[str, Any]) -> list[str]:
    rows = []
    for name, field in fields.items():
        default = json.dumps(field["default"]).replace('"', "")
        text = " ".join(field["description"].split()).replace("|", "&#124;")
        rows.append(f"| `{prefix}{name}` | {_value(field)} | `{default}` | {text} |")
    return rows


def _value(field: dict[str, Any]) -> str:
    """Says in words what a JSON schema allows."""
    if choices := field.get("anyOf") or field.get("oneOf"):
        by_stage = "oneOf" in field
        if by_stage:
            choices = [it for it in choices if it.get("type") != "object"]
        text = " or ".join(map(_value, choices))
        return f"{text}; *by stage*" if by_stage else text
    if "enum" in field:
        return ", ".join(f"`{choice}`" for choice in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field["type"] == "array":
        items = field.get("prefixItems")
        if items:
            return f"[{', '.join(map(_value, items))}]"
        return f"list of {_value(field['items'])}"
    if field["type"] == "object":
        keys = _value(field["propertyNames"])
        return f"mapping from {keys} to {_value(field['additionalProperties'])}"
    limits = [LIMITS[key].format(f"{field[key]:,}") for key in LIMITS if key in field]
    return " ".join([WORDS[field["type"]], ", ".join(limits)]).strip()


if __name__ == "__main__":
    print(page())
