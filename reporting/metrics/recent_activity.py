"""What happened lately: what people did with tasks, and what the sync brought."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, Count, Max, Min, Q, Sum
from django.db.models.functions import Cast, TruncDate
from django.utils import timezone

from integrations.models import SyncRun
from integrations.selectors import visible_sync_runs
from tasks.models import TaskActivity
from tasks.selectors import visible_tasks
from tenants.accounts.access import Actor, can_somewhere

DAYS: Final = 2
SYNCED_SHOWN: Final = 3
# An import writes a line for each task; changes older than so many lines are no news any more.
SYNCED_LOOKED_AT: Final = 60
A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One line: a verb on a task (`task_key`), or what a workspace (`connection_id`) brought in a day.

    `run_id` is set when a single run brought it; `changes` holds its counts, or a task's fields before and after.
    """

    at: datetime
    actor_name: str
    verb: str
    task_key: str = ""
    task_title: str = ""
    changes: dict[str, Any]
    connection_id: UUID | None = None
    run_id: UUID | None = None
    is_by_person: bool = True


def recent_activity(*, actor: Actor, limit: int = 8) -> list[Happening]:
    """The newest happenings the reader may see, newest first; three queries however much was imported.

    What people did comes whole; the tasks an import made are one line per workspace and day, beside the
    last few changes it took over.
    """
    found = [_of_runs(row) for row in _brought(actor)]
    if can_somewhere(actor, "tasks.view"):
        # Ids are made in the order of time, so the newest rows are found by the primary key alone.
        lines = (
            TaskActivity.objects.filter(task__in=visible_tasks(actor=actor))
            .select_related("task")
            .only("actor_name", "user_id", "verb", "changes", "created_at", "task__key", "task__title")
            .order_by("-pk")
        )
        synced = [
            line
            for line in lines[:SYNCED_LOOKED_AT]
            if line.user_id is None and line.verb != TaskActivity.Verb.CREATED
        ]
        by_people = lines.filter(user__isnull=False)[:limit]
        found += [_of_task(line) for line in (*by_people, *synced[:SYNCED_SHOWN])]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def _brought(actor: Actor) -> list[dict[str, Any]]:
    """Sums over the runs of today and yesterday that brought something, per workspace and day.

    First imports stand alone; page texts belong to tasks that were counted before.
    """
    yesterday = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0) - A_DAY * (DAYS - 1)
    rows = (
        visible_sync_runs(actor=actor)
        .filter(finished_at__isnull=False, created_at__gte=yesterday)
        .exclude(new=0, changed=0, archived=0)
        .exclude(kind=SyncRun.Kind.BODIES)
        .annotate(is_first=Q(kind=SyncRun.Kind.IMPORT))
        .order_by()
        .select_related(None)
        .values("connection_id", "connection__name", "is_first", day=TruncDate("created_at"))
        .annotate(
            at=Max("finished_at"),
            runs=Count("pk"),
            first_run=Min(Cast("pk", CharField())),
            new_sum=Sum("new"),
            changed_sum=Sum("changed"),
            archived_sum=Sum("archived"),
        )
    )
    return [dict(row) for row in rows]


def _of_runs(row: dict[str, Any]) -> Happening:
    return Happening(
        at=row["at"],
        actor_name=row["connection__name"],
        verb="synced",
        changes={"new": row["new_sum"], "changed": row["changed_sum"], "archived": row["archived_sum"]},
        connection_id=row["connection_id"],
        run_id=UUID(row["first_run"]) if row["runs"] == 1 else None,
        is_by_person=False,
    )


def _of_task(line: TaskActivity) -> Happening:
    return Happening(
        at=line.created_at,
        actor_name=line.actor_name,
        verb=line.verb,
        task_key=line.task.key,
        task_title=line.task.title,
        changes=line.changes,
        is_by_person=line.user_id is not None,
    )
