"""Writes down what happened to tasks, in words a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from tasks.models import Task, TaskActivity
from tenants.accounts.access import Actor

MAX_TEXT_CHARS: Final = 200
# Long text: that it changed is said, not what it was.
_UNQUOTED: Final = frozenset({"description"})


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One thing that happened to one task; `changes` maps a field to its (before, after) values."""

    task_id: UUID
    verb: TaskActivity.Verb
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


def record(happenings: Iterable[Happening], *, actor: Actor) -> None:
    """Write happenings down, in one statement."""
    TaskActivity.objects.bulk_create(
        [
            TaskActivity(
                task_id=happening.task_id,
                user_id=actor.user_id,
                actor_name=actor.name[:200],
                verb=happening.verb,
                changes={
                    name: [None, None] if name in _UNQUOTED else [as_text(name, before), as_text(name, after)]
                    for name, (before, after) in happening.changes.items()
                },
            )
            for happening in happenings
        ]
    )


def as_text(name: str, value: Any) -> str | None:
    """One value of one field as text; None stays None, meaning that there was nothing."""
    if value is None or value == "" or value == []:
        return None
    match name:
        case "status":
            return str(Task.Status(value).label)
        case "priority":
            return str(Task.Priority(value).label)
    match value:
        case datetime():
            return value.isoformat(timespec="minutes")
        case date():
            return value.isoformat()
        case list() | tuple() | set() | frozenset():
            return ", ".join(sorted(str(part) for part in value))[:MAX_TEXT_CHARS]
        case _:
            return str(value)[:MAX_TEXT_CHARS]
