"""Bodies of blocks in requests: which keys each type has, how deep they may nest, how many there may be."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.notion.code_languages import LANGUAGES
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.richtext import COLORS, MAX_EXPRESSION, MAX_URL, rich_text
from integrations.sandbox.notion.uploads import attached
from integrations.sandbox.notion.validation import (
    a_boolean,
    a_number,
    a_string,
    an_array,
    an_object,
    body_id,
    one_of,
    only_keys,
)
from integrations.sandbox.notion.world import Workspace

MAX_BLOCKS = 1000
MAX_NESTING = 2
TEXTUAL = ("paragraph", "bulleted_list_item", "numbered_list_item", "quote", "toggle")
HEADINGS = ("heading_1", "heading_2", "heading_3", "heading_4")
MEDIA = ("image", "video", "pdf", "file", "audio")
LINKS = ("embed", "bookmark")
BARE = ("divider", "breadcrumb")
PARENTS = (
    *TEXTUAL,
    *HEADINGS,
    "to_do",
    "template",
    "callout",
    "synced_block",
    "table",
    "column_list",
    "column",
)
REQUEST_TYPES = (
    *TEXTUAL, *HEADINGS, *MEDIA, *LINKS, *BARE, "to_do", "template", "callout", "synced_block", "table",
    "table_row", "column_list", "column", "code", "equation", "table_of_contents", "link_to_page",
)  # fmt: skip


class BlockReader:
    """Checks the `children` of one request and counts all blocks in them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.count = 0

    def children(self, value: Any, path: str, depth: int = 0) -> list[Json]:
        """Each as `{"type", <type>: content, "children": […]}`. Raises Notion's 400."""
        return [self._block(block, f"{path}[{at}]", depth) for at, block in enumerate(an_array(value, path))]

    def content(self, kind: str, value: Any, path: str, *, update: bool = False) -> Json:
        """What stands under the type key, without children. `update`: only what is given."""
        body = an_object(value, path)
        given = {key: value for key, value in body.items() if key != "children"}
        made = self._content(kind, given, path, update=update)
        return {key: value for key, value in made.items() if not update or key in given}

    def _block(self, value: Any, path: str, depth: int) -> Json:
        block = an_object(value, path)
        kinds = [key for key in block if key in REQUEST_TYPES]
        if len(kinds) != 1 or block.get("type", kinds[0]) != kinds[0]:
            raise invalid_body(f"{path}.{block.get('type', 'paragraph')}", "defined")
        kind = kinds[0]
        only_keys(block, ("object", "type", kind), path)
        if block.get("object", "block") != "block":
            raise invalid_body(f"{path}.object", '`"block"` or `undefined`', block["object"])
        self.count += 1
        if self.count > MAX_BLOCKS:
            raise invalid(
                f"body failed validation: body.children should have at most {MAX_BLOCKS} blocks in all."
            )
        where = f"{path}.{kind}"
        body = an_object(block[kind], where)
        children: list[Json] = []
        if "children" in body:
            if kind not in PARENTS or depth >= MAX_NESTING:
                raise invalid_body(f"{where}.children", "not present", body["children"])
            children = self.children(body["children"], f"{where}.children", depth + 1)
        made = {"type": kind, kind: self.content(kind, body, where), "children": children}
        self._check_family(made, where, has_children="children" in body)
        return made

    def _check_family(self, made: Json, path: str, *, has_children: bool) -> None:
        kind, children = made["type"], made["children"]
        content = made[kind]
        if kind == "table":
            if not children:
                raise invalid_body(f"{path}.children", "defined")
            for at, row in enumerate(children):
                if row["type"] != "table_row":
                    raise invalid_body(f"{path}.children[{at}].table_row", "defined")
                if len(row["table_row"]["cells"]) != content["table_width"]:
                    raise invalid(
                        "Content creation Failed. Number of cells in table row must match the table width."
                    )
        columns = [child for child in children if child["type"] == "column"]
        if kind == "column" and not has_children:
            raise invalid_body(f"{path}.children", "defined")
        if kind == "column_list" and (len(columns) < 2 or len(columns) < len(children)):
            raise invalid_body(f"{path}.children.length", "≥ `2`", len(columns))

    def _content(self, kind: str, body: Json, path: str, *, update: bool) -> Json:
        if kind == "paragraph":
            made = self._text(body, path, ("icon",), update=update)
            return {**made, "icon": icon_value(self._workspace, body.get("icon"), f"{path}.icon")}
        if kind in TEXTUAL:
            return self._text(body, path, (), update=update)
        if kind in HEADINGS:
            made = self._text(body, path, ("is_toggleable",), update=update)
            return {
                **made,
                "is_toggleable": a_boolean(body.get("is_toggleable", False), f"{path}.is_toggleable"),
            }
        if kind == "to_do":
            made = self._text(body, path, ("checked",), update=update)
            return {**made, "checked": a_boolean(body.get("checked", False), f"{path}.checked")}
        if kind == "callout":
            made = self._text(body, path, ("icon",), update=update)
            icon = an_object(body["icon"], f"{path}.icon") if "icon" in body else None
            return {**made, "icon": icon_value(self._workspace, icon, f"{path}.icon")}
        if kind == "template":
            only_keys(body, ("rich_text",), path)
            return {"rich_text": self._rich(body, path, update=update)}
        if kind == "code":
            only_keys(body, ("rich_text", "language", "caption"), path)
            language = body.get("language", "plain text" if update else ...)
            one_of(language, LANGUAGES, f"{path}.language")
            caption = rich_text(self._workspace, body.get("caption", []), f"{path}.caption")
            return {
                "caption": caption,
                "rich_text": self._rich(body, path, update=update),
                "language": language,
            }
        return self._other_content(kind, body, path, update=update)

    def _other_content(self, kind: str, body: Json, path: str, *, update: bool) -> Json:
        if kind in BARE:
            only_keys(body, (), path)
            return {}
        if kind == "equation":
            only_keys(body, ("expression",), path)
            return {
                "expression": a_string(body.get("expression", ...), f"{path}.expression", most=MAX_EXPRESSION)
            }
        if kind == "table_of_contents":
            only_keys(body, ("color",), path)
            return {"color": one_of(body.get("color", "default"), COLORS, f"{path}.color")}
        if kind in LINKS:
            only_keys(body, ("url", "caption"), path)
            url = a_string(body.get("url", ...), f"{path}.url", most=MAX_URL, empty=False)
            return {
                "caption": rich_text(self._workspace, body.get("caption", []), f"{path}.caption"),
                "url": url,
            }
        if kind in MEDIA:
            return self._media(body, path)
        if kind == "table":
            only_keys(body, ("table_width", "has_column_header", "has_row_header"), path)
            width = a_number(body.get("table_width", 1 if update else ...), f"{path}.table_width")
            flags = {
                key: a_boolean(body.get(key, False), f"{path}.{key}")
                for key in ("has_column_header", "has_row_header")
            }
            return {"table_width": int(width), **flags}
        if kind == "table_row":
            only_keys(body, ("cells",), path)
            cells = an_array(body.get("cells", ...), f"{path}.cells")
            return {
                "cells": [
                    rich_text(self._workspace, cell, f"{path}.cells[{at}]") for at, cell in enumerate(cells)
                ]
            }
        if kind == "link_to_page":
            only_keys(body, ("type", "page_id", "database_id", "comment_id"), path)
            target = next((key for key in ("page_id", "database_id", "comment_id") if key in body), "page_id")
            return {"type": target, target: body_id(body.get(target, ...), f"{path}.{target}")}
        if kind == "synced_block":
            only_keys(body, ("synced_from",), path)
            return {"synced_from": body.get("synced_from")}
        only_keys(body, ("width_ratio",) if kind == "column" else (), path)
        return dict(body)

    def _rich(self, body: Json, path: str, *, update: bool) -> list[Json]:
        given = body.get("rich_text", [] if update else ...)
        return rich_text(self._workspace, given, f"{path}.rich_text")

    def _text(self, body: Json, path: str, more: tuple[str, ...], *, update: bool) -> Json:
        only_keys(body, ("rich_text", "color", *more), path)
        color = one_of(body.get("color", "default"), COLORS, f"{path}.color")
        return {"rich_text": self._rich(body, path, update=update), "color": color}

    def _media(self, body: Json, path: str) -> Json:
        only_keys(body, ("type", "external", "file_upload", "caption", "name"), path)
        caption = rich_text(self._workspace, body.get("caption", []), f"{path}.caption")
        made: Json = {"caption": caption}
        if "file_upload" in body:
            file = attached(self._workspace, body["file_upload"], f"{path}.file_upload")
            made |= {"type": "file", "file": file}
        else:
            external = an_object(body.get("external", ...), f"{path}.external")
            only_keys(external, ("url",), f"{path}.external")
            url = a_string(external.get("url", ...), f"{path}.external.url", most=MAX_URL, empty=False)
            made |= {"type": "external", "external": {"url": url}}
        return made | ({"name": body["name"]} if "name" in body else {})


def icon_value(workspace: Workspace, value: Any, path: str) -> Json | None:
    """An icon or cover: emoji, external file or custom emoji; None for none."""
    if value is None:
        return None
    body = an_object(value, path)
    only_keys(body, ("type", "emoji", "external", "custom_emoji", "icon", "file_upload"), path)
    kinds = [key for key in body if key != "type"]
    if len(kinds) != 1 or body.get("type", kinds[0]) != kinds[0]:
        raise invalid_body(f"{path}.{body.get('type', 'emoji')}", "defined")
    kind = kinds[0]
    if kind == "emoji":
        return {"type": "emoji", "emoji": a_string(body["emoji"], f"{path}.emoji", most=32, empty=False)}
    if kind == "file_upload":
        return {"type": "file", "file": attached(workspace, body[kind], f"{path}.{kind}")}
    content = an_object(body[kind], f"{path}.{kind}")
    if kind == "custom_emoji":
        return {"type": kind, kind: _custom_emoji(workspace, content, f"{path}.{kind}")}
    if kind == "external":
        a_string(content.get("url", ...), f"{path}.external.url", most=MAX_URL, empty=False)
    return {"type": kind, kind: dict(content)}


def _custom_emoji(workspace: Workspace, content: Json, path: str) -> Json:
    only_keys(content, ("id", "name", "url"), path)
    found = workspace.thing("custom_emoji", body_id(content.get("id", ...), f"{path}.id"))
    if found is None:
        raise invalid(f"Could not find custom_emoji with ID: {content['id']}.")
    return {key: found[key] for key in ("id", "name", "url")}
