"""`/v1/pages`: reading, making, changing, moving and trashing pages."""

from __future__ import annotations

import re
import uuid
from typing import Any

from integrations.sandbox.notion.block_bodies import BlockReader, icon_value
from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, NotionError, invalid, invalid_body
from integrations.sandbox.notion.items import Item, title_of
from integrations.sandbox.notion.markdown_merging import blocks_of, count_of
from integrations.sandbox.notion.properties import (
    add_options,
    empty_value,
    page_value,
    stamp,
    written_values,
)
from integrations.sandbox.notion.rendering import OLD_VERSION, dumped, item_json, item_view
from integrations.sandbox.notion.routes.blocks import (
    check_block_limit,
    child_place,
    erase_children,
    insert_blocks,
)
from integrations.sandbox.notion.routes.small_lists import start_task
from integrations.sandbox.notion.templates import chosen_template
from integrations.sandbox.notion.two_way import write_other_sides
from integrations.sandbox.notion.validation import (
    a_boolean,
    a_string,
    an_object,
    body_id,
    named_type,
    only_keys,
    path_id,
)

CREATE_KEYS = (
    "parent", "properties", "icon", "cover", "content", "children", "markdown", "template", "position",
    "allow_async",
)  # fmt: skip
PROPERTIES = "body.properties"
UPDATE_KEYS = (
    "properties", "icon", "cover", "is_locked", "template", "erase_content", "in_trash", "is_archived",
)  # fmt: skip


def retrieve_page(call: Call, page_id: str) -> bytes:
    return shown(call, call.find("page", path_id("page_id", page_id)))


def shown(call: Call, item: Item) -> bytes:
    """The page, with only the properties a `filter_properties` asks for."""
    wanted = [
        name
        for key, values in call.query.items()
        if key.split("[")[0] == "filter_properties"
        for name in values
    ]
    if not wanted:
        return item_json(call.workspace, item, call.version, call.limits)
    ids = set()
    for name in wanted:
        value = next((v for k, v in item.obj["properties"].items() if name in (k, v["id"])), None)
        if value is None:
            raise invalid(f"Could not find property with name or id: {name}")
        ids.add(value["id"])
    return dumped(item_view(item, call.version, call.limits, ids))


def create_page(call: Call, page_id: str | None = None) -> Json | bytes:
    """A page with its content in one call. `page_id` may be chosen by the control interface only."""
    body = call.body
    only_keys(body, CREATE_KEYS, "body")
    parent, source = _parent(call, body.get("parent", ...))
    template = chosen_template(call, source)
    values = {
        **(template["properties"] if template else {}),
        **an_object(body.get("properties", {}), PROPERTIES),
    }
    written, added = written_values(call.workspace, source, values, PROPERTIES, by_person=call.by_person)
    icon = icon_value(call.workspace, body.get("icon"), "body.icon")
    cover = icon_value(call.workspace, body.get("cover"), "body.cover")
    children = blocks_of(call, template["markdown"]) if template else _new_content(call)
    check_block_limit(call, 1 + sum(count_of(child) for child in children))
    new_id = page_id or str(uuid.uuid4())
    obj: Json = {
        "object": "page",
        "id": new_id,
        "created_time": call.now(),
        "last_edited_time": call.now(),
        "created_by": call.signature,
        "last_edited_by": call.signature,
        "cover": cover,
        "icon": icon,
        "parent": parent,
        "in_trash": False,
        "is_archived": False,
        "is_locked": False,
        "properties": _complete(call, source, written),
        "url": "",
        "public_url": None,
    }
    obj["url"] = page_url(obj)
    stamp(obj)
    place = child_place(call, parent["page_id"], body.get("position", ...)) if "page_id" in parent else None
    item = call.workspace.put("page", obj)
    if place is not None:
        ids = [one for one in call.workspace.children[parent["page_id"]] if one != new_id]
        call.workspace.order_children(parent["page_id"], [*ids[:place], new_id, *ids[place:]])
    add_options(call.workspace, source, added)
    insert_blocks(call, "page_id", new_id, children, None)
    write_other_sides(call, source, {}, item.obj)
    most = call.limits.async_blocks
    may_wait = a_boolean(body.get("allow_async", False), "body.allow_async") and most is not None
    if may_wait and sum(count_of(child) for child in children) > (most or 0):
        return start_task(call, "create_page", {"object": "page", "id": new_id})
    return shown(call, item)


def _new_content(call: Call) -> list[Json]:
    """From one of `children`, `content` or `markdown`."""
    given = [key for key in ("children", "content", "markdown") if key in call.body]
    if len(given) > 1:
        raise invalid_body(f"body.{given[1]}", "not present", "[...]")
    if given == ["markdown"]:
        return blocks_of(call, a_string(call.body["markdown"], "body.markdown"))
    return BlockReader(call.workspace).children(call.body[given[0]], f"body.{given[0]}") if given else []


def update_page(call: Call, page_id: str) -> bytes:
    item = call.find("page", path_id("page_id", page_id))
    body = call.body
    allowed = (*UPDATE_KEYS, "archived") if call.version == OLD_VERSION else UPDATE_KEYS
    only_keys(body, allowed, "body")
    source = call.workspace.item("data_source", item.parent_id or "")
    obj = dict(item.obj)
    old_properties = item.obj["properties"]
    for key in ("in_trash", "archived", "is_archived", "is_locked"):
        if key in body:
            obj["in_trash" if key == "archived" else key] = a_boolean(body[key], f"body.{key}")
    if item.in_trash and obj["in_trash"]:
        raise invalid("Can't edit block that is archived. You must unarchive the block before editing.")
    for key in ("icon", "cover"):
        if key in body:
            obj[key] = icon_value(call.workspace, body[key], f"body.{key}")
    template = chosen_template(call, source, for_update=True)
    values = {
        **(template["properties"] if template else {}),
        **an_object(body.get("properties", {}), PROPERTIES),
    }
    written, added = written_values(call.workspace, source, values, PROPERTIES, by_person=call.by_person)
    obj["properties"] = {**obj["properties"], **written}
    content = blocks_of(call, template["markdown"]) if template else []
    check_block_limit(call, sum(count_of(block) for block in content))
    erases = a_boolean(body.get("erase_content", False), "body.erase_content")
    call.sign(obj)
    # The values that repeat the edit time must not be shared with the row as it was.
    obj["properties"] = {name: dict(value) for name, value in obj["properties"].items()}
    stamp(obj)
    item = call.workspace.put("page", obj)
    add_options(call.workspace, source, added)
    if erases:
        erase_children(call, item.id)
    insert_blocks(call, "page_id", item.id, content, None)
    write_other_sides(call, source, old_properties, item.obj)
    return shown(call, item)


def move_page(call: Call, page_id: str) -> bytes:
    """To another page or data source; values of columns with the same name and type come along."""
    item = call.find("page", path_id("page_id", page_id))
    only_keys(call.body, ("parent",), "body")
    parent, source = _parent(call, call.body.get("parent", ...))
    values = item.obj["properties"].values()
    title = next((value for value in values if value["type"] == "title"), {"type": "title", "title": []})
    kept: Json = {}
    if source is not None:
        for name, prop in source.obj["properties"].items():
            held = title if prop["type"] == "title" else item.obj["properties"].get(name)
            if held is not None and held["type"] == prop["type"]:
                kept[name] = page_value(prop, held[prop["type"]])
    else:
        kept["title"] = {**title, "id": "title"}
    obj = {**item.obj, "parent": parent, "properties": _complete(call, source, kept)}
    call.sign(obj)
    stamp(obj)
    return shown(call, call.workspace.put("page", obj))


def _parent(call: Call, value: Any) -> tuple[Json, Item | None]:
    """The parent as stored and, where the page becomes a row, its data source."""
    parent = an_object(value, "body.parent")
    only_keys(parent, ("type", "page_id", "database_id", "data_source_id", "workspace"), "body.parent")
    kind = next(
        (key for key in ("data_source_id", "database_id", "page_id", "workspace") if key in parent), ""
    )
    named_type(parent, kind, "body.parent")
    if kind == "data_source_id":
        source = call.find("data_source", body_id(parent["data_source_id"], "body.parent.data_source_id"))
    elif kind == "database_id":
        source = _only_source(call, body_id(parent["database_id"], "body.parent.database_id"))
    elif kind == "page_id":
        page_id = body_id(parent["page_id"], "body.parent.page_id")
        call.find("page", page_id)
        return {"type": "page_id", "page_id": page_id}, None
    elif parent.get("workspace") is True and call.by_person:
        return {"type": "workspace", "workspace": True}, None
    elif "workspace" in parent:
        raise invalid(
            "Internal integrations aren't owned by a single user, so creating workspace-level private pages "
            "is not supported."
        )
    else:
        raise invalid_body("body.parent.page_id", "defined")
    database_id = source.obj["parent"]["database_id"]
    return {"type": "data_source_id", "data_source_id": source.id, "database_id": database_id}, source


def _only_source(call: Call, database_id: str) -> Item:
    database = call.find("database", database_id)
    ids = [entry["id"] for entry in database.obj.get("data_sources", [])]
    if len(ids) != 1:
        raise NotionError(
            400,
            "validation_error",
            "Databases with multiple data sources are not supported in this API version.",
            {"error_type": "multiple_data_sources_for_database", "child_data_source_ids": ids},
        )
    return call.find("data_source", ids[0])


def _complete(call: Call, source: Item | None, written: Json) -> Json:
    """Every column of the schema, in its order, empty where nothing was written."""
    if source is None:
        return {"title": written.get("title", {"id": "title", "type": "title", "title": []})}
    made: Json = {}
    for name, prop in source.obj["properties"].items():
        kind = prop["type"]
        value = written.get(name) or page_value(prop, empty_value(kind, prop))
        if kind == "unique_id" and not value["unique_id"]:
            number = call.workspace.table(source.id).next_number()
            value = page_value(prop, {"prefix": prop["unique_id"].get("prefix"), "number": number})
        if kind == "status" and name not in written:
            value = page_value(prop, _default_status(prop))
        made[name] = value
    return made


def _default_status(prop: Json) -> Json | None:
    """A new row has the first option of the first group, as in Notion's own window."""
    settings = prop["status"]
    first = next((one for group in settings.get("groups", []) for one in group["option_ids"]), None)
    found = next((option for option in settings["options"] if option["id"] == first), None)
    return {key: found[key] for key in ("id", "name", "color")} if found else None


def page_url(page: Json) -> str:
    """The address of the page in Notion: its title, then its id without dashes."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", title_of(page)).strip("-")[:80]
    return f"https://www.notion.so/{slug + '-' if slug else ''}{uuid.UUID(page['id']).hex}"
