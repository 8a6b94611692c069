"""Tasks and projects become pages: one value per property, in the words and types of their workspace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zlib import crc32

from integrations.sandbox.notion.content.plot import Project, Task
from integrations.sandbox.notion.content.schema import Property
from integrations.sandbox.notion.content.values import (
    Json,
    Member,
    date_value,
    plain,
    relation,
    stamp,
    user_reference,
)

_NUMERIC_PRIORITY = {"urgent": 1, "high": 2, "medium": 3, "low": 4}
_FINISHED = ("done", "cancelled")


def _people(members: Sequence[Member]) -> list[Json]:
    return [member.as_json() for member in members]


def _priority(made: Property, priority: str) -> Json:
    if made.column.type == "number":
        return {"number": _NUMERIC_PRIORITY.get(priority)}
    return {"select": made.options.get(priority)}


def _chosen(made: Property, key: str) -> Json:
    return {made.column.type: made.options.get(key)}


def _days_left(task: Task, today: date) -> Json:
    due = task.life.due_on
    left = None if due is None else (due - today).days
    return {"formula": {"type": "number", "number": left}}


def _is_late(task: Task, today: date) -> Json:
    due = task.life.due_on
    return {"formula": {"type": "boolean", "boolean": due is not None and task.life.is_open and due < today}}


def _of_project(task: Task, project_status: Property | None) -> Json:
    """Return the rollup of the project's status; empty without a project."""
    shown: list[Json] = []
    if task.project is not None and project_status is not None:
        kind = project_status.column.type
        shown = [{"type": kind, kind: project_status.options[task.project.status]}]
    return {"rollup": {"type": "array", "array": shown, "function": "show_original"}}


def _contact(task: Task, role: str) -> Json:
    """Return the link, address, telephone number or files that about every third task carries."""
    luck = crc32(f"{role} {task.page_id}".encode()) % 100
    number = crc32(task.page_id.encode()) % 9000 + 1000
    match role:
        case "url":
            return {"url": f"https://intranet.globex.example/tareas/{number}" if luck < 35 else None}
        case "email":
            return {"email": f"contacto{number}@proveedor.example" if luck < 30 else None}
        case "phone":
            return {"phone_number": f"+34 900 55 {number}" if luck < 25 else None}
    file = {
        "name": f"anexo-{number}.pdf",
        "type": "external",
        "external": {"url": f"https://files.globex.example/anexo-{number}.pdf"},
    }
    return {"files": [file] if luck < 20 else []}


def task_value(made: Property, task: Task, *, today: date, project_status: Property | None) -> Json:
    """Return the value of one property of a task without `id` and `type`. Raises KeyError: unknown role."""
    life = task.life
    match made.column.role:
        case "title":
            return {"title": plain(task.title)}
        case "status" | "department":
            return _chosen(made, life.status if made.column.role == "status" else task.department)
        case "done":
            return {"checkbox": life.status in _FINISHED}
        case "people":
            return {"people": _people(task.people)}
        case "due":
            return {"date": date_value(life.due_on)}
        case "span":
            is_range = life.due_on is not None and life.starts_on is not None and life.starts_on < life.due_on
            start, end = (life.starts_on, life.due_on) if is_range else (life.due_on, None)
            return {"date": date_value(start, end)}
        case "completed":
            is_done = life.status == "done" and life.completed_at is not None
            return {"date": date_value(life.completed_at.date()) if is_done and life.completed_at else None}
        case "priority":
            return _priority(made, life.priority)
        case "tags":
            return {"multi_select": [made.options[tag] for tag in task.pattern.tags if tag in made.options]}
        case "estimate":
            hours = life.hours
            return {"number": int(hours) if hours is not None and hours == int(hours) else hours}
        case "blocked_by":
            return relation([other.page_id for other in task.blockers])
        case "blocking":
            return relation([other.page_id for other in task.blocking])
        case "project":
            return relation([] if task.project is None else [task.project.page_id])
        case "summary":
            return {"rich_text": plain(task.summary)}
        case "unique":
            return {"unique_id": {"prefix": task.table.prefix, "number": task.number}}
        case "days_left":
            return _days_left(task, today)
        case "is_late":
            return _is_late(task, today)
        case "project_status":
            return _of_project(task, project_status)
        case "url" | "email" | "phone" | "files":
            return _contact(task, made.column.role)
    return _audit_value(made.column.role, life.created_at, life.edited_at, task.author, task.editor)


def _audit_value(role: str, created: datetime, edited: datetime, author: Member, editor: Member) -> Json:
    values: dict[str, Json] = {
        "created": {"created_time": stamp(created)},
        "edited": {"last_edited_time": stamp(edited)},
        "author": {"created_by": author.as_json()},
        "editor": {"last_edited_by": user_reference(editor.id)},
    }
    return values[role]


def project_value(made: Property, project: Project, *, tables: Sequence[str]) -> Json:
    """Return the value of one property of a project; a `tasks` relation shows the tasks of these tables."""
    match made.column.role:
        case "title":
            return {"title": plain(project.title)}
        case "status" | "department":
            return _chosen(made, project.status if made.column.role == "status" else project.department)
        case "people":
            return {"people": _people([project.lead])}
        case "span":
            return {"date": date_value(project.starts_on, project.ends_on)}
        case "tasks":
            return relation([task.page_id for task in project.tasks if task.table.key in tables])
        case "task_count":
            count = sum(task.table.key in tables for task in project.tasks)
            return {"rollup": {"type": "number", "number": count, "function": "count"}}
    raise KeyError(made.column.role)
