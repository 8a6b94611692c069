"""Two-way relations: a column made on one side makes its partner on the other."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import Item, title_of
from integrations.sandbox.notion.properties import page_value
from integrations.sandbox.notion.schema import new_property_id
from integrations.sandbox.notion.validation import is_uuid


def check_targets(call: Call, columns: Any) -> None:
    """Raises 404 for a two-way relation to a data source the caller does not see. Shapes are checked elsewhere."""
    for config in columns.values() if isinstance(columns, dict) else ():
        relation = config.get("relation") if isinstance(config, dict) else None
        if (
            isinstance(relation, dict)
            and "dual_property" in relation
            and is_uuid(relation.get("data_source_id"))
        ):
            call.find("data_source", relation["data_source_id"])


def make_partners(call: Call, source: Item) -> Item:
    """Give every two-way relation without a partner one. Returns the data source as it is then."""
    for name, prop in list(source.obj["properties"].items()):
        if prop["type"] != "relation" or "dual_property" not in prop["relation"]:
            continue
        pair = prop["relation"]["dual_property"]
        target = call.workspace.item("data_source", prop["relation"]["data_source_id"])
        if target is None or pair.get("synced_property_id") in _ids(target):
            continue
        wanted = (
            pair.get("synced_property_name") or f"Related to {title_of(source.obj) or 'Untitled'} ({name})"
        )
        partner = {
            "id": new_property_id(target.obj["properties"]),
            "name": _free(wanted, target.obj["properties"]),
            "description": None,
            "type": "relation",
            "relation": _relation(source, {"synced_property_id": prop["id"], "synced_property_name": name}),
        }
        columns = {**target.obj["properties"], partner["name"]: partner}
        target = call.workspace.put("data_source", {**target.obj, "properties": columns})
        _fill_rows(call, target, partner)
        own = {"synced_property_id": partner["id"], "synced_property_name": partner["name"]}
        current = call.workspace.items["data_source"][source.id]
        columns = {**current.obj["properties"], name: {**prop, "relation": _relation(target, own)}}
        source = call.workspace.put("data_source", {**current.obj, "properties": columns})
    return source


def _relation(target: Item, pair: Json) -> Json:
    return {
        "database_id": target.obj["parent"]["database_id"],
        "data_source_id": target.id,
        "type": "dual_property",
        "dual_property": pair,
    }


def _fill_rows(call: Call, target: Item, partner: Json) -> None:
    with call.workspace.world.unwatched():
        for row in list(call.workspace.table(target.id).rows.values()):
            values = {**row.obj["properties"], partner["name"]: page_value(partner, [])}
            call.workspace.put("page", {**row.obj, "properties": values})


def _ids(source: Item) -> set[str]:
    return {prop["id"] for prop in source.obj["properties"].values()}


def _free(name: str, columns: Json) -> str:
    number, made = 1, name
    while made in columns:
        number += 1
        made = f"{name} {number}"
    return made
