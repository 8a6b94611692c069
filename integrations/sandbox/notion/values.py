"""One comparable form for each kind of property value, shared by filters and sorts."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import plain_text


def readable(kind: str, value: Json | None) -> Any:
    """Text, number, bool, ISO date, option name or list of names or ids; None, "" or [] when empty.

    `value` is a property of a page, or None where the page has no such property.
    """
    held = value.get(value.get("type", kind), value.get(kind)) if value else None
    match kind:
        case "title" | "rich_text":
            # A filter for one text type may meet a column of another.
            return held if isinstance(held, str) else plain_text(held)
        case "url" | "email" | "phone_number":
            return held if isinstance(held, str) else plain_text(held)
        case "number":
            return held
        case "unique_id":
            return held.get("number") if held else None
        case "checkbox":
            return bool(held)
        case "select" | "status":
            return held["name"] if held else None
        case "multi_select":
            return [option["name"] for option in held or ()]
        case "people" | "relation":
            return [entry["id"] for entry in held or ()]
        case "created_by" | "last_edited_by":
            return [held["id"]] if held else []
        case "date":
            return held["start"] if held else None
        case "created_time" | "last_edited_time":
            return held
        case "files":
            return [entry.get("name", "") for entry in held or ()]
        case "verification":
            return _verification(held)
        case _:
            return None


def _verification(held: Json | None) -> str:
    state = (held or {}).get("state", "unverified")
    return "none" if state == "unverified" else str(state)


def formula_result(value: Json | None, kind: str) -> Any:
    """The result of a formula in the readable form of `string`, `number`, `checkbox` or `date`."""
    formula = (value or {}).get("formula") or {}
    own = {"boolean": "checkbox"}.get(formula.get("type", ""), formula.get("type"))
    if own != kind:
        return {"string": "", "checkbox": False}.get(kind)
    held = formula.get(formula["type"])
    if kind == "string":
        return held or ""
    if kind == "date":
        return held["start"] if held else None
    return held
