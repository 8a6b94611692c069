"""Templates of data sources: what a new row starts with."""

from __future__ import annotations

import uuid
from typing import Any

from integrations.sandbox.notion.call import Call
from integrations.sandbox.notion.errors import Json, invalid, invalid_body
from integrations.sandbox.notion.items import Item
from integrations.sandbox.notion.validation import a_string, an_object, body_id, one_of, only_keys
from integrations.sandbox.notion.world import Workspace

OBJECT = "sandbox_template"


def add_template(
    workspace: Workspace, data_source_id: str, name: str, *, markdown: str, properties: Json, is_default: bool
) -> Json:
    """A person makes a template; another default one stops being that. Raises ValueError."""
    if workspace.item("data_source", data_source_id) is None:
        raise ValueError(f"no data source with id {data_source_id}")
    for other in templates_of(workspace, data_source_id) if is_default else ():
        workspace.put_thing({**other, "is_default": False})
    return workspace.put_thing(
        {
            "object": OBJECT,
            "id": str(uuid.uuid4()),
            "name": name,
            "is_default": is_default,
            "data_source_id": data_source_id,
            "markdown": markdown,
            "properties": properties,
        }
    )


def templates_of(workspace: Workspace, data_source_id: str) -> list[Json]:
    held = workspace.things.get(OBJECT, {}).values()
    return [one for one in held if one["data_source_id"] == data_source_id]


def chosen_template(call: Call, source: Item | None, *, for_update: bool = False) -> Json | None:
    """The template a request asks for. Raises 400 for one the data source does not have."""
    if "template" not in call.body:
        return None
    given: Any = an_object(call.body["template"], "body.template")
    kinds = ("default", "template_id") if for_update else ("none", "default", "template_id")
    kind = one_of(given.get("type", ...), kinds, "body.template.type")
    keys = {
        "none": ("type",),
        "default": ("type", "timezone"),
        "template_id": ("type", "template_id", "timezone"),
    }
    only_keys(given, keys[kind], "body.template")
    if "timezone" in given:
        a_string(given["timezone"], "body.template.timezone", empty=False)
    if kind == "none":
        return None
    for key in ("children", "content", "markdown"):
        if key in call.body:
            raise invalid_body(f"body.{key}", "not present", "[...]")
    held = templates_of(call.workspace, source.id) if source else []
    if kind == "default":
        found = next((one for one in held if one["is_default"]), None)
        if found is None:
            raise invalid("The data source has no default template.")
        return found
    wanted = body_id(given.get("template_id", ...), "body.template.template_id")
    found = next((one for one in held if one["id"] == wanted), None)
    if found is None:
        raise invalid(f"Could not find template with ID: {wanted}.")
    return found
