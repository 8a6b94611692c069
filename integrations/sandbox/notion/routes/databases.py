"""`/v1/databases`: containers of data sources."""

from __future__ import annotations

import uuid

from integrations.sandbox.notion.block_bodies import icon_value
from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.rendering import OLD_VERSION, item_view
from integrations.sandbox.notion.richtext import rich_text
from integrations.sandbox.notion.routes.data_sources import make_data_source
from integrations.sandbox.notion.routes.relation_pairs import make_partners
from integrations.sandbox.notion.validation import (
    a_boolean,
    an_object,
    body_id,
    named_type,
    one_of,
    only_keys,
    path_id,
)

CREATE_KEYS = ("parent", "title", "description", "is_inline", "initial_data_source", "icon", "cover")
UPDATE_KEYS = ("parent", "title", "description", "is_inline", "icon", "cover", "in_trash", "is_locked")


def retrieve_database(call: Call, database_id: str) -> Json:
    return _shown(call, call.find("database", path_id("database_id", database_id)))


def create_database(call: Call) -> Json:
    """A database with one data source."""
    only_keys(call.body, CREATE_KEYS, "body")
    parent = _parent(call)
    first = an_object(call.body.get("initial_data_source", {}), "body.initial_data_source")
    only_keys(first, ("properties",), "body.initial_data_source")
    database_id = str(uuid.uuid4())
    obj: Json = {
        "object": "database",
        "id": database_id,
        "title": rich_text(call.workspace, call.body.get("title", []), "body.title"),
        "description": rich_text(call.workspace, call.body.get("description", []), "body.description"),
        "parent": parent,
        "is_inline": a_boolean(call.body.get("is_inline", False), "body.is_inline"),
        "in_trash": False,
        "is_locked": False,
        "created_time": call.now(),
        "last_edited_time": call.now(),
        "created_by": call.signature,
        "last_edited_by": call.signature,
        "data_sources": [],
        "icon": icon_value(call.workspace, call.body.get("icon"), "body.icon"),
        "cover": icon_value(call.workspace, call.body.get("cover"), "body.cover"),
        "url": f"https://www.notion.so/{uuid.UUID(database_id).hex}",
        "public_url": None,
    }
    properties = first.get("properties", {"Name": {"title": {}}})
    source = make_data_source(
        call, obj, properties, obj["title"], obj["icon"], "body.initial_data_source.properties"
    )
    item = call.workspace.put("database", obj)
    make_partners(call, call.workspace.put("data_source", source))
    return _shown(call, item)


def update_database(call: Call, database_id: str) -> Json:
    item = call.find("database", path_id("database_id", database_id))
    allowed = (*UPDATE_KEYS, "archived") if call.version == OLD_VERSION else UPDATE_KEYS
    only_keys(call.body, allowed, "body")
    obj = dict(item.obj)
    for key in ("title", "description"):
        if key in call.body:
            obj[key] = rich_text(call.workspace, call.body[key], f"body.{key}")
    for key in ("icon", "cover"):
        if key in call.body:
            obj[key] = icon_value(call.workspace, call.body[key], f"body.{key}")
    for key in ("is_inline", "is_locked", "in_trash", "archived"):
        if key in call.body:
            obj["in_trash" if key == "archived" else key] = a_boolean(call.body[key], f"body.{key}")
    if "parent" in call.body:
        obj["parent"] = _parent(call)
    call.sign(obj)
    return _shown(call, call.workspace.put("database", obj))


def _parent(call: Call) -> Json:
    parent = an_object(call.body.get("parent", ...), "body.parent")
    only_keys(parent, ("type", "page_id", "workspace"), "body.parent")
    one_of(parent.get("type", ...), ("page_id", "workspace"), "body.parent.type")
    named_type(parent, "page_id" if "page_id" in parent else "workspace", "body.parent")
    if "page_id" in parent:
        page_id = body_id(parent["page_id"], "body.parent.page_id")
        call.find("page", page_id)
        return {"type": "page_id", "page_id": page_id}
    if parent.get("workspace") is True:
        if not call.by_person:
            raise invalid("Internal integrations cannot create databases at the top of a workspace.")
        return {"type": "workspace", "workspace": True}
    raise invalid_body("body.parent.page_id", "defined")


def _shown(call: Call, item: Item) -> Json:
    view = item_view(item, call.version, call.limits)
    sources = [entry for entry in item.obj.get("data_sources", []) if _is_shown(call, entry["id"])]
    view["data_sources"] = sources
    return view


def _is_shown(call: Call, source_id: str) -> bool:
    source = call.workspace.item("data_source", source_id)
    return call.sees(source_id) and (source is None or not source.in_trash)
