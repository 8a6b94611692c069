"""What becomes of the values in a column when the column's type changes."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.notion.dates import iso_date
from integrations.sandbox.notion.errors import Json, NotionError
from integrations.sandbox.notion.items import plain_text
from integrations.sandbox.notion.properties import empty_value
from integrations.sandbox.notion.richtext import text_run
from integrations.sandbox.notion.schema import new_option

TEXTS = ("url", "email", "phone_number")


def as_text(value: Json) -> str:
    """What a person would read in the cell."""
    held = value[value["type"]]
    match value["type"]:
        case "title" | "rich_text":
            return plain_text(held)
        case "select" | "status":
            return held["name"] if held else ""
        case "multi_select" | "files":
            return ", ".join(entry["name"] for entry in held)
        case "people":
            return ", ".join(user.get("name") or user["id"] for user in held)
        case "date":
            return (f"{held['start']} → {held['end']}" if held.get("end") else held["start"]) if held else ""
        case "checkbox":
            return "Yes" if held else "No"
        case "number" | "url" | "email" | "phone_number":
            return "" if held is None else str(held)
        case _:
            return ""


def retyped(value: Json, prop: Json) -> Any:
    """The value for the column's new type, or empty where nothing remains. May add options to `prop`."""
    kind = prop["type"]
    text = as_text(value)
    if kind == "checkbox":
        return text.casefold() in ("yes", "true")
    if not text:
        return empty_value(kind, prop)
    if kind == "rich_text":
        return [text_run(text)]
    if kind in TEXTS:
        return text
    if kind == "number":
        return _number(text)
    if kind == "select":
        return _chosen(prop, text[:100].replace(",", " "))
    if kind == "multi_select":
        names = dict.fromkeys(name.strip()[:100] for name in text.split(",") if name.strip())
        return [_chosen(prop, name) for name in names]
    if kind == "status":
        found = next((option for option in prop["status"]["options"] if option["name"] == text), None)
        found = found or prop["status"]["options"][0]
        return {key: found[key] for key in ("id", "name", "color")}
    if kind == "date":
        try:
            return {"start": iso_date(text.split(" → ")[0], ""), "end": None, "time_zone": None}
        except NotionError:
            return None
    return empty_value(kind, prop)


def _number(text: str) -> float | int | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else number


def _chosen(prop: Json, name: str) -> Json:
    options = prop[prop["type"]]["options"]
    found = next((option for option in options if option["name"] == name), None)
    if found is None:
        found = new_option(name, None, options)
        options.append(found)
    return {key: found[key] for key in ("id", "name", "color")}
