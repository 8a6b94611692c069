"""A person duplicates a database: everything gets a new id but columns and options."""

from __future__ import annotations

import json
import uuid

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import Item, plain_text
from integrations.sandbox.notion.richtext import text_run


def duplicate_database(call: Call, database_id: str) -> Json:
    """The copy, beside the original, with its rows. Relations among the rows lead to the copies."""
    database = call.find("database", database_id)
    title = [text_run(f"{plain_text(database.obj['title'])} (1)")]
    copy = _fresh(call, database.obj) | {"title": title, "data_sources": []}
    sources = [call.workspace.item("data_source", one["id"]) for one in database.obj["data_sources"]]
    held = [source for source in sources if source is not None]
    new_ids = {source.id: str(uuid.uuid4()) for source in held}
    for source in held:
        new_ids |= {row_id: str(uuid.uuid4()) for row_id in call.workspace.table(source.id).rows}
    new_ids[database.id] = copy["id"]
    copy["data_sources"] = [
        {"id": new_ids[source.id], "name": plain_text(source.obj["title"])} for source in held
    ]
    call.workspace.put("database", copy)
    for source in held:
        _copy_source(call, source, new_ids)
    return copy


def _copy_source(call: Call, source: Item, new_ids: dict[str, str]) -> None:
    call.workspace.put("data_source", _fresh(call, _renamed(source.obj, new_ids), new_ids[source.id]))
    for row in list(call.workspace.table(source.id).rows.values()):
        if not row.in_trash:
            call.workspace.put("page", _fresh(call, _renamed(row.obj, new_ids), new_ids[row.id]))


def _fresh(call: Call, obj: Json, new_id: str | None = None) -> Json:
    made_id = new_id or str(uuid.uuid4())
    now = {"created_time": call.now(), "created_by": call.signature}
    edited = {"last_edited_time": call.now(), "last_edited_by": call.signature}
    return {**obj, "id": made_id, "url": f"https://www.notion.so/{uuid.UUID(made_id).hex}", **now, **edited}


def _renamed(obj: Json, new_ids: dict[str, str]) -> Json:
    """The object with every id that has a copy replaced by the copy's."""
    text = json.dumps(obj)
    for old, new in new_ids.items():
        if old in text:
            text = text.replace(f'"{old}"', f'"{new}"')
    renamed: Json = json.loads(text)
    return renamed
