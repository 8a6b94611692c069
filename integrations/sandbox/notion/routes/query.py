"""`POST /v1/data_sources/{id}/query`: the one call a sync lives on."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.filters import compile_filter, every_row
from integrations.sandbox.notion.items import Item, Table
from integrations.sandbox.notion.pagination import Place, question_of
from integrations.sandbox.notion.rendering import OLD_VERSION, dumped, item_json, item_view
from integrations.sandbox.notion.schema import find_property
from integrations.sandbox.notion.sorting import Order, compile_sorts, in_order, position_after, sort_key
from integrations.sandbox.notion.validation import (
    a_boolean,
    one_of,
    only_keys,
    page_size,
    path_id,
)

KEYS = ("filter", "sorts", "start_cursor", "page_size", "result_type", "in_trash", "is_archived")
INCOMPLETE = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}


@dataclass(frozen=True)
class Page:
    rows: list[Item]
    next_cursor: str | None
    is_incomplete: bool


def query_data_source(call: Call, data_source_id: str) -> bytes:
    """A page of rows, serialised from what was kept of each row."""
    source = call.find("data_source", path_id("data_source_id", data_source_id))
    allowed = (*KEYS, "archived") if call.version == OLD_VERSION else KEYS
    only_keys(call.body, allowed, "body")
    _check_flags(call)
    size = page_size(call.body.get("page_size", ...), "body")
    only = _wanted_properties(call, source)
    page = _page(call, source, size)
    if only is None:
        results = [item_json(call.workspace, row, call.version, call.limits) for row in page.rows]
    else:
        results = [dumped(item_view(row, call.version, call.limits, only)) for row in page.rows]
    tail: Json = {
        "next_cursor": page.next_cursor,
        "has_more": page.next_cursor is not None,
        "type": "page_or_data_source",
        "page_or_data_source": {},
    }
    if page.is_incomplete:
        tail["request_status"] = INCOMPLETE
    return b'{"object":"list","results":[' + b",".join(results) + b"]," + dumped(tail)[1:]


def _page(call: Call, source: Item, size: int) -> Page:
    schema = source.obj["properties"]
    orders = compile_sorts(call.body["sorts"], schema) if "sorts" in call.body else ()
    given = {key: value for key, value in call.body.items() if key not in ("start_cursor", "page_size")}
    question = question_of("query", source.id, call.connection.id if call.connection else None, given)
    table = call.workspace.table(source.id)
    place = call.cursors.place(call.body.get("start_cursor"), question)
    rows = _rows(call, source, table, orders, question)
    start, reached = 0, 0
    if place is not None:
        reached = place.offset
        start = place.offset
        if place.generation != table.generation and call.limits.cursor_mode == "keyset":
            start = position_after(rows, orders, place.last_key)
    cap = call.limits.result_cap
    shown = rows[start : start + min(size, cap - reached)]
    end = start + len(shown)
    if end >= len(rows):
        return Page(shown, None, is_incomplete=False)
    if reached + len(shown) >= cap:
        return Page(shown, None, is_incomplete=True)
    next_place = Place(question, reached + len(shown), sort_key(orders, shown[-1]), table.generation)
    return Page(shown, call.cursors.give(next_place), is_incomplete=False)


def _rows(call: Call, source: Item, table: Table, orders: tuple[Order, ...], question: str) -> list[Item]:
    """All rows that answer, in order; remembered until a row changes, a day passes or sharing changes."""
    now = call.workspace.world.clock.now()
    connection = call.connection
    sees_all = connection is None or (connection.shares_everything and not connection.unshared)
    key = f"{now:%Y-%m-%d} {question}"
    known = table.remembered(key) if sees_all else None
    # Checked also when the rows are known: the answer to a bad filter does not depend on luck.
    matches = (
        compile_filter(call.body["filter"], source.obj["properties"], now)
        if "filter" in call.body
        else every_row
    )
    in_trash = _flag(call, "in_trash") or _flag(call, "archived")
    is_archived = _flag(call, "is_archived")
    if "result_type" in call.body:
        kind = one_of(call.body["result_type"], ("page", "data_source"), "body.result_type")
        if kind == "data_source":
            return []  # rows of wikis only, which the sandbox does not have
    if known is not None:
        return known
    rows = [
        row
        for row in table.shuffled()
        if row.in_trash is in_trash
        and row.is_archived is is_archived
        and matches(row)
        and (sees_all or call.sees(row.id))
    ]
    rows = in_order(rows, orders)
    if sees_all:
        table.remember(key, rows)
    return rows


def _check_flags(call: Call) -> None:
    """Notion's page and Notion's client do not agree on the name of the flag."""
    known = call.workspace.world.questions.query_trash
    for name in ("in_trash", "is_archived"):
        if name in call.body and known not in ("either", name):
            raise invalid_body(f"body.{name}", "not present", call.body[name])


def _flag(call: Call, name: str) -> bool:
    return name in call.body and a_boolean(call.body[name], f"body.{name}")


def _wanted_properties(call: Call, source: Item) -> frozenset[str] | None:
    names = [
        name
        for key, values in call.query.items()
        if key.split("[")[0] == "filter_properties"
        for name in values
    ]
    if not names:
        return None
    found = []
    for name in names:
        prop = find_property(source.obj["properties"], name)
        if prop is None:
            raise invalid(f"Could not find property with name or id: {name}")
        found.append(prop["id"])
    return frozenset(found)
