"""Page bodies: a few lines of light markup become Notion blocks, nested by two spaces of indent a level.

Markup, one block a line: `# `, `## `, `### ` headings · `- ` bullet · `1. ` numbered · `[ ] ` and `[x] `
to-do · `> ` quote · `! 🔥 ` callout with its emoji · `| a | b |` table row, the first one being the header ·
`---` divider · a fence of three backticks with a language · anything else a paragraph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from integrations.sandbox.notion.content.values import Json, Member, block, emoji, plain, rich

FENCE = "```"


@dataclass(slots=True)
class Node:
    """One block before it has an id: its Notion type, its content and what is nested below it."""

    kind: str
    content: Json
    children: list[Node] = field(default_factory=list)


def _prefixed(line: str, people: dict[str, Member]) -> Node:
    """Return the block that one unindented line of markup stands for."""
    head, _, rest = line.partition(" ")
    match head:
        case "#" | "##" | "###":
            content: Json = {"rich_text": rich(rest, people), "color": "default", "is_toggleable": False}
            return Node(f"heading_{len(head)}", content)
        case "-":
            return Node("bulleted_list_item", {"rich_text": rich(rest, people), "color": "default"})
        case "1.":
            return Node("numbered_list_item", {"rich_text": rich(rest, people), "color": "default"})
        case "[" | "[x]":
            is_checked = head == "[x]"
            rest = rest if is_checked else rest.removeprefix("] ")
            return Node("to_do", {"rich_text": rich(rest, people), "color": "default", "checked": is_checked})
        case ">":
            return Node("quote", {"rich_text": rich(rest, people), "color": "default"})
        case "!":
            icon, _, words = rest.partition(" ")
            content = {"rich_text": rich(words, people), "color": "gray_background", "icon": emoji(icon)}
            return Node("callout", content)
        case "---":
            return Node("divider", {})
    return Node("paragraph", {"rich_text": rich(line, people), "color": "default"})


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _table(rows: Sequence[str], people: dict[str, Member]) -> Node:
    """Return a table whose rows are all as wide as the header."""
    grid = [_cells(row) for row in rows]
    width = len(grid[0])
    content: Json = {"table_width": width, "has_column_header": True, "has_row_header": False}
    children = [
        Node("table_row", {"cells": [rich(cell, people) for cell in (*row, *[""] * width)[:width]]})
        for row in grid
    ]
    return Node("table", content, children)


def parse(source: str, people: dict[str, Member]) -> list[Node]:
    """Turn markup into a tree of blocks; a line indented further than its parent hangs below it."""
    roots: list[Node] = []
    open_nodes: list[tuple[int, Node]] = []
    lines = [line for line in source.splitlines() if line.strip()]
    at = 0
    while at < len(lines):
        line = lines[at]
        words = line.lstrip()
        depth = (len(line) - len(words)) // 2
        at += 1
        if words.startswith(FENCE):
            end = next((i for i in range(at, len(lines)) if lines[i].strip() == FENCE), len(lines))
            code = "\n".join(lines[at:end])
            node = Node(
                "code",
                {
                    "rich_text": plain(code),
                    "caption": [],
                    "language": words.removeprefix(FENCE).strip() or "plain text",
                },
            )
            at = end + 1
        elif words.startswith("|"):
            end = next(
                (i for i in range(at, len(lines)) if not lines[i].lstrip().startswith("|")), len(lines)
            )
            node = _table([words, *lines[at:end]], people)
            at = end
        else:
            node = _prefixed(words, people)
        open_nodes = [(level, parent) for level, parent in open_nodes if level < depth]
        (open_nodes[-1][1].children if open_nodes else roots).append(node)
        open_nodes.append((depth, node))
    return roots


def blocks(
    nodes: Sequence[Node],
    *,
    parent: Json,
    new_id: Callable[[], str],
    moment: str,
    user_id: str,
) -> Iterator[Json]:
    """Yield block objects in reading order, each parent before its children."""
    for node in nodes:
        block_id = new_id()
        yield block(
            block_id=block_id,
            parent=parent,
            kind=node.kind,
            content=node.content,
            moment=moment,
            user_id=user_id,
            has_children=bool(node.children),
        )
        if node.children:
            below: Json = {"type": "block_id", "block_id": block_id}
            yield from blocks(node.children, parent=below, new_id=new_id, moment=moment, user_id=user_id)
