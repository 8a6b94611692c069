"""A task as a row or a card shows it: its words for dates, whether it is late, what it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from tasks.console.chips import short_date
from tasks.models import Task


@dataclass(frozen=True, kw_only=True)
class Card:
    """One task in a list or on a board."""

    task: Task
    due: str
    is_overdue: bool
    blockers: Sequence[str] = ()


def cards_of(
    tasks: Iterable[Task], *, today: date, blockers: Mapping[UUID, Sequence[str]] | None = None
) -> list[Card]:
    """Tasks as cards, in their order."""
    waiting = blockers or {}
    return [
        Card(
            task=task,
            due=short_date(task.due_on, today) if task.due_on else "",
            is_overdue=task.is_overdue(today=today),
            blockers=waiting.get(task.pk, ()),
        )
        for task in tasks
    ]
