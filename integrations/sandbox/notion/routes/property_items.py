"""`GET /v1/pages/{id}/properties/{property}`: whole values, lists a page at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.validation import page_size, path_id

PAGED_TYPES = ("title", "rich_text", "relation", "people")


def retrieve_property(call: Call, page_id: str, property_id: str) -> Json:
    """A single item, or a list of items for title, text, relation, people and rollups of lists."""
    item = call.find("page", path_id("page_id", page_id))
    size = page_size(call.parameter("page_size"), "query")
    wanted = unquote(property_id)
    value = next((v for v in item.obj["properties"].values() if unquote(v["id"]) == wanted), None)
    value = value or item.obj["properties"].get(property_id)
    if value is None:
        raise invalid(f"{property_id} is not a property that exists.")
    kind = value["type"]
    if kind in PAGED_TYPES:
        entries = [{"type": kind, kind: entry} for entry in value[kind]]
        return _list(call, page_id, value, entries, size, {kind: {}})
    if kind == "rollup" and (value["rollup"] or {}).get("type") == "array":
        rollup = value["rollup"]
        return _list(call, page_id, value, rollup["array"], size, {"rollup": {**rollup, "array": []}})
    return {"object": "property_item", "type": kind, "id": value["id"], kind: value[kind]}


def _list(call: Call, page_id: str, value: Json, entries: list[Json], size: int, empty: Json) -> Json:
    numbered = list(enumerate(entries))
    question = question_of("property", page_id, value["id"])
    page, cursor = page_of(
        call.cursors, numbered, lambda pair: pair[0], question, call.parameter("start_cursor"), size
    )
    next_url: Any = None
    if cursor is not None:
        prop = quote(unquote(value["id"]), safe="")
        next_url = f"https://api.notion.com/v1/pages/{page_id}/properties/{prop}?start_cursor={cursor}"
    return {
        "object": "list",
        "results": [{"object": "property_item", "id": value["id"], **entry} for _, entry in page],
        "next_cursor": cursor,
        "has_more": cursor is not None,
        "type": "property_item",
        "property_item": {"id": value["id"], "next_url": next_url, "type": value["type"], **empty},
    }
