"""`/v1/data_sources` but for queries: reading, making and changing schemas."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.sandbox.notion.block_bodies import icon_value
from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.items import Item, plain_text
from integrations.sandbox.notion.properties import empty_value, page_value, stamp
from integrations.sandbox.notion.rendering import OLD_VERSION, item_view
from integrations.sandbox.notion.retyping import retyped
from integrations.sandbox.notion.richtext import rich_text
from integrations.sandbox.notion.routes.relation_pairs import check_targets, make_partners
from integrations.sandbox.notion.schema import changed_column, column, find_property
from integrations.sandbox.notion.validation import (
    a_boolean,
    an_object,
    body_id,
    only_keys,
    path_id,
)

CREATE_KEYS = ("parent", "properties", "title", "icon")
UPDATE_KEYS = ("title", "icon", "properties", "in_trash", "parent")
MAX_PROPERTIES = 500


def retrieve_data_source(call: Call, data_source_id: str) -> Json:
    return _shown(call, call.find("data_source", path_id("data_source_id", data_source_id)))


def create_data_source(call: Call) -> Json:
    """One more table in an existing database."""
    only_keys(call.body, CREATE_KEYS, "body")
    parent = an_object(call.body.get("parent", ...), "body.parent")
    only_keys(parent, ("type", "database_id"), "body.parent")
    database = call.find("database", body_id(parent.get("database_id", ...), "body.parent.database_id"))
    title = rich_text(call.workspace, call.body.get("title", []), "body.title")
    icon = icon_value(call.workspace, call.body.get("icon"), "body.icon")
    obj = dict(database.obj) | {"data_sources": list(database.obj.get("data_sources", []))}
    source = make_data_source(call, obj, call.body.get("properties", ...), title, icon, "body.properties")
    call.workspace.put("database", obj)
    return _shown(call, make_partners(call, call.workspace.put("data_source", source)))


def make_data_source(
    call: Call, database: Json, columns: Any, title: list[Json], icon: Any, path: str
) -> Json:
    """The object, listed in `database` (which is changed); the caller puts both."""
    schema: Json = {}
    check_targets(call, columns)
    for name, config in an_object(columns, path).items():
        schema[name] = column(name, config, schema, f"{path}.{name}", by_person=call.by_person)
    titles = [prop for prop in schema.values() if prop["type"] == "title"]
    if len(titles) != 1:
        raise invalid("A data source must have exactly one property of type title.")
    source_id = str(uuid.uuid4())
    database["data_sources"].append({"id": source_id, "name": plain_text(title) or "Untitled"})
    return {
        "object": "data_source",
        "id": source_id,
        "title": title,
        "description": [],
        "parent": {"type": "database_id", "database_id": database["id"]},
        "database_parent": database["parent"],
        "is_inline": database.get("is_inline", False),
        "in_trash": False,
        "created_time": call.now(),
        "last_edited_time": call.now(),
        "created_by": call.signature,
        "last_edited_by": call.signature,
        "properties": schema,
        "icon": icon,
        "cover": None,
        "url": database.get("url", ""),
        "public_url": None,
    }


def update_data_source(call: Call, data_source_id: str) -> Json:
    """Title, icon, trash and the schema: columns added, renamed, retyped, removed, options replaced."""
    item = call.find("data_source", path_id("data_source_id", data_source_id))
    allowed = (*UPDATE_KEYS, "archived") if call.version == OLD_VERSION else UPDATE_KEYS
    only_keys(call.body, allowed, "body")
    obj = dict(item.obj)
    if "title" in call.body:
        obj["title"] = rich_text(call.workspace, call.body["title"], "body.title")
    if "icon" in call.body:
        obj["icon"] = icon_value(call.workspace, call.body["icon"], "body.icon")
    for key in ("in_trash", "archived"):
        if key in call.body:
            obj["in_trash"] = a_boolean(call.body[key], f"body.{key}")
    if "parent" in call.body:
        parent = an_object(call.body["parent"], "body.parent")
        database_id = body_id(parent.get("database_id", ...), "body.parent.database_id")
        call.find("database", database_id)
        obj["parent"] = {"type": "database_id", "database_id": database_id}
    changes: list[tuple[Json | None, Json | None]] = []
    if "properties" in call.body:
        check_targets(call, call.body["properties"])
        obj["properties"], changes = _changed_schema(call, obj["properties"], call.body["properties"])
    call.sign(obj)
    item = call.workspace.put("data_source", obj)
    if changes:
        _follow(call, item, changes)
        item = make_partners(call, item)
    if "title" in call.body:
        _rename_in_database(call, item)
    return _shown(call, item)


def _changed_schema(call: Call, old: Json, patch: Any) -> tuple[Json, list[tuple[Json | None, Json | None]]]:
    """The schema after a patch, and for each touched column what it was and what it is."""
    columns = list(old.values())
    changes: list[tuple[Json | None, Json | None]] = []
    for key, config in an_object(patch, "body.properties").items():
        path = f"body.properties.{key}"
        before = find_property(old, key)
        if before is None:
            if config is None:
                raise invalid(f"Could not find property with name or id: {key}")
            body = an_object(config, path)
            name = body.get("name", key)
            made = column(
                name,
                {k: v for k, v in body.items() if k != "name"},
                _by_id(columns),
                path,
                by_person=call.by_person,
            )
            if made["type"] == "title":
                raise invalid("A data source must have exactly one property of type title.")
            columns.append(made)
            changes.append((None, made))
        elif config is None:
            if before["type"] == "title":
                raise invalid("Cannot delete the title property.")
            columns.remove(before)
            changes.append((before, None))
        else:
            after = changed_column(before, config, path, by_person=call.by_person)
            columns[columns.index(before)] = after
            changes.append((before, after))
    names = [prop["name"] for prop in columns]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Duplicate property name: {name}")
    if len(columns) > MAX_PROPERTIES:
        raise invalid_body("body.properties.length", f"≤ `{MAX_PROPERTIES}`", len(columns))
    return {prop["name"]: prop for prop in columns}, changes


def _by_id(columns: list[Json]) -> Json:
    return {prop["id"]: prop for prop in columns}


def _follow(call: Call, source: Item, changes: list[tuple[Json | None, Json | None]]) -> None:
    """Bring the rows in line with the schema. Their edit times stay: nobody edited them."""
    with call.workspace.world.unwatched():
        _change_rows(call, source, changes)
    # Retyping may have made options.
    call.workspace.touched(source)


def _change_rows(call: Call, source: Item, changes: list[tuple[Json | None, Json | None]]) -> None:
    for row in list(call.workspace.table(source.id).rows.values()):
        values = dict(row.obj["properties"])
        for before, after in changes:
            held = values.pop(before["name"], None) if before else None
            if after is None:
                continue
            if held is None:
                values[after["name"]] = page_value(after, empty_value(after["type"], after))
            elif before and before["type"] != after["type"]:
                values[after["name"]] = page_value(after, retyped(held, after))
            else:
                values[after["name"]] = _with_option_changes(held, after)
        # In the order of the schema, as if nothing had been taken out and put in.
        ordered = {name: values.pop(name) for name in source.obj["properties"] if name in values}
        obj = {**row.obj, "properties": {**ordered, **values}}
        stamp(obj)
        call.workspace.put("page", obj)


def _with_option_changes(value: Json, prop: Json) -> Json:
    kind = prop["type"]
    if kind not in ("select", "status", "multi_select"):
        return {**value, "id": prop["id"]}
    options = {option["id"]: option for option in prop[kind]["options"]}

    def now(chosen: Json) -> Json | None:
        found = options.get(chosen["id"])
        return {key: found[key] for key in ("id", "name", "color")} if found else None

    if kind == "multi_select":
        return page_value(prop, [kept for chosen in value[kind] if (kept := now(chosen))])
    return page_value(prop, now(value[kind]) if value[kind] else None)


def _rename_in_database(call: Call, source: Item) -> None:
    database = call.workspace.item("database", source.parent_id or "")
    if database is None:
        return
    name = plain_text(source.obj["title"]) or "Untitled"
    entries = [
        {**entry, "name": name} if entry["id"] == source.id else entry
        for entry in database.obj["data_sources"]
    ]
    call.workspace.put("database", {**database.obj, "data_sources": entries})


def _shown(call: Call, item: Item) -> Json:
    return item_view(item, call.version, call.limits)
