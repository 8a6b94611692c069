"""`POST /v1/search`: titles only, and later than the objects themselves when a lag is set."""

from __future__ import annotations

from integrations.sandbox.notion.call import Call, listing
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import Item, title_of
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.rendering import item_view
from integrations.sandbox.notion.validation import a_string, an_object, one_of, only_keys, page_size

KEYS = ("query", "sort", "filter", "start_cursor", "page_size")


def search(call: Call) -> Json:
    """Pages and data sources whose title contains the query, the latest edited first."""
    only_keys(call.body, KEYS, "body")
    sought = a_string(call.body.get("query", ""), "body.query").casefold()
    kinds = _kinds(call)
    descending = _is_descending(call)
    size = page_size(call.body.get("page_size", ...), "body")
    seen_before = call.workspace.world.clock.now().timestamp() - call.limits.search_lag_seconds
    found = [
        item
        for kind in kinds
        for item in call.workspace.items[kind].values()  # type: ignore[index]
        if not item.in_trash
        and item.known_at <= seen_before
        and (not sought or sought in title_of(item.obj).casefold())
        and call.sees(item.id)
    ]
    found.sort(key=lambda item: (item.edited, item.shuffle, item.id), reverse=descending)
    question = question_of("search", call.workspace.id, sought, kinds, descending)
    page, cursor = page_of(
        call.cursors, found, lambda item: item.id, question, call.body.get("start_cursor"), size
    )
    return listing("page_or_data_source", [_shown(call, item) for item in page], cursor)


def _shown(call: Call, item: Item) -> Json:
    return item_view(item, call.version, call.limits)


def _kinds(call: Call) -> tuple[str, ...]:
    if "filter" not in call.body:
        return ("page", "data_source")
    given = an_object(call.body["filter"], "body.filter")
    only_keys(given, ("property", "value"), "body.filter")
    one_of(given.get("property", ...), ("object",), "body.filter.property")
    return (one_of(given.get("value", ...), ("page", "data_source"), "body.filter.value"),)


def _is_descending(call: Call) -> bool:
    if "sort" not in call.body:
        return True
    given = an_object(call.body["sort"], "body.sort")
    only_keys(given, ("timestamp", "direction"), "body.sort")
    one_of(given.get("timestamp", ...), ("last_edited_time",), "body.sort.timestamp")
    return (
        one_of(given.get("direction", ...), ("ascending", "descending"), "body.sort.direction")
        == "descending"
    )
