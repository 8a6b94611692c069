"""`/v1/views`: made, listed, changed, deleted, and their rows read a page at a time."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from integrations.sandbox.notion.call import Call, listing
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.pagination import page_of, question_of
from integrations.sandbox.notion.routes.blocks import child_place
from integrations.sandbox.notion.sorting import compile_sorts, in_order
from integrations.sandbox.notion.uploads import exact
from integrations.sandbox.notion.validation import (
    a_string,
    an_array,
    an_object,
    body_id,
    one_of,
    only_keys,
    page_size,
    path_id,
)
from integrations.sandbox.notion.view_configuration import TYPES, configuration_of
from integrations.sandbox.notion.views import OBJECT, row_test, view_json, views_of

CREATE_KEYS = (
    "data_source_id", "name", "type", "database_id", "view_id", "create_database", "configuration", "filter",
    "sorts", "quick_filters", "position", "placement",
)  # fmt: skip
UPDATE_KEYS = ("name", "filter", "sorts", "quick_filters", "configuration")
QUERY_LIFETIME = timedelta(minutes=15)


def list_views(call: Call) -> Json:
    """Of a database or of a data source; references only."""
    given = [key for key in ("database_id", "data_source_id") if call.parameter(key) is not None]
    if not given:
        raise invalid_body("query.database_id", "defined", where="query")
    ids = {key: path_id(key, call.parameter(key) or "") for key in given}
    source = call.find("data_source", ids["data_source_id"]) if "data_source_id" in ids else None
    database_id = ids.get("database_id") or (source.obj["parent"]["database_id"] if source else "")
    found = views_of(call, call.find("database", database_id))
    if source is not None:
        found = [one for one in found if one["data_source_id"] == source.id]
    size = page_size(call.parameter("page_size"), "query")
    question = question_of("views", ids)
    page, cursor = page_of(
        call.cursors, found, lambda one: one["id"], question, call.parameter("start_cursor"), size
    )
    return listing(OBJECT, [{"object": OBJECT, "id": one["id"]} for one in page], cursor)


def create_view(call: Call) -> Json:
    """A tab of a database, a widget of a dashboard, or a linked database on a page."""
    body = call.body
    only_keys(body, CREATE_KEYS, "body")
    source = call.find("data_source", body_id(body.get("data_source_id", ...), "body.data_source_id"))
    kind = one_of(body.get("type", ...), TYPES, "body.type")
    view: Json = {
        "object": OBJECT,
        "id": str(uuid.uuid4()),
        "database_id": "",
        "data_source_id": source.id,
        "name": a_string(body.get("name", ...), "body.name"),
        "type": kind,
        "filter": None,
        "sorts": None,
        "quick_filters": None,
        "configuration": None if kind == "dashboard" else {"type": kind},
        "place": 0,
        "created_time": call.now(),
        "last_edited_time": call.now(),
        "created_by": call.signature,
        "last_edited_by": call.signature,
    }
    view |= _settings(call, view, source)
    view |= _home(call, source)
    call.workspace.put_thing(view)
    _tell(call, "created", view, {"view_type": kind})
    return view_json(call, view)


def retrieve_view(call: Call, view_id: str) -> Json:
    return view_json(call, _find(call, view_id))


def update_view(call: Call, view_id: str) -> Json:
    view = _find(call, view_id)
    only_keys(call.body, UPDATE_KEYS, "body")
    made = {**view, **_settings(call, view, call.find("data_source", view["data_source_id"]))}
    if "name" in call.body:
        made["name"] = a_string(call.body["name"], "body.name")
    changed = [key for key in ("name", "filter", "sorts", "configuration") if made[key] != view[key]]
    made |= {"last_edited_time": call.now(), "last_edited_by": call.signature}
    call.workspace.put_thing(made)
    if changed:
        _tell(call, "updated", made, {"updated_fields": changed})
    return view_json(call, made)


def delete_view(call: Call, view_id: str) -> Json:
    """For good; the last view of a database stays."""
    view = _find(call, view_id)
    if len(views_of(call, call.find("database", view["database_id"]))) == 1:
        raise invalid("Cannot delete the only view of a database.")
    call.workspace.drop_thing(view)
    _tell(call, "deleted", view, {})
    parent = {"type": "database_id", "database_id": view["database_id"]}
    return {"object": OBJECT, "id": view["id"], "parent": parent, "type": view["type"]}


def create_view_query(call: Call, view_id: str) -> Json:
    """Look at the view once; the pages of the result do not change while they are read."""
    view = _find(call, view_id)
    only_keys(call.body, ("page_size",), "body")
    size = page_size(call.body.get("page_size", ...), "body")
    source = call.find("data_source", view["data_source_id"])
    now = call.workspace.world.clock.now()
    shown = row_test(view, source.obj["properties"], now)
    rows = [
        row
        for row in call.workspace.table(source.id).shuffled()
        if not row.in_trash and not row.is_archived and shown(row) and call.sees(row.id)
    ]
    orders = compile_sorts(view["sorts"], source.obj["properties"]) if view["sorts"] else ()
    ids = [row.id for row in in_order(rows, orders)]
    query_id = str(uuid.uuid4())
    expires_at = now + QUERY_LIFETIME
    call.workspace.world.view_queries[query_id] = (view["id"], ids, expires_at)
    page, cursor = page_of(call.cursors, ids, str, question_of("view query", query_id), None, size)
    return {
        "object": "view_query",
        "id": query_id,
        "view_id": view["id"],
        "expires_at": exact(expires_at),
        "total_count": len(ids),
        "results": [{"object": "page", "id": one} for one in page],
        "next_cursor": cursor,
        "has_more": cursor is not None,
    }


def read_view_query(call: Call, view_id: str, query_id: str) -> Json:
    ids = _held_query(call, view_id, query_id)
    size = page_size(call.parameter("page_size"), "query")
    question = question_of("view query", path_id("query_id", query_id))
    page, cursor = page_of(call.cursors, ids, str, question, call.parameter("start_cursor"), size)
    return listing("page", [{"object": "page", "id": one} for one in page], cursor)


def delete_view_query(call: Call, view_id: str, query_id: str) -> Json:
    _held_query(call, view_id, query_id)
    wanted = path_id("query_id", query_id)
    del call.workspace.world.view_queries[wanted]
    return {"object": "view_query", "id": wanted, "deleted": True}


def _held_query(call: Call, view_id: str, query_id: str) -> list[str]:
    view = _find(call, view_id)
    wanted = path_id("query_id", query_id)
    held = call.workspace.world.view_queries.get(wanted)
    if held is None or held[0] != view["id"] or held[2] <= call.workspace.world.clock.now():
        raise call.missing("view_query", wanted)
    return held[1]


def _settings(call: Call, view: Json, source: Item) -> Json:
    """Filter, sorts, quick filters and configuration of a request, checked; null empties."""
    schema = source.obj["properties"]
    body = call.body
    made: Json = {}
    if "filter" in body:
        made["filter"] = None if body["filter"] is None else an_object(body["filter"], "body.filter")
    if "quick_filters" in body:
        made["quick_filters"] = _quick_filters(view, body["quick_filters"])
    row_test({**view, **made}, schema, call.workspace.world.clock.now())
    if "sorts" in body:
        made["sorts"] = None if body["sorts"] is None else an_array(body["sorts"], "body.sorts")
        if made["sorts"]:
            compile_sorts(made["sorts"], schema)
    if "configuration" in body:
        given = configuration_of(body["configuration"], view["type"], schema)
        made["configuration"] = {**(view["configuration"] or {}), **given}
    return made


def _quick_filters(view: Json, value: Any) -> Json | None:
    if value is None:
        return None
    merged = {**(view["quick_filters"] or {}), **an_object(value, "body.quick_filters")}
    return {name: condition for name, condition in merged.items() if condition is not None} or None


def _home(call: Call, source: Item) -> Json:
    """Where the view lives. Exactly one of three keys says it."""
    body = call.body
    homes = [key for key in ("database_id", "view_id", "create_database") if key in body]
    if len(homes) != 1:
        raise invalid_body("body.database_id", "defined, or body.view_id, or body.create_database: just one")
    if homes == ["create_database"]:
        return {"database_id": _linked_database(call, source)}
    if homes == ["view_id"]:
        dashboard = _find(call, body_id(body["view_id"], "body.view_id"))
        if dashboard["type"] != "dashboard":
            raise invalid("Only views of type dashboard hold other views.")
        held = call.workspace.things.get(OBJECT, {}).values()
        rows = [one["row"] for one in held if one.get("dashboard_view_id") == dashboard["id"]]
        row = _row(body.get("placement", {"type": "new_row"}), max(rows, default=-1) + 1)
        return {
            "database_id": dashboard["database_id"],
            "dashboard_view_id": dashboard["id"],
            "row": row,
            "place": dashboard["place"],
        }
    database = call.find("database", body_id(body["database_id"], "body.database_id"))
    return {"database_id": database.id, "place": _tab(call, database, body.get("position", {"type": "end"}))}


def _row(value: Any, fresh: int) -> int:
    placement = an_object(value, "body.placement")
    only_keys(placement, ("type", "row_index"), "body.placement")
    kind = one_of(placement.get("type", ...), ("new_row", "existing_row"), "body.placement.type")
    index = placement.get("row_index", fresh if kind == "new_row" else ...)
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= fresh:
        raise invalid_body("body.placement.row_index", f"between 0 and {fresh}", index)
    return fresh if kind == "new_row" else index


def _tab(call: Call, database: Item, value: Any) -> float:
    position = an_object(value, "body.position")
    only_keys(position, ("type", "view_id"), "body.position")
    kind = one_of(position.get("type", ...), ("start", "end", "after_view"), "body.position.type")
    places = [one["place"] for one in views_of(call, database)]
    if kind == "start":
        return float(min(places, default=0)) - 1
    if kind == "end":
        return float(max(places, default=0)) + 1
    after = _find(call, body_id(position.get("view_id", ...), "body.position.view_id"))
    if after["database_id"] != database.id:
        raise invalid(f"View {after['id']} is not a view of database {database.id}.")
    later = [place for place in places if place > after["place"]]
    return float(after["place"] + min(later)) / 2 if later else float(after["place"]) + 1


def _linked_database(call: Call, source: Item) -> str:
    """A database on a page that shows rows kept elsewhere."""
    given = an_object(call.body["create_database"], "body.create_database")
    only_keys(given, ("parent", "position"), "body.create_database")
    parent = an_object(given.get("parent", ...), "body.create_database.parent")
    only_keys(parent, ("type", "page_id"), "body.create_database.parent")
    page = call.find("page", body_id(parent.get("page_id", ...), "body.create_database.parent.page_id"))
    place = None
    if "position" in given:
        position = an_object(given["position"], "body.create_database.position")
        after = {"type": "after_block", "after_block": {"id": position.get("block_id", ...)}}
        place = child_place(call, page.id, after)
    database_id = str(uuid.uuid4())
    title = source.obj.get("title", [])
    names = [{"id": source.id, "name": "".join(run.get("plain_text", "") for run in title)}]
    call.workspace.put(
        "database",
        {
            "object": "database",
            "id": database_id,
            "title": title,
            "description": [],
            "parent": {"type": "page_id", "page_id": page.id},
            "is_inline": True,
            "in_trash": False,
            "is_locked": False,
            "created_time": call.now(),
            "last_edited_time": call.now(),
            "created_by": call.signature,
            "last_edited_by": call.signature,
            "data_sources": names,
            "icon": None,
            "cover": None,
            "url": f"https://www.notion.so/{uuid.UUID(database_id).hex}",
            "public_url": None,
        },
    )
    if place is not None:
        ids = [one for one in call.workspace.children[page.id] if one != database_id]
        call.workspace.order_children(page.id, [*ids[:place], database_id, *ids[place:]])
    return database_id


def _find(call: Call, view_id: str) -> Json:
    wanted = path_id("view_id", view_id)
    found = call.workspace.thing(OBJECT, wanted)
    if found is None or not call.sees(found["database_id"]):
        raise call.missing(OBJECT, wanted)
    return found


def _tell(call: Call, action: str, view: Json, more: Json) -> None:
    data = {"parent": {"id": view["database_id"], "type": "database"}, **more}
    call.workspace.world.tell(
        call.workspace, f"{OBJECT}.{action}", (OBJECT, view["id"]), data, seen_through=(view["database_id"],)
    )
