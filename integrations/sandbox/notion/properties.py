"""Property values of pages: what a request may write, what a new page holds, what a read shows."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from integrations.sandbox.notion.errors import Json, NotionError, invalid, invalid_body
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.richtext import BASE_COLORS, MAX_URL, date_value, rich_text, user_value
from integrations.sandbox.notion.schema import find_property, new_option
from integrations.sandbox.notion.uploads import attached
from integrations.sandbox.notion.validation import (
    a_boolean,
    a_number,
    a_string,
    an_array,
    an_object,
    body_id,
    named_type,
    one_of,
    only_keys,
)
from integrations.sandbox.notion.world import Workspace

WRITABLE = (
    "title", "rich_text", "number", "url", "select", "people", "email", "phone_number", "date",
    "checkbox", "relation", "files", "status", "multi_select", "place", "verification",
)  # fmt: skip
LISTS = ("title", "rich_text", "relation", "people", "multi_select", "files")
TIME_AND_PERSON = ("created_time", "created_by", "last_edited_time", "last_edited_by")
MAX_ADDRESS = 200
MAX_OPTION = 100
NewOptions = dict[str, list[Json]]
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class UnknownStatus(Exception):
    """The name of a status option the column does not have."""


def _status_error(workspace: Workspace, prop: Json, unknown: UnknownStatus) -> NotionError:
    if workspace.world.questions.status_error == "plain":
        return invalid(f"{prop['name']} is expected to be an existing status option.")
    return invalid(f'Invalid status option. Status option "{unknown}" does not exist".')


def empty_value(kind: str, prop: Json) -> Any:
    """What a property holds before anybody wrote it."""
    if kind in LISTS:
        return []
    if kind == "checkbox":
        return False
    if kind == "formula":
        return {"type": "string", "string": None}
    if kind == "rollup":
        return {
            "type": "array",
            "array": [],
            "function": prop.get("rollup", {}).get("function", "show_original"),
        }
    if kind == "verification":
        return {"state": "unverified", "verified_by": None, "date": None}
    if kind == "button":
        return {}
    return None


def page_value(prop: Json, value: Any) -> Json:
    """A property of a page with id and type, as stored."""
    return {"id": prop["id"], "type": prop["type"], prop["type"]: value}


def stamp(page: Json) -> None:
    """Bring the properties that repeat who and when in line with the page itself."""
    for value in page["properties"].values():
        if value["type"] in TIME_AND_PERSON:
            value[value["type"]] = page[value["type"]]


def written_values(
    workspace: Workspace, data_source: Item | None, given: Any, path: str, *, by_person: bool = False
) -> tuple[dict[str, Json], NewOptions]:
    """The checked values of a request, keyed by name, and the options they add to the schema.

    `data_source` is None for a page under a page, which has a title only. Keys are names or ids.
    """
    schema: Json = {"title": {"id": "title", "name": "title", "type": "title", "title": {}}}
    if data_source is not None:
        schema = data_source.obj["properties"]
    written: dict[str, Json] = {}
    added: NewOptions = {}
    for key, raw in an_object(given, path).items():
        prop = find_property(schema, key)
        if prop is None:
            if workspace.world.questions.unknown_property == "ignored":
                continue
            raise invalid(f"{key} is not a property that exists.")
        kind = prop["type"]
        where = f"{path}.{key}"
        body = _of_kind(raw, prop, key, where)
        if kind in ("select", "multi_select", "status"):
            fresh = added.setdefault(prop["name"], [])
            try:
                value = _options(prop, body[kind], f"{where}.{kind}", fresh)
            except UnknownStatus as unknown:
                raise _status_error(workspace, prop, unknown) from unknown
        else:
            value = _plain_value(workspace, kind, body[kind], f"{where}.{kind}", by_person=by_person)
        written[prop["name"]] = page_value(prop, value)
    return written, {name: options for name, options in added.items() if options}


def add_options(workspace: Workspace, source: Item | None, added: NewOptions) -> None:
    """Put the options a write brought along into the schema: done last, when nothing can be refused."""
    if source is None or not added:
        return
    columns = dict(source.obj["properties"])
    for name, options in added.items():
        kind = columns[name]["type"]
        settings = columns[name][kind]
        columns[name] = {**columns[name], kind: {**settings, "options": [*settings["options"], *options]}}
    workspace.put("data_source", {**source.obj, "properties": columns})


def _of_kind(raw: Any, prop: Json, key: str, path: str) -> Json:
    kind = prop["type"]
    # Notion takes shorthand like {"Name": [...]} or {"Done": true} for some types and documents none of it.
    body = an_object(raw, path)
    if kind not in WRITABLE:
        raise invalid(f"{key} is a {kind} property and cannot be set through the API.")
    if kind not in body or body.get("type", kind) != kind:
        other = next((name for name in body if name in WRITABLE), None)
        if other is not None or "type" in body:
            raise invalid(f"{key} is expected to be {kind}.")
        raise invalid_body(f"{path}.{kind}", "defined")
    allowed = ("id", "name", "type", kind) + (("has_more",) if kind in ("relation", "people") else ())
    only_keys(body, allowed, path)
    return body


def _plain_value(workspace: Workspace, kind: str, value: Any, path: str, *, by_person: bool) -> Any:
    if kind in ("title", "rich_text"):
        return rich_text(workspace, value, path)
    if kind == "checkbox":
        return a_boolean(value, path)
    if kind == "people":
        return [user_value(workspace, user, f"{path}[{at}]") for at, user in enumerate(an_array(value, path))]
    if kind == "relation":
        return [_related(workspace, page, f"{path}[{at}]") for at, page in enumerate(an_array(value, path))]
    if kind == "files":
        return [_file(workspace, entry, f"{path}[{at}]") for at, entry in enumerate(an_array(value, path))]
    if value is None:
        return empty_value(kind, {})
    if kind == "number":
        return a_number(value, path)
    if kind == "date":
        return date_value(value, path)
    if kind == "url":
        return a_string(value, path, most=MAX_URL, empty=False)
    if kind in ("email", "phone_number"):
        text = a_string(value, path, most=MAX_ADDRESS, empty=False)
        if kind == "email" and not _EMAIL.fullmatch(text):
            raise invalid_body(path, "a valid email", value)
        return text
    if kind == "place":
        return _place(value, path)
    if not by_person:
        raise invalid("Verification can only be set on pages of a wiki database.")
    return an_object(value, path)


def _related(workspace: Workspace, value: Any, path: str) -> Json:
    body = an_object(value, path)
    page_id = body_id(body.get("id", ...), f"{path}.id")
    if workspace.item("page", page_id) is None:
        raise invalid(f"Could not find page with ID: {page_id}.")
    return {"id": page_id}


def _file(workspace: Workspace, value: Any, path: str) -> Json:
    body = an_object(value, path)
    only_keys(body, ("name", "type", "external", "file", "file_upload"), path)
    kind = next((name for name in ("external", "file", "file_upload") if name in body), None)
    if kind is None:
        raise invalid_body(f"{path}.external", "defined")
    if kind == "file_upload":
        file = attached(workspace, body[kind], f"{path}.{kind}")
        name = body.get("name") or unquote(file["url"].partition("?")[0].rpartition("/")[2])
        return {"name": a_string(name, f"{path}.name", most=100), "type": "file", "file": file}
    named_type(body, kind, path)
    name = a_string(body.get("name", ...), f"{path}.name", most=100, empty=False)
    target = an_object(body[kind], f"{path}.{kind}")
    only_keys(target, ("url",) if kind == "external" else ("url", "expiry_time"), f"{path}.{kind}")
    url = a_string(target.get("url", ...), f"{path}.{kind}.url", most=MAX_URL, empty=False)
    return {"name": name, "type": kind, kind: {**target, "url": url}}


def _place(value: Any, path: str) -> Json:
    body = an_object(value, path)
    keys = ("lat", "lon", "name", "address", "aws_place_id", "google_place_id")
    only_keys(body, keys, path)
    a_number(body.get("lat", ...), f"{path}.lat")
    a_number(body.get("lon", ...), f"{path}.lon")
    for key in keys[2:]:
        if body.get(key) is not None:
            a_string(body[key], f"{path}.{key}")
    return {key: body.get(key) for key in keys}


def _options(prop: Json, value: Any, path: str, fresh: list[Json]) -> Any:
    """The chosen option(s) with id, name and colour; unknown names go to `fresh` unless it is a status."""
    if prop["type"] == "multi_select":
        chosen: list[Json] = []
        for at, entry in enumerate(an_array(value, path)):
            option = _option(prop, entry, f"{path}[{at}]", fresh)
            if option not in chosen:
                chosen.append(option)
        return chosen
    return None if value is None else _option(prop, value, path, fresh)


def _option(prop: Json, value: Any, path: str, fresh: list[Json]) -> Json:
    body = an_object(value, path)
    only_keys(body, ("id", "name", "color", "description"), path)
    if "color" in body:
        one_of(body["color"], BASE_COLORS, f"{path}.color")
    known: list[Json] = [*prop[prop["type"]].get("options", []), *fresh]
    found = None
    if "id" in body:
        option_id = a_string(body["id"], f"{path}.id")
        found = next((option for option in known if option["id"] == option_id), None)
        if found is None and "name" not in body:
            raise invalid(f"{prop['type'].capitalize()} option with ID {option_id} does not exist.")
    if found is None:
        name = a_string(body.get("name", ...), f"{path}.name", most=MAX_OPTION, empty=False)
        if "," in name:
            raise invalid(f"Invalid {prop['type']} option, commas not allowed: {name}")
        found = next((option for option in known if option["name"] == name), None)
        if found is None:
            if prop["type"] == "status":
                raise UnknownStatus(name)
            found = new_option(name, body.get("color"), known)
            fresh.append(found)
    return {key: found[key] for key in ("id", "name", "color")}
