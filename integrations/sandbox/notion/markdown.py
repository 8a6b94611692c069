"""The content of a page as Notion's enhanced markdown: tabs for nesting, tags for what markdown lacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.inline_markdown import escaped, inline, short_color
from integrations.sandbox.notion.items import plain_text

Children = Callable[[str], list[Json]]
HEADINGS = {"heading_1": "#", "heading_2": "##", "heading_3": "###", "heading_4": "####"}
MEDIA_TAGS = {"video": "video", "audio": "audio", "pdf": "pdf", "file": "file"}
TRANSPARENT = ("column", "synced_block", "template")


@dataclass
class Markdown:
    """Collects the lines of a page; `unknown` are blocks that could not be shown."""

    children_of: Children
    unknown: list[str] = field(default_factory=list)
    is_truncated: bool = False
    left: int | None = None

    def page(self, page_id: str, most: int | None = None) -> str:
        """All content of a page or block. `most`: blocks to show; those behind are unknown."""
        self.left = most
        return "\n".join(self._lines(self.children_of(page_id), 0))

    def block(self, block: Json) -> list[str]:
        """The lines of one block with what is below it."""
        return self._block(block, 0, 1)

    def _lines(self, blocks: list[Json], depth: int) -> list[str]:
        lines: list[str] = []
        number = 0
        for block in blocks:
            number = number + 1 if block["type"] == "numbered_list_item" else 0
            lines += self._block(block, depth, number)
        return lines

    def _block(self, block: Json, depth: int, number: int) -> list[str]:
        kind = block["type"]
        content: Json = block[kind]
        indent = "\t" * depth
        if self.left is not None:
            if self.left < 1:
                self.is_truncated = True
                return self._unknown(block, kind, indent)
            self.left -= 1
        text = inline(content.get("rich_text"))
        if kind in HEADINGS:
            toggle = ' toggle="true"' if content.get("is_toggleable") else ""
            return [
                f"{indent}{HEADINGS[kind]} {text}{_attributes(content, toggle)}",
                *self._below(block, depth),
            ]
        if kind == "paragraph":
            if not text and not block["has_children"]:
                return [f"{indent}<empty-block/>"]
            return [f"{indent}{text}{_attributes(content)}", *self._below(block, depth)]
        if kind in ("bulleted_list_item", "numbered_list_item", "to_do", "quote"):
            mark = {
                "bulleted_list_item": "- ",
                "numbered_list_item": f"{number}. ",
                "to_do": "- [x] " if content.get("checked") else "- [ ] ",
                "quote": "> ",
            }[kind]
            return [f"{indent}{mark}{text}{_attributes(content)}", *self._below(block, depth)]
        if kind == "code":
            language = content.get("language", "plain text")
            body = plain_text(content.get("rich_text")).split("\n")
            return [f"{indent}```{language}", *(indent + line for line in body), f"{indent}```"]
        if kind == "table":
            return self._table(block, indent)
        return self._tagged(block, kind, content, text, depth)

    def _tagged(self, block: Json, kind: str, content: Json, text: str, depth: int) -> list[str]:
        indent = "\t" * depth
        if kind == "toggle":
            return [
                f"{indent}<details{_color(content)}>",
                f"{indent}<summary>{text}</summary>",
                *self._below(block, depth),
                f"{indent}</details>",
            ]
        if kind == "callout":
            icon = content.get("icon") or {}
            shown = f' icon="{icon["emoji"]}"' if icon.get("type") == "emoji" else ""
            head = f"{indent}<callout{shown}{_color(content)}>"
            return [head, f"{indent}\t{text}", *self._below(block, depth), f"{indent}</callout>"]
        if kind == "divider":
            return [f"{indent}---"]
        if kind == "equation":
            return [f"{indent}$$", f"{indent}{content['expression']}", f"{indent}$$"]
        if kind == "column_list":
            return [f"{indent}<columns>", *self._below(block, depth), f"{indent}</columns>"]
        if kind in TRANSPARENT:
            tag = kind.replace("_block", "_block")
            return [f"{indent}<{tag}>", *self._below(block, depth), f"{indent}</{tag}>"]
        if kind == "table_of_contents":
            return [f"{indent}<table_of_contents{_color(content)}/>"]
        return self._linked(block, kind, content, indent)

    def _linked(self, block: Json, kind: str, content: Json, indent: str) -> list[str]:
        if kind == "image":
            return [f"{indent}![{inline(content.get('caption'))}]({_address(content)})"]
        if kind in MEDIA_TAGS:
            tag = MEDIA_TAGS[kind]
            return [f'{indent}<{tag} src="{_address(content)}">{inline(content.get("caption"))}</{tag}>']
        if kind in ("child_page", "child_database"):
            tag = "page" if kind == "child_page" else "database"
            address = f"https://www.notion.so/{block['id'].replace('-', '')}"
            return [f'{indent}<{tag} url="{address}">{escaped(content["title"])}</{tag}>']
        if kind == "link_to_page":
            target = content.get(content.get("type", "page_id"), "")
            return [f'{indent}<mention-page url="https://www.notion.so/{target.replace("-", "")}"/>']
        return self._unknown(block, kind, indent)

    def _unknown(self, block: Json, kind: str, indent: str) -> list[str]:
        self.unknown.append(block["id"])
        return [f'{indent}<unknown url="https://www.notion.so/{block["id"].replace("-", "")}" alt="{kind}"/>']

    def _below(self, block: Json, depth: int) -> list[str]:
        return self._lines(self.children_of(block["id"]), depth + 1) if block["has_children"] else []

    def _table(self, block: Json, indent: str) -> list[str]:
        content = block["table"]
        flags = "".join(
            f' {name}="true"'
            for name, key in (("header-row", "has_column_header"), ("header-column", "has_row_header"))
            if content.get(key)
        )
        lines = [f"{indent}<table{flags}>"]
        for row in self.children_of(block["id"]):
            cells = [f"{indent}<td>{inline(cell)}</td>" for cell in row["table_row"]["cells"]]
            lines += [f"{indent}<tr>", *cells, f"{indent}</tr>"]
        return [*lines, f"{indent}</table>"]


def _attributes(content: Json, more: str = "") -> str:
    attributes = f"{more}{_color(content)}".strip()
    return f" {{{attributes}}}" if attributes else ""


def _color(content: Json) -> str:
    color: Any = content.get("color", "default")
    return "" if color == "default" else f' color="{short_color(color)}"'


def _address(content: Json) -> str:
    held: Any = content.get(content.get("type", "external")) or {}
    return str(held.get("url", ""))
