"""A small invented workspace as Notion would return it, for the sandbox's own tests."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]

TOKEN = "ntn_sandbox_test_token"
OTHER_TOKEN = "ntn_sandbox_other_token"
NOON = datetime(2026, 7, 10, 12, 0, 30, tzinfo=UTC)


def an_id(name: str) -> str:
    """A fixed id for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox-test:{name}"))


WORKSPACE = an_id("workspace")
BOT = an_id("bot")
ADA = an_id("ada")
BEN = an_id("ben")
HOME = an_id("home page")
DATABASE = an_id("database")
TASKS = an_id("tasks data source")


def text(content: str) -> list[Json]:
    """Rich text of one run as returned."""
    plain = {"bold": False, "italic": False, "strikethrough": False, "underline": False, "code": False}
    return [
        {
            "type": "text",
            "text": {"content": content, "link": None},
            "annotations": {**plain, "color": "default"},
            "plain_text": content,
            "href": None,
        }
    ]


def person(user_id: str, name: str) -> Json:
    return {
        "object": "user",
        "id": user_id,
        "name": name,
        "avatar_url": None,
        "type": "person",
        "person": {"email": f"{name.split()[0].lower()}@example.test"},
    }


def bot(bot_id: str = BOT, workspace_id: str = WORKSPACE, name: str = "Task Sync") -> Json:
    return {
        "object": "user",
        "id": bot_id,
        "name": name,
        "avatar_url": None,
        "type": "bot",
        "bot": {
            "owner": {"type": "workspace", "workspace": True},
            "workspace_id": workspace_id,
            "workspace_name": "Test Workspace",
            "workspace_limits": {"max_file_upload_size_in_bytes": 5_242_880},
        },
    }


def workspace_line(**more: Any) -> Json:
    line = {
        "object": "sandbox_workspace",
        "id": WORKSPACE,
        "name": "Test Workspace",
        "plan": "plus",
        "bot": bot(),
        "tokens": [TOKEN],
    }
    return line | more


def option(name: str, color: str = "gray") -> Json:
    return {"id": an_id(f"option {name}"), "name": name, "color": color, "description": None}


STATUSES = [option("Not started"), option("In progress", "blue"), option("Done", "green")]
PRIORITIES = [option("Low"), option("High", "red")]
TAGS = [option("backend"), option("design"), option("urgent")]


def chosen(options: list[Json], name: str) -> Json:
    found = next(one for one in options if one["name"] == name)
    return {key: found[key] for key in ("id", "name", "color")}


def column(prop_id: str, name: str, kind: str, settings: Json | None = None) -> Json:
    return {"id": prop_id, "name": name, "description": None, "type": kind, kind: settings or {}}


def schema() -> Json:
    groups = [
        {"id": an_id("todo"), "name": "To-do", "color": "gray", "option_ids": [STATUSES[0]["id"]]},
        {"id": an_id("doing"), "name": "In progress", "color": "blue", "option_ids": [STATUSES[1]["id"]]},
        {"id": an_id("complete"), "name": "Complete", "color": "green", "option_ids": [STATUSES[2]["id"]]},
    ]
    columns = [
        column("title", "Name", "title"),
        column("%3AUPp", "Status", "status", {"options": STATUSES, "groups": groups}),
        column("a%5Dqs", "Priority", "select", {"options": PRIORITIES}),
        column("tGs1", "Tags", "multi_select", {"options": TAGS}),
        column("dUe%3B", "Due", "date"),
        column("wHo0", "Owner", "people"),
        column("eStH", "Hours", "number", {"format": "number"}),
        column("dOnE", "Archived", "checkbox"),
        column("nOtE", "Notes", "rich_text"),
        column("uRl1", "Link", "url"),
        column("mAil", "Contact", "email"),
        column("pHon", "Phone", "phone_number"),
        column("fIle", "Files", "files"),
        column(
            "rEla", "Blocked by", "relation",
            {"data_source_id": TASKS, "database_id": DATABASE, "type": "single_property",
             "single_property": {}},
        ),
        column("fOrm", "Score", "formula", {"expression": "1 + 1"}),
        column(
            "rOll", "Blockers", "rollup",
            {"function": "show_original", "relation_property_name": "Blocked by",
             "rollup_property_name": "Name",
             "relation_property_id": "rEla", "rollup_property_id": "title"},
        ),
        column("uNiq", "ID", "unique_id", {"prefix": "OPS"}),
        column("cTim", "Created", "created_time"),
        column("cBy1", "Created by", "created_by"),
        column("lTim", "Edited", "last_edited_time"),
        column("lBy1", "Edited by", "last_edited_by"),
        column("bTn1", "Button", "button"),
        column("pLac", "Place", "place"),
        column("vErf", "Verification", "verification"),
    ]  # fmt: skip
    return {one["name"]: one for one in columns}


def signature(user_id: str = ADA) -> Json:
    return {"object": "user", "id": user_id}


def frame(kind: str, object_id: str, parent: Json, at: str = "2026-07-01T10:00:00.000Z") -> Json:
    return {
        "object": kind,
        "id": object_id,
        "created_time": at,
        "last_edited_time": at,
        "created_by": signature(),
        "last_edited_by": signature(),
        "parent": parent,
        "in_trash": False,
    }


def look(object_id: str) -> Json:
    address = f"https://www.notion.so/{object_id.replace('-', '')}"
    return {"icon": None, "cover": None, "url": address, "public_url": None}


def home_page() -> Json:
    page = frame("page", HOME, {"type": "workspace", "workspace": True}) | look(HOME)
    title = {"id": "title", "type": "title", "title": text("Team home")}
    return page | {"is_archived": False, "is_locked": False, "properties": {"title": title}}


def database(**more: Any) -> Json:
    made = frame("database", DATABASE, {"type": "page_id", "page_id": HOME}) | look(DATABASE)
    return made | {
        "title": text("Tasks"), "description": [], "is_inline": False, "is_locked": False,
        "data_sources": [{"id": TASKS, "name": "Tasks"}],
    } | more  # fmt: skip


def data_source(**more: Any) -> Json:
    made = frame("data_source", TASKS, {"type": "database_id", "database_id": DATABASE}) | look(TASKS)
    return made | {
        "title": text("Tasks"), "description": [], "is_inline": False, "properties": schema(),
        "database_parent": {"type": "page_id", "page_id": HOME},
    } | more  # fmt: skip


def task_id(number: int) -> str:
    return an_id(f"task {number}")


def task(
    number: int, values: Json | None = None, *, at: str = "2026-07-01T10:00:00.000Z", **more: Any
) -> Json:
    """A row; `values` by column name, or keywords, replace the value itself: `Hours=3`, `Status="Done"`."""
    parent = {"type": "data_source_id", "data_source_id": TASKS, "database_id": DATABASE}
    page = frame("page", task_id(number), parent, at) | look(task_id(number))
    defaults: Json = {
        "Name": text(f"Task {number}"), "Status": "Not started", "Tags": [], "Owner": [], "Archived": False,
        "Notes": [], "Files": [], "Blocked by": [], "Score": {"type": "number", "number": 2},
        "Blockers": {"type": "array", "array": [], "function": "show_original"},
        "ID": {"prefix": "OPS", "number": number}, "Created": at, "Created by": signature(), "Edited": at,
        "Edited by": signature(), "Button": {},
        "Verification": {"state": "unverified", "verified_by": None, "date": None},
    }  # fmt: skip
    given = defaults | (values or {}) | more
    properties: Json = {}
    for name, prop in schema().items():
        value = given.get(name)
        if isinstance(value, str) and prop["type"] in ("status", "select"):
            value = chosen(prop[prop["type"]]["options"], value)
        if prop["type"] == "multi_select":
            value = [chosen(TAGS, tag) for tag in value or ()]
        properties[name] = {"id": prop["id"], "type": prop["type"], prop["type"]: value}
    return page | {"is_archived": False, "is_locked": False, "properties": properties}


def block(name: str, parent: Json, kind: str, content: Json, *, has_children: bool = False) -> Json:
    made = frame("block", an_id(f"block {name}"), parent)
    return made | {"has_children": has_children, "type": kind, kind: content}


def frame_objects() -> list[Json]:
    """Everything but rows."""
    return [person(ADA, "Ada Sample"), person(BEN, "Ben Sample"), home_page(), database(), data_source()]


def tasks(count: int, **values: Any) -> list[Json]:
    """Rows made one minute apart."""
    return [
        task(
            number,
            at=f"2026-07-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00.000Z",
            **values,
        )
        for number in range(1, count + 1)
    ]
