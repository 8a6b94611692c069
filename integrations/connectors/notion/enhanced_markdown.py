"""Notion's enhanced markdown (tabs for nesting, tags for what markdown lacks) as blocks and as our markdown; pure."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from integrations.connectors.notion.blocks.enhanced_inline import inline_markdown
from integrations.connectors.notion.blocks.languages import language_of
from integrations.connectors.notion.blocks.markdown_reader import inline_runs, is_icon
from integrations.connectors.notion.blocks.markdown_writer import markdown_of
from integrations.connectors.notion.blocks.model import (
    PLACEHOLDER,
    Block,
    Run,
    is_web,
    joined,
    label_of,
    stable_address,
)
from integrations.connectors.notion.blocks.view import flat

_ATTRIBUTES: Final = re.compile(r'\s*\{(?:[a-z_-]+="[^"]*"\s*)+\}\s*$')
_TAG: Final = re.compile(r"^<([a-z_-]+)((?:\s+[A-Za-z-]+=\"[^\"]*\")*)\s*(/?)>$")
_CLOSING: Final = re.compile(r"^</([a-z_-]+)>$")
_PAIR: Final = re.compile(r"^<([a-z_-]+)((?:\s+[A-Za-z-]+=\"[^\"]*\")*)\s*(?:/>|>(.*)</\1>)$")
_ATTRIBUTE: Final = re.compile(r'([A-Za-z-]+)="([^"]*)"')
_IMAGE: Final = re.compile(r"^!\[((?:[^\]\\]|\\.)*)\]\((.*)\)$")
_CONTAINERS: Final[Mapping[str, str]] = {
    "columns": "column_list",
    "column": "column",
    "synced_block": "synced_block",
    "synced_block_reference": "synced_block",
    "template": "template",
    "meeting-notes": "meeting_notes",
}
_MEDIA: Final = ("video", "audio", "file", "pdf", "image")


def to_markdown(text: str) -> str:
    """Text any markdown reader shows rightly: quotes for callouts, pipe tables, links for pages and files.

    Nothing a person wrote is lost; what markdown cannot say is named in a line of its own.
    """
    return markdown_of(flat(blocks_from_enhanced(text)))


def unreadable_kinds(text: str) -> set[str]:
    """Kinds of blocks the text only names, though the blocks themselves say more."""
    kinds = {match[1] for match in re.finditer(r'<unknown\b[^>]*\balt="([a-z_]+)"', text)}
    return kinds & {"bookmark", "embed", "link_preview"}


def blocks_from_enhanced(text: str) -> tuple[Block, ...]:
    """The blocks of a page as its enhanced markdown tells them, without ids. Any text can be read."""
    return tuple(_Reader(text.split("\n")).level(0, ()))


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self._lines, self._at = lines, 0

    def level(self, depth: int, until: tuple[str, ...]) -> list[Block]:
        """Blocks that stand at this depth or deeper, up to a closing tag of one of the open containers."""
        made: list[Block] = []
        while self._at < len(self._lines):
            raw = self._lines[self._at]
            line = raw.lstrip("\t")
            tabs = len(raw) - len(line)
            closing = _CLOSING.match(line.strip())
            if closing and closing[1] in until:
                break
            if line.strip() and tabs < depth and not closing:
                break
            if tabs > depth and made and line.strip() and not closing:
                below = self.level(depth + 1, until)
                made[-1] = replace(made[-1], children=(*made[-1].children, *below))
                continue
            self._at += 1
            if line.strip() and not closing:
                made += self._block(line, tabs, until)
        return made

    def _block(self, line: str, tabs: int, until: tuple[str, ...]) -> list[Block]:
        if line.startswith("```"):
            return [self._code(line, tabs)]
        if line.strip() == "$$" and (formula := self._formula()) is not None:
            return [formula]
        stripped = line.strip()
        tag = _TAG.match(stripped)
        if tag and not tag[3] and self._closes(tag[1]):
            return self._container(tag[1], _attributes(tag[2]), tabs, until)
        if tag and not tag[3] and tag[1] in (*_CONTAINERS, "callout", "table", "details"):
            return []  # a container that was cut off: what is in it is read as it stands
        if (pair := _PAIR.match(stripped)) and (block := _single(pair)) is not None:
            return [block]
        return [_plain(line)] if stripped != "<empty-block/>" else []

    def _closes(self, name: str) -> bool:
        level = 0
        for raw in self._lines[self._at :]:
            line = raw.strip()
            if line == f"</{name}>":
                if level == 0:
                    return True
                level -= 1
            elif (other := _TAG.match(line)) and other[1] == name and not other[3]:
                level += 1
        return False

    def _container(
        self, name: str, attributes: Mapping[str, str], tabs: int, until: tuple[str, ...]
    ) -> list[Block]:
        if name == "table":
            return self._table(attributes)
        if name not in (*_CONTAINERS, "callout", "details"):
            return []
        if name == "meeting-notes":
            self._skip_to(name)
            return [Block(PLACEHOLDER, label=label_of("meeting_notes"))]
        summary = self._summary() if name == "details" else None
        below = self.level(tabs + 1, (*until, name))
        self._at += 1  # the closing tag
        if name == "details":
            return [Block("toggle", runs=summary or (), children=tuple(below))]
        if name == "callout":
            return [_callout(attributes, below)]
        kind = _CONTAINERS[name]
        return [Block(PLACEHOLDER, label=label_of(kind), raw={"type": kind}, children=tuple(below))]

    def _summary(self) -> tuple[Run, ...] | None:
        if self._at >= len(self._lines):
            return None
        found = re.fullmatch(r"<summary>(.*)</summary>", self._lines[self._at].strip())
        if not found:
            return None
        self._at += 1
        return _runs(found[1])

    def _skip_to(self, name: str) -> None:
        while self._lines[self._at].strip() != f"</{name}>":
            self._at += 1
        self._at += 1

    def _code(self, fence: str, tabs: int) -> Block:
        body: list[str] = []
        while self._at < len(self._lines):
            line = self._lines[self._at].removeprefix("\t" * tabs)
            self._at += 1
            if line.strip() == "```":
                break
            body.append(line)
        return Block("code", runs=joined([Run("\n".join(body))]), language=language_of(fence.lstrip("`")))

    def _formula(self) -> Block | None:
        body: list[str] = []
        for place in range(self._at, len(self._lines)):
            line = self._lines[place].strip("\t")
            if line.strip() == "$$":
                self._at = place + 1
                return Block("equation", runs=joined([Run("\n".join(body))]))
            body.append(line)
        return None

    def _table(self, attributes: Mapping[str, str]) -> list[Block]:
        rows: list[list[tuple[Run, ...]]] = []
        others: list[Block] = []
        while (line := self._lines[self._at].strip()) != "</table>":
            self._at += 1
            if line.startswith("<tr"):
                rows.append([])
            elif line and not re.match(r"</?(?:td|tr|col|colgroup)\b", line):
                others.append(_plain(line))  # nothing a person wrote is lost
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", line):
                if rows:
                    rows[-1].append(_runs(cell))
        self._at += 1
        width = max((len(row) for row in rows), default=0)
        full = [(*row, *[()] * (width - len(row))) for row in rows]
        children = tuple(Block("table_row", cells=row) for row in full)
        table = Block("table", has_header=attributes.get("header-row") == "true", children=children)
        return [table, *others] if width else others


def _callout(attributes: Mapping[str, str], below: list[Block]) -> Block:
    icon = attributes.get("icon", "")
    first, rest = (
        (below[0], below[1:]) if below and below[0].kind == "paragraph" else (Block("paragraph"), below)
    )
    children = (*first.children, *rest)
    return Block("callout", runs=first.runs, icon=icon if is_icon(icon) else "", children=children)


def _single(pair: re.Match[str]) -> Block | None:
    """A block that is one tag: a file, a page, something nobody can say more of. None for a word in a line."""
    name, attributes = pair[1], _attributes(pair[2])
    url = attributes.get("src") or attributes.get("source") or attributes.get("url") or ""
    address = stable_address(url)
    words = "".join(run.text for run in _runs(pair[3] or ""))
    if name in _MEDIA and is_web(url):
        return Block(name, url=address, runs=joined([Run(words)]))
    if name in ("page", "database"):
        kind = "Page" if name == "page" else "Database"
        return Block(
            PLACEHOLDER, label=f"{kind}: {words or 'Untitled'}", url=address if is_web(address) else ""
        )
    if name == "unknown":
        return Block(PLACEHOLDER, label=label_of(attributes.get("alt", "")), url=address)
    if name == "table_of_contents":
        return Block(PLACEHOLDER, label=label_of(name))
    if name == "mention-page" and not words:
        return Block(PLACEHOLDER, label=label_of("link_to_page"), url=address)
    return None


def _plain(line: str) -> Block:
    text = _ATTRIBUTES.sub("", line.rstrip())
    if found := re.match(r"^(#{1,6}) (.*)$", text + " " if text.endswith("#") else text):
        return Block(f"heading_{min(len(found[1]), 4)}", runs=_runs(found[2]))
    if found := re.match(r"^[-*+] \[( |x|X)\](?: |$)(.*)$", text):
        return Block("to_do", checked=found[1] != " ", runs=_runs(found[2]))
    if found := re.match(r"^[-*+](?: |$)(.*)$", text):
        if text.strip() == "---":
            return Block("divider")
        return Block("bulleted_list_item", runs=_runs(found[1]))
    if found := re.match(r"^\d+\.(?: |$)(.*)$", text):
        return Block("numbered_list_item", runs=_runs(found[1]))
    if found := re.match(r"^>(?: |$)(.*)$", text):
        return Block("quote", runs=_runs(found[1]))
    if re.fullmatch(r"-{3,}", text.strip()):
        return Block("divider")
    if (found := _IMAGE.match(text.strip())) and is_web(found[2]):
        caption = "".join(run.text for run in _runs(found[1]))
        return Block("image", url=stable_address(found[2]), runs=joined([Run(caption)]))
    return Block("paragraph", runs=_runs(text))


def _runs(text: str) -> tuple[Run, ...]:
    runs = inline_runs(inline_markdown(text))
    return joined(replace(run, link=stable_address(run.link)) for run in runs)


def _attributes(text: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(text))
