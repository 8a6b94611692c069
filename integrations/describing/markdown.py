"""A workspace's document as markdown, with a drawing of its relations; pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from integrations.describing.document import Document, relations_of

_DIRECTIONS = {"both": "both ways", "in": "from there only", "out": "from here only"}
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def as_markdown(document: Document, *, version: int, changes: Sequence[str]) -> str:
    """The document for people: a table for each database. Names are escaped, so none can pretend to be markup."""
    workspace = document["workspace"]
    lines = [f"# {_text(workspace['name'])}", "", f"Version {version} · {_text(workspace['service'])}", ""]
    if changes:
        lines += [
            "## What is different from the version before",
            "",
            *(f"- {_text(each)}" for each in changes),
            "",
        ]
    lines += _drawing(document)
    for database in document["databases"]:
        lines += _database(database)
    return "\n".join(lines).rstrip() + "\n"


def _database(database: Mapping[str, Any]) -> list[str]:
    state = "read" if database["is_read"] else "not read"
    about = f"{database['role']}, {state}" + (f", {database['department']}" if database["department"] else "")
    lines = [f"## {_text(database['title'])}", "", _text(about), ""]
    lines += ["| Column | Type | Options or target | Fills here |", "|---|---|---|---|"]
    for column in database["columns"]:
        options = ", ".join(_text(option["name"]) for option in column["options"])
        target = column["points_to"]
        if target:
            options = f"→ {_text(target['title'])}" + ("" if target["is_shared"] else " (not shared)")
        fills = ", ".join(
            f"{_text(fill['field'].replace('_', ' '))} ({_DIRECTIONS[fill['direction']]})"
            for fill in column["fills"]
        )
        lines.append(f"| {_text(column['name'])} | {_text(column['type'])} | {options} | {fills} |")
    return [*lines, ""]


def _drawing(document: Document) -> list[str]:
    relations = relations_of(document)
    if not relations:
        return []
    names = {database["title"] for database in document["databases"]} | {
        target for _, _, target, _ in relations
    }
    ids = {name: f"d{number}" for number, name in enumerate(sorted(names))}
    lines = ["## How the databases point at one another", "", "```mermaid", "flowchart LR"]
    lines += [f'  {ids[name]}["{_label(name)}"]' for name in sorted(names)]
    lines += [
        f'  {ids[source]} -- "{_label(column)}" --> {ids[target]}' for source, column, target, _ in relations
    ]
    return [*lines, "```", ""]


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def _label(text: str) -> str:
    return " ".join(str(text).split()).replace("\\", "/").replace('"', "'").replace("`", "'")
