"""The board: a column a status, the first cards of each and how many there are, in three queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Count

from tasks.filters import TaskFilters
from tasks.models import Task
from tasks.narrowing import SORT_COLUMNS, Viewpoint
from tasks.selectors import filtered_tasks, viewpoint_of, with_row_parts
from tenants.accounts.access import Actor
from tenants.foundation.keyset import Cursor, Direction, Page, keyset_page

CARDS_PER_COLUMN: Final = 30
# Cancelled work gets a column only when it is asked for.
DEFAULT_COLUMNS: Final = (*Task.OPEN_STATUSES, Task.Status.DONE)


@dataclass(frozen=True)
class BoardColumn:
    """One status: its first cards, how many tasks it has in all, and where the next cards begin."""

    status: Task.Status
    tasks: Sequence[Task]
    count: int
    next_cursor: str | None


def board_columns(
    *, actor: Actor, filters: TaskFilters, viewpoint: Viewpoint | None = None, size: int = CARDS_PER_COLUMN
) -> list[BoardColumn]:
    """Every column of the board; a status filter leaves the others out. Three queries."""
    viewpoint = viewpoint or viewpoint_of(actor)
    shown = [status for status in Task.Status if status in (filters.statuses or DEFAULT_COLUMNS)]
    tasks = filtered_tasks(actor=actor, filters=filters.without("statuses"), viewpoint=viewpoint)
    counts = dict(
        tasks.filter(status__in=shown).order_by().values_list("status").annotate(number=Count("pk"))
    )
    column = SORT_COLUMNS[filters.order.by]
    order = [f"{'-' if filters.order.is_descending else ''}{name}" for name in (column, "pk")]
    # One limited, indexed read a column, sent as one statement.
    first, *others = [
        tasks.filter(status=status).order_by(*order).values_list("pk", flat=True)[: size + 1]
        for status in shown
    ]
    ids = first.union(*others, all=True) if others else first
    cards = list(with_row_parts(Task.objects.filter(pk__in=ids)).order_by(*order))
    columns: list[BoardColumn] = []
    for status in shown:
        held = [card for card in cards if card.status == status]
        columns.append(
            BoardColumn(
                status=status,
                tasks=held[:size],
                count=counts.get(status, 0),
                next_cursor=_cursor_after(held[size - 1], filters) if len(held) > size else None,
            )
        )
    return columns


def _cursor_after(card: Task, filters: TaskFilters) -> str:
    value = getattr(card, SORT_COLUMNS[filters.order.by])
    return Cursor(str(filters.order), Direction.NEXT, value, str(card.pk)).encode()


def column_page(
    *, actor: Actor, filters: TaskFilters, status: Task.Status, cursor: str, size: int = CARDS_PER_COLUMN
) -> Page[Task]:
    """The cards of one column after a cursor. Raises: InvalidInput (cursor)."""
    tasks = filtered_tasks(actor=actor, filters=filters.but(statuses=(status,)))
    return keyset_page(
        with_row_parts(tasks), sort=str(filters.order), sorts=SORT_COLUMNS, cursor=cursor, size=size
    )
