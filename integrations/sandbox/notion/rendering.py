"""Objects as an answer shows them: flags of the API version, references cut at 25, serialised once."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import CHILD_BLOCK_TYPES, Item, title_of
from integrations.sandbox.notion.limits import Limits
from integrations.sandbox.notion.world import Workspace

VERSION = "2026-03-11"
OLD_VERSION = "2025-09-03"
VERSIONS = (VERSION, OLD_VERSION)
NEW_NOTES, OLD_NOTES = "meeting_notes", "transcription"  # the older version's name for the same block
CUT_TYPES = ("relation", "people", "rich_text", "title")


def dumped(value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a sign: only as an escape can it travel
        return json.dumps(value, separators=(",", ":")).encode()


def item_json(workspace: Workspace, item: Item, version: str, limits: Limits) -> bytes:
    """The object as bytes; kept until the object changes."""
    if item.kind == "block":
        return dumped(block_view(workspace, item.id, version))
    key = (version, limits.reference_cap)
    made = item.json.get(key)
    if made is None:
        view = item_view(item, version, limits)
        if workspace.world.window_url and "url" in view:
            view["url"] = f"{workspace.world.window_url}/{item.id}"
        made = item.json[key] = dumped(view)
    return made


def item_view(item: Item, version: str, limits: Limits, only: Collection[str] | None = None) -> Json:
    """A page, database or data source. `only`: ids of the properties to show."""
    view = _with_flags(item.obj, version)
    if item.kind == "page":
        properties: Json = {}
        for name, value in item.obj["properties"].items():
            if only is None or value["id"] in only:
                properties[name] = _cut(value, limits.reference_cap)
        view["properties"] = properties
    return view


def block_view(workspace: Workspace, block_id: str, version: str) -> Json | None:
    """A block, or the block that stands for a page or database; None when there is neither."""
    stored = workspace.item("block", block_id)
    page = workspace.item("page", block_id) or workspace.item("database", block_id)
    if stored is None and page is None:
        return None
    view = _with_flags(stored.obj if stored else _standing_for(page), version)  # type: ignore[arg-type]
    if version == OLD_VERSION and view["type"] == NEW_NOTES:
        content = view.pop(NEW_NOTES)
        view = {**view, "type": OLD_NOTES, OLD_NOTES: content}
    if page is not None and view["type"] in CHILD_BLOCK_TYPES:
        view[view["type"]] = {"title": title_of(page.obj)}
        view["in_trash"] = page.in_trash
    if block_id in workspace.children:
        view["has_children"] = any(not is_trashed(workspace, one) for one in workspace.children[block_id])
    return view


def is_trashed(workspace: Workspace, block_id: str) -> bool:
    """Whether a child is in the trash (or gone)."""
    for kind in ("page", "database", "block"):
        found = workspace.items[kind].get(block_id)
        if found is not None:
            return found.in_trash
    return True


def _standing_for(item: Item) -> Json:
    kind = "child_page" if item.kind == "page" else "child_database"
    shown = ("id", "parent", "created_time", "last_edited_time", "created_by", "last_edited_by")
    return {
        "object": "block",
        **{key: item.obj[key] for key in shown if key in item.obj},
        "has_children": False,
        "in_trash": item.in_trash,
        "type": kind,
        kind: {"title": title_of(item.obj)},
    }


def _with_flags(obj: Json, version: str) -> Json:
    view = dict(obj)
    if version == OLD_VERSION:
        # One key the newest version has dropped, with the meaning `in_trash` has now.
        view["archived"] = bool(obj.get("in_trash"))
    return view


def _cut(value: Json, cap: int) -> Json:
    kind = value["type"]
    if kind not in CUT_TYPES:
        return value
    held = value[kind]
    if len(held) > cap:
        return {**value, kind: held[:cap], "has_more": True}
    if kind == "relation":
        return {**value, "has_more": False}
    if "has_more" in value:
        return {key: held for key, held in value.items() if key != "has_more"}
    return value
