"""The columns of a data source: their ids, their options, and how a request may change them."""

from __future__ import annotations

import secrets
import uuid
from typing import Any
from urllib.parse import quote, unquote

from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.richtext import BASE_COLORS
from integrations.sandbox.notion.validation import (
    a_string,
    an_array,
    an_object,
    body_id,
    named_type,
    one_of,
    only_keys,
)

ID_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:;<=>?@[]^_`{|}~\\"
PLAIN_TYPES = (
    "title", "rich_text", "url", "people", "files", "email", "phone_number", "date", "checkbox",
    "created_by", "created_time", "last_edited_by", "last_edited_time", "button", "place",
    "verification", "location", "last_visited_time",
)  # fmt: skip
OPTION_TYPES = ("select", "multi_select", "status")
COLUMN_TYPES = (*PLAIN_TYPES, *OPTION_TYPES, "number", "formula", "relation", "rollup", "unique_id")
CONFIG_KEYS = ("id", "name", "type", "description")
STATUS_GROUPS = (
    ("To-do", "gray", "Not started"),
    ("In progress", "blue", "In progress"),
    ("Complete", "green", "Done"),
)


def find_property(schema: Json, name_or_id: str) -> Json | None:
    """A column by name, by id as Notion writes it, or by the decoded id. Ids win over names of others."""
    decoded = unquote(name_or_id)
    for prop in schema.values():
        if prop["id"] == name_or_id or unquote(prop["id"]) == decoded:
            return dict_of(prop)
    found = schema.get(name_or_id)
    return dict_of(found) if found is not None else None


def dict_of(value: Any) -> Json:
    """The same object, for the type checker."""
    return value  # type: ignore[no-any-return]


def new_property_id(schema: Json) -> str:
    """Four characters, URL-encoded, not yet used in this schema."""
    taken = {prop["id"] for prop in schema.values()}
    while True:
        made = quote("".join(secrets.choice(ID_LETTERS) for _ in range(4)), safe="")
        if made not in taken:
            return made


def new_option(name: str, color: Any, known: list[Json]) -> Json:
    """An option with a new id; without a colour it takes the next one of the palette."""
    chosen = color if color is not None else BASE_COLORS[len(known) % len(BASE_COLORS)]
    return {
        "id": str(uuid.uuid4()),
        "name": name,
        "color": one_of(chosen, BASE_COLORS, "body.color"),
        "description": None,
    }


def column(name: str, config: Any, schema: Json, path: str, *, by_person: bool = False) -> Json:
    """A checked column as Notion stores it, with a new id."""
    body = an_object(config, path)
    kind = _kind_of(body, path)
    only_keys(body, (*CONFIG_KEYS, kind), path)
    prop_id = "title" if kind == "title" else new_property_id(schema)
    made = {"id": prop_id, "name": name, "description": body.get("description"), "type": kind}
    made[kind] = _settings(kind, body[kind], None, f"{path}.{kind}", by_person=by_person)
    return made


def _kind_of(body: Json, path: str) -> str:
    kinds = [key for key in body if key in COLUMN_TYPES]
    if len(kinds) != 1 or body.get("type", kinds[0]) != kinds[0]:
        unknown = next((key for key in body if key not in CONFIG_KEYS and key not in COLUMN_TYPES), None)
        if unknown:
            raise invalid_body(f"{path}.{unknown}", "not present", body[unknown])
        raise invalid_body(f"{path}.{body.get('type', 'title')}", "defined")
    return kinds[0]


def _settings(kind: str, value: Any, old: Json | None, path: str, *, by_person: bool) -> Json:
    """The part of a column that depends on its type. `old` is the column before, if it had this type."""
    settings = an_object(value, path)
    if kind in PLAIN_TYPES:
        only_keys(settings, (), path)
        return {}
    if kind == "number":
        only_keys(settings, ("format",), path)
        before = old["number"].get("format", "number") if old else "number"
        return {"format": a_string(settings.get("format", before), f"{path}.format")}
    if kind == "formula":
        only_keys(settings, ("expression",), path)
        return {"expression": a_string(settings.get("expression", ""), f"{path}.expression")}
    if kind == "unique_id":
        only_keys(settings, ("prefix",), path)
        return {"prefix": settings.get("prefix")}
    if kind == "relation":
        return _relation(settings, path)
    if kind == "rollup":
        keys = (
            "function",
            "relation_property_name",
            "relation_property_id",
            "rollup_property_name",
            "rollup_property_id",
        )
        only_keys(settings, keys, path)
        a_string(settings.get("function", ...), f"{path}.function")
        return dict(settings)
    return _option_settings(kind, settings, old, path, by_person=by_person)


def _relation(settings: Json, path: str) -> Json:
    only_keys(settings, ("data_source_id", "database_id", "type", "single_property", "dual_property"), path)
    target = body_id(settings.get("data_source_id", ...), f"{path}.data_source_id")
    kind = "dual_property" if "dual_property" in settings else "single_property"
    named_type(settings, kind, path)
    pair = an_object(settings.get(kind, ...), f"{path}.{kind}")
    allowed = ("synced_property_id", "synced_property_name") if kind == "dual_property" else ()
    only_keys(pair, allowed, f"{path}.{kind}")
    return {"data_source_id": target, "type": kind, kind: dict(pair)}


def _option_settings(kind: str, settings: Json, old: Json | None, path: str, *, by_person: bool) -> Json:
    before: Json = old[kind] if old else {}
    allowed = (
        ("options", "groups") if kind == "status" and by_person else ("options",) if kind != "status" else ()
    )
    only_keys(settings, allowed, path)
    if kind == "status" and "options" not in settings:
        return before or _fresh_status()
    if "options" not in settings:
        return before or {"options": []}
    known = {option["id"]: option for option in before.get("options", [])}
    by_name = {option["name"]: option for option in before.get("options", [])}
    options: list[Json] = []
    for at, entry in enumerate(an_array(settings["options"], f"{path}.options")):
        where = f"{path}.options[{at}]"
        body = an_object(entry, where)
        only_keys(body, ("id", "name", "color", "description"), where)
        if "color" in body:
            one_of(body["color"], BASE_COLORS, f"{where}.color")
        for key in ("id", "name"):
            if key in body:
                a_string(body[key], f"{where}.{key}", most=100, empty=False)
        found = known.get(body.get("id", "")) or by_name.get(body.get("name", ""))
        if found is None:
            name = a_string(body.get("name", ...), f"{where}.name", most=100, empty=False)
            found = new_option(name, body.get("color"), options)
        merged = {**found, **{key: body[key] for key in ("name", "description") if key in body}}
        if any(option["name"] == merged["name"] for option in options):
            raise invalid(f"Duplicate option name: {merged['name']}")
        options.append(merged)
    if kind != "status":
        return {"options": options}
    return {
        "options": options,
        "groups": _regrouped(before.get("groups", []), options, settings.get("groups")),
    }


def _fresh_status() -> Json:
    options: list[Json] = []
    groups: list[Json] = []
    for group, color, name in STATUS_GROUPS:
        option = {
            "id": str(uuid.uuid4()),
            "name": name,
            "color": "default" if color == "gray" else color,
            "description": None,
        }
        options.append(option)
        groups.append({"id": str(uuid.uuid4()), "name": group, "color": color, "option_ids": [option["id"]]})
    return {"options": options, "groups": groups}


def _regrouped(groups: list[Json], options: list[Json], given: Any) -> list[Json]:
    """Each option in one group; options nobody placed go to the first."""
    if isinstance(given, list):
        return given
    ids = [option["id"] for option in options]
    kept = [{**group, "option_ids": [one for one in group["option_ids"] if one in ids]} for group in groups]
    if not kept:
        kept = [{**group, "option_ids": []} for group in _fresh_status()["groups"]]
    placed = {one for group in kept for one in group["option_ids"]}
    kept[0]["option_ids"] += [one for one in ids if one not in placed]
    return kept


def changed_column(old: Json, config: Any, path: str, *, by_person: bool = False) -> Json:
    """A column after a patch: renamed, described, retyped or with other settings. The id stays."""
    body = an_object(config, path)
    kinds = [key for key in body if key in COLUMN_TYPES]
    if not body:
        raise invalid_body(f"{path}.name", "defined")
    if not kinds and "type" in body and body["type"] != old["type"]:
        raise invalid_body(f"{path}.{body['type']}", "defined")
    kind = _kind_of(body, path) if kinds else old["type"]
    only_keys(body, (*CONFIG_KEYS, kind), path)
    if "title" in (kind, old["type"]) and kind != old["type"]:
        raise invalid("Cannot change the type of the title property, and a data source has only one.")
    made = {key: value for key, value in old.items() if key != old["type"]} | {"type": kind}
    if "name" in body:
        made["name"] = a_string(body["name"], f"{path}.name", empty=False)
    if "description" in body:
        made["description"] = body["description"]
    made[kind] = (
        old[kind]
        if not kinds
        else _settings(
            kind, body[kind], old if kind == old["type"] else None, f"{path}.{kind}", by_person=by_person
        )
    )
    return made
