"""Views of data sources as the sandbox keeps them: what they show, and the tabs of a database."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.filters import compile_filter, every_row
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.validation import an_object

OBJECT = "view"
ANY_OF_MANY = ("equals", "contains")


def views_of(call: Call, database: Item) -> list[Json]:
    """The tabs of a database in their order; one without any gets the table it has in Notion."""
    held = [
        one for one in call.workspace.things.get(OBJECT, {}).values() if one["database_id"] == database.id
    ]
    sources = database.obj.get("data_sources", [])
    if not held and sources:
        held = [call.workspace.put_thing(_first_view(database, sources[0]["id"]))]
    return sorted(held, key=lambda one: (one["place"], one["id"]))


def _first_view(database: Item, source_id: str) -> Json:
    shown = ("created_time", "last_edited_time", "created_by", "last_edited_by")
    return {
        "object": OBJECT,
        "id": str(uuid.uuid5(uuid.UUID(database.id), "first view")),
        "database_id": database.id,
        "data_source_id": source_id,
        "name": "Table",
        "type": "table",
        "filter": None,
        "sorts": None,
        "quick_filters": None,
        "configuration": {"type": "table"},
        "place": 0,
        **{key: database.obj.get(key) for key in shown},
    }


def view_json(call: Call, view: Json) -> Json:
    """As the API shows it; a dashboard lists its widgets."""
    address = f"https://www.notion.so/{uuid.UUID(view['database_id']).hex}?v={uuid.UUID(view['id']).hex}"
    hidden = ("database_id", "place", "row")
    made = {key: value for key, value in view.items() if key not in hidden}
    made |= {"parent": {"type": "database_id", "database_id": view["database_id"]}, "url": address}
    if view["type"] == "dashboard":
        made["configuration"] = {"type": "dashboard", "rows": _rows(call, view["id"])}
    return made


def _rows(call: Call, dashboard_id: str) -> list[Json]:
    held = call.workspace.things.get(OBJECT, {}).values()
    widgets = [one for one in held if one.get("dashboard_view_id") == dashboard_id]
    numbers = sorted({one["row"] for one in widgets})
    return [
        {
            "id": f"row-{number}",
            "widgets": [
                {"id": one["id"], "view_id": one["id"], "row_index": at}
                for one in widgets
                if one["row"] == number
            ],
        }
        for at, number in enumerate(numbers)
    ]


def row_test(view: Json, schema: Json, now: datetime) -> Callable[[Any], bool]:
    """Whether a row is shown: by the filter and all quick filters. Raises 400 for what cannot be compiled."""
    tests = []
    if view["filter"]:
        tests.append(compile_filter(_one_by_one(view["filter"]), schema, now))
    for name, condition in (view["quick_filters"] or {}).items():
        filter_ = {"property": name, **an_object(condition, f"body.quick_filters.{name}")}
        tests.append(compile_filter(_one_by_one(filter_), schema, now, f"body.quick_filters.{name}"))
    return (lambda row: all(test(row) for test in tests)) if tests else every_row


def _one_by_one(filter_: Any) -> Any:
    """Views take several values in one condition where queries take one: `{"equals": ["Done", "Archive"]}`."""
    if not isinstance(filter_, dict):
        return filter_
    for word in ("and", "or"):
        if isinstance(filter_.get(word), list):
            return {**filter_, word: [_one_by_one(one) for one in filter_[word]]}
    for kind, condition in filter_.items():
        if not isinstance(condition, dict) or len(condition) != 1:
            continue
        ((name, value),) = condition.items()
        if isinstance(value, list):
            word = "or" if name in ANY_OF_MANY else "and"
            return {word: [{**filter_, kind: {name: one}} for one in value]}
    return filter_
