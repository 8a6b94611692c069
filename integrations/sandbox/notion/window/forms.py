"""The properties of a page as fields of a form, and a sent form as the patch of what differs."""

from __future__ import annotations

from html import escape
from typing import Final

from integrations.sandbox.notion.errors import Json
from integrations.sandbox.notion.items import plain_text

TEXTS: Final = ("title", "rich_text")
CHOICES: Final = ("select", "status")
EDITABLE: Final = (*TEXTS, *CHOICES, "number", "checkbox", "date", "multi_select", "people")


def value_of(value: Json) -> list[str]:
    """A property's value as a form sends it; an empty one is an empty list."""
    kind = value["type"]
    held = value.get(kind)
    if kind in TEXTS:
        text = plain_text(held)
        return [text] if text else []
    if kind in CHOICES:
        return [held["name"]] if held else []
    if kind == "number":
        return [] if held is None else [f"{held:g}"]
    if kind == "checkbox":
        return ["on"] if held else []
    if kind == "date":
        return [held["start"]] if held else []
    if kind == "multi_select":
        return [option["name"] for option in held or ()]
    return [user["id"] for user in held or ()]


def patch_of(properties: Json, form: dict[str, list[str]]) -> Json:
    """What a form changes, as `properties` of `PATCH /v1/pages/{id}`; what nobody touched is left out.

    Raises: ValueError (a number that is none).
    """
    patch: Json = {}
    for name, value in properties.items():
        if value["type"] not in EDITABLE or f"has:{value['id']}" not in form:
            continue
        sent = [one.strip() for one in form.get(f"p:{value['id']}", []) if one.strip()]
        if sent != value_of(value):
            patch[name] = _written(value, sent)
    return patch


def _written(value: Json, sent: list[str]) -> Json:
    kind = value["type"]
    first = sent[0] if sent else ""
    if kind in TEXTS:
        return {kind: [{"text": {"content": first}}] if first else []}
    if kind in CHOICES:
        return {kind: {"name": first} if first else None}
    if kind == "number":
        return {kind: float(first) if first else None}
    if kind == "checkbox":
        return {kind: bool(first)}
    if kind == "date":
        end = (value["date"] or {}).get("end")
        return {kind: {"start": first, "end": end if end and end >= first else None} if first else None}
    if kind == "multi_select":
        return {kind: [{"name": one} for one in sent]}
    return {kind: [{"id": one} for one in sent]}


def field_of(name: str, value: Json, schema: Json, people: dict[str, str]) -> str:
    """A labelled field; what only Notion or the API writes is shown as text."""
    kind, one_id = value["type"], escape(f"p:{value['id']}")
    if kind not in EDITABLE:
        return f"<dt>{escape(name)}</dt><dd>{escape(shown(value, people)) or '—'}</dd>"
    label = f'<dt><label for="{one_id}">{escape(name)}</label></dt>'
    marker = f'<input type="hidden" name="{escape("has:" + value["id"])}" value="1">'
    return f"{label}<dd>{marker}{_input(value, schema, people, one_id)}</dd>"


def _input(value: Json, schema: Json, people: dict[str, str], one_id: str) -> str:
    kind, held = value["type"], value_of(value)
    first = escape(held[0]) if held else ""
    if kind in CHOICES:
        names = [option["name"] for option in schema.get(kind, {}).get("options", [])]
        empty = "" if kind == "status" else '<option value="">—</option>'
        return _select(one_id, [(one, one) for one in names], held, empty)
    if kind == "multi_select":
        names = [option["name"] for option in schema.get(kind, {}).get("options", [])]
        return _select(one_id, [(one, one) for one in names], held, many=True)
    if kind == "people":
        return _select(one_id, list(people.items()), held, many=True)
    if kind == "checkbox":
        return f'<input type="checkbox" id="{one_id}" name="{one_id}"{" checked" if held else ""}>'
    typed = {"number": 'type="number" step="any"', "date": 'type="date"'}.get(kind, 'type="text"')
    if kind == "date" and len(first) > len("2026-01-31"):
        typed = 'type="text"'
    return f'<input {typed} id="{one_id}" name="{one_id}" value="{first}">'


def _select(
    one_id: str, options: list[tuple[str, str]], held: list[str], empty: str = "", *, many: bool = False
) -> str:
    lines = "".join(
        f'<option value="{escape(value)}"{" selected" if value in held else ""}>{escape(label)}</option>'
        for value, label in options
    )
    return (
        f'<select id="{one_id}" name="{one_id}"{" multiple size=5" if many else ""}>{empty}{lines}</select>'
    )


def shown(value: Json, people: dict[str, str]) -> str:
    """A value in a line of text."""
    kind = value["type"]
    if kind in EDITABLE:
        held = value_of(value)
        return ", ".join(people.get(one, one) for one in held) if kind == "people" else ", ".join(held)
    content = value.get(kind)
    if kind == "relation":
        return f"{len(content or ())} linked"
    if kind == "unique_id" and content:
        return f"{content.get('prefix') or ''}-{content['number']}".strip("-")
    return content if isinstance(content, str) else ""
