"""Puts a value a person chose into a task, through the same services as any edit."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from integrations.sync.canonical import Canonical
from integrations.sync.carrying import strings
from integrations.sync.vocabulary import OurField
from tasks.drafts import TaskChanges
from tasks.importing.naming import departments_named, projects_named
from tasks.models import Task, TaskDependency
from tasks.services import add_dependency, edit_tasks, remove_dependency
from tenants.accounts.access import Actor


def apply_value(task: Task, our_field: OurField, value: Canonical, *, actor: Actor) -> None:
    """Make a field of a task what the value says; a department or project that is new is made.

    Raises: Forbidden, InvalidInput (what it refers to is gone), Conflict (archived, or completed with an open blocker).
    """
    if our_field is OurField.BLOCKED_BY:
        _set_blockers(task, {UUID(item) for item in strings(value)}, actor)
        return
    edit_tasks(ids=[task.pk], changes=TaskChanges(**_CHANGES[our_field](value)), actor=actor)


def _set_blockers(task: Task, wanted: set[UUID], actor: Actor) -> None:
    present = set(TaskDependency.objects.filter(task=task).values_list("depends_on_id", flat=True))
    others = {other.pk: other for other in Task.objects.filter(pk__in=wanted ^ present)}
    for pk in sorted(present - wanted):
        remove_dependency(task=task, depends_on=others[pk], actor=actor)
    for pk in sorted((wanted - present) & set(others)):
        add_dependency(task=task, depends_on=others[pk], actor=actor)


def _due(value: Canonical) -> dict[str, Any]:
    if not isinstance(value, dict) or value["on"] is None:
        return {"due_on": None, "due_at": None}
    at = value["at"]
    return {
        "due_on": date.fromisoformat(value["on"]),
        "due_at": datetime.fromisoformat(at) if at is not None else None,
    }


def _department(value: Canonical) -> dict[str, Any]:
    found = departments_named([value]) if isinstance(value, str) else {}
    return {"department_id": next((item.pk for item in found.values()), None)}


def _project(value: Canonical) -> dict[str, Any]:
    found = projects_named([value]) if isinstance(value, str) else {}
    return {"project_id": next((item.pk for item in found.values()), None)}


_CHANGES: Final[Mapping[OurField, Callable[[Canonical], dict[str, Any]]]] = {
    OurField.TITLE: lambda value: {"title": value},
    OurField.STATUS: lambda value: {"status": value},
    OurField.PRIORITY: lambda value: {"priority": value},
    OurField.DESCRIPTION: lambda value: {"description": value or ""},
    OurField.ASSIGNEES: lambda value: {"assignee_ids": [UUID(item) for item in strings(value)]},
    OurField.DUE: _due,
    OurField.START: lambda value: {"start_on": date.fromisoformat(value) if isinstance(value, str) else None},
    OurField.ESTIMATE: lambda value: {"estimate_hours": Decimal(value) if isinstance(value, str) else None},
    OurField.TAGS: lambda value: {"tags": strings(value)},
    OurField.DEPARTMENT: _department,
    OurField.PROJECT: _project,
    OurField.PARENT: lambda value: {"parent_id": UUID(value) if isinstance(value, str) else None},
}
