"""The other side of two-way relations, where the sandbox is told to write it."""

from __future__ import annotations

from contextlib import nullcontext

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.properties import stamp


def write_other_sides(call: Call, source: Item | None, before: Json, after: Json) -> None:
    """After a page was written: its partners name it, or do so no longer. `before`: its old properties."""
    how = call.workspace.world.questions.two_way_relations
    if how == "one_side" or source is None:
        return
    for name, prop in source.obj["properties"].items():
        if prop["type"] != "relation" or prop["relation"].get("type") != "dual_property":
            continue
        other_id = prop["relation"]["dual_property"].get("synced_property_id")
        old = _ids(before.get(name))
        new = _ids(after["properties"].get(name))
        for partner_id in [*(one for one in new if one not in old), *(one for one in old if one not in new)]:
            _write(
                call, partner_id, other_id, after["id"], is_there=partner_id in new, edited=how == "edited"
            )


def _write(
    call: Call, partner_id: str, property_id: str | None, page_id: str, *, is_there: bool, edited: bool
) -> None:
    partner = call.workspace.item("page", partner_id)
    if partner is None:
        return
    properties: Json = {name: dict(value) for name, value in partner.obj["properties"].items()}
    value = next((one for one in properties.values() if one["id"] == property_id), None)
    if value is None or (page_id in _ids(value)) == is_there:
        return
    rest = [one for one in value["relation"] if one["id"] != page_id]
    value["relation"] = [*rest, {"id": page_id}] if is_there else rest
    obj = {**partner.obj, "properties": properties}
    if edited:
        call.sign(obj)
        stamp(obj)
    with nullcontext() if edited else call.workspace.world.unwatched():
        call.workspace.put("page", obj)


def _ids(value: Json | None) -> list[str]:
    return [one["id"] for one in (value or {}).get("relation") or ()]
