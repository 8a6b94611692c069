"""Enhanced markdown read into blocks, each with the lines it was made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.notion.block_bodies import PARENTS
from integrations.sandbox.notion.code_languages import LANGUAGES
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.inline_reading import attributes_of, id_in, long_color, runs_of

_HEADING = re.compile(r"(#{1,4}) (.*)", re.DOTALL)
_LISTED = re.compile(r"(?:(- \[([ xX])\] ?)|([-*] )|(\d+\. )|(> ?))(.*)", re.DOTALL)
_ENDING = re.compile(r'\s*\{((?:\w+="[^"]*"\s*)+)\}$')
_OPENING = re.compile(
    r'<(details|callout|columns|column|synced_block|template|table)((?:\s+[\w-]+="[^"]*")*)\s*>'
)
_MEDIA = re.compile(r'<(video|audio|pdf|file) src="([^"]*)"[^>]*>(.*)</\1>')
_IMAGE = re.compile(r"!\[(.*)\]\((\S*)\)")
_STANDING = re.compile(r'<(page|database|unknown) url="([^"]*)"[^>]*?(?:/>|>.*</\1>)')
_LINKED = re.compile(r'<mention-page url="([^"]*)"/>')
_NUMBER = re.compile(r"^\d+\. ")
HOLDERS = {
    "columns": "column_list",
    "column": "column",
    "synced_block": "synced_block",
    "template": "template",
}


@dataclass
class Node:
    """A block to be: `content` as in a request. `standing` is the id of a block that must be there already."""

    type: str
    content: Json
    children: list[Node] = field(default_factory=list)
    key: str = ""
    standing: str | None = None


def nodes_of(markdown: str) -> list[Node]:
    """The blocks of a text."""
    return _Reader(markdown.split("\n")).siblings(0, None)


def key_of(lines: list[str]) -> str:
    """Lines by which two blocks are the same: without the depth they stand at and the number they have."""
    depth = _depth(lines[0]) if lines else 0
    bare = [line[min(depth, _depth(line)) :] for line in lines if line.strip()]
    if not bare:
        return ""
    standing = _STANDING.match(bare[0])
    if standing:
        return f"standing {id_in(standing[2])}"
    return "\n".join([_NUMBER.sub("1. ", bare[0]), *(_numberless(line) for line in bare[1:])])


def _numberless(line: str) -> str:
    depth = _depth(line)
    return line[:depth] + _NUMBER.sub("1. ", line[depth:])


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip("\t"))


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def siblings(self, depth: int, until: str | None) -> list[Node]:
        """Blocks at a depth or deeper, up to a line that says `until` (which is passed over)."""
        made: list[Node] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.strip():
                self.at += 1
                continue
            if until is not None and line.strip() == until:
                self.at += 1
                return made
            if until is None and _depth(line) < depth:
                return made
            start = self.at
            node = self._block(line.lstrip("\t"), _depth(line))
            node.key = key_of(self.lines[start : self.at])
            made.append(node)
        return made

    def _block(self, text: str, depth: int) -> Node:
        self.at += 1
        if text.startswith("```"):
            return self._code(text, depth)
        if text == "$$":
            return Node("equation", {"expression": "\n".join(self._until("$$", depth))})
        opening = _OPENING.fullmatch(text.rstrip())
        if opening:
            return self._tagged(opening[1], attributes_of(opening[2]), depth)
        node = _alone(text) or _texted(text)
        if node.type in PARENTS and _may_hold(node) and self._is_deeper(depth):
            node.children = self.siblings(depth + 1, None)
        return node

    def _is_deeper(self, depth: int) -> bool:
        later = (line for line in self.lines[self.at :] if line.strip())
        return _depth(next(later, "")) > depth

    def _code(self, text: str, depth: int) -> Node:
        language = text[3:].strip().lower() or "plain text"
        body = "\n".join(self._until("```", depth))
        runs = [{"text": {"content": body[at : at + 2000]}} for at in range(0, len(body), 2000)]
        return Node(
            "code", {"language": language if language in LANGUAGES else "plain text", "rich_text": runs}
        )

    def _until(self, end: str, depth: int) -> list[str]:
        found: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line.strip() == end:
                break
            found.append(line[min(depth, _depth(line)) :])
        return found

    def _tagged(self, tag: str, given: dict[str, str], depth: int) -> Node:
        if tag == "table":
            return self._table(given)
        color = {"color": long_color(given["color"])} if "color" in given else {}
        if tag == "details":
            text = self._summary()
            children = self.siblings(depth + 1, "</details>")
            return Node("toggle", {"rich_text": runs_of(text), **color}, children)
        if tag == "callout":
            children = self.siblings(depth + 1, "</callout>")
            first = children.pop(0).content["rich_text"] if _starts_with_text(children) else []
            icon = {"icon": {"emoji": given["icon"]}} if given.get("icon") else {}
            return Node("callout", {"rich_text": first, **icon, **color}, children)
        children = self.siblings(depth + 1, f"</{tag}>")
        content: Json = {"synced_from": None} if tag == "synced_block" else {}
        return Node(HOLDERS[tag], {"rich_text": []} if tag == "template" else content, children)

    def _summary(self) -> str:
        line = self.lines[self.at].strip() if self.at < len(self.lines) else ""
        if line.startswith("<summary>") and line.endswith("</summary>"):
            self.at += 1
            return line.removeprefix("<summary>").removesuffix("</summary>")
        return ""

    def _table(self, given: dict[str, str]) -> Node:
        rows: list[list[Any]] = []
        for line in self._until("</table>", 0):
            cell = re.fullmatch(r"<td[^>]*>(.*)</td>", line.strip())
            if line.strip().startswith("<tr"):
                rows.append([])
            elif cell and rows:
                rows[-1].append(runs_of(cell[1]))
        width = max((len(row) for row in rows), default=1)
        content = {
            "table_width": width,
            "has_column_header": given.get("header-row") == "true",
            "has_row_header": given.get("header-column") == "true",
        }
        whole = [row + [[]] * (width - len(row)) for row in rows]
        return Node("table", content, [Node("table_row", {"cells": row}) for row in whole])


def _starts_with_text(nodes: list[Node]) -> bool:
    return bool(nodes) and nodes[0].type == "paragraph" and not nodes[0].children


def _may_hold(node: Node) -> bool:
    return not node.type.startswith("heading") or bool(node.content.get("is_toggleable"))


def _alone(text: str) -> Node | None:
    """Lines that are a block by themselves."""
    bare = text.strip()
    if bare == "---":
        return Node("divider", {})
    if bare == "<empty-block/>":
        return Node("paragraph", {"rich_text": []})
    if bare.startswith("<table_of_contents"):
        color = attributes_of(bare).get("color")
        return Node("table_of_contents", {"color": long_color(color)} if color else {})
    standing = _STANDING.fullmatch(bare)
    if standing and (found := id_in(standing[2])):
        return Node("standing", {}, standing=found)
    linked = _LINKED.fullmatch(bare)
    if linked and (found := id_in(linked[1])):
        return Node("link_to_page", {"page_id": found})
    image = _IMAGE.fullmatch(bare)
    if image:
        return Node("image", {"external": {"url": image[2]}, "caption": runs_of(image[1])})
    media = _MEDIA.fullmatch(bare)
    if media:
        return Node(media[1], {"external": {"url": media[2]}, "caption": runs_of(media[3])})
    return None


def _texted(text: str) -> Node:
    ending = _ENDING.search(text)
    given = attributes_of(ending[1]) if ending else {}
    body = text[: ending.start()] if ending else text
    more: Json = {"color": long_color(given["color"])} if "color" in given else {}
    heading = _HEADING.fullmatch(body)
    if heading:
        toggle = {"is_toggleable": True} if given.get("toggle") == "true" else {}
        return Node(f"heading_{len(heading[1])}", {"rich_text": runs_of(heading[2]), **more, **toggle})
    listed = _LISTED.fullmatch(body)
    if listed is None:
        return Node("paragraph", {"rich_text": runs_of(body), **more})
    rich_text = runs_of(listed[6])
    if listed[1]:
        return Node("to_do", {"rich_text": rich_text, "checked": listed[2] in "xX", **more})
    kind = "bulleted_list_item" if listed[3] else "numbered_list_item" if listed[4] else "quote"
    return Node(kind, {"rich_text": rich_text, **more})
