"""What happened lately: what people did with tasks, and what the sync brought."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from integrations.models import SyncRun
from integrations.selectors import visible_sync_runs
from tasks.models import TaskActivity
from tasks.selectors import visible_tasks
from tenants.accounts.access import Actor, can


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One line: somebody's verb on a task (`task_key`), or a run (`run_id`) with its counts."""

    at: datetime
    actor_name: str
    verb: str
    task_key: str = ""
    task_title: str = ""
    changes: dict[str, Any]
    run_id: UUID | None = None


def recent_activity(*, actor: Actor, limit: int = 8) -> list[Happening]:
    """The newest happenings the reader may see; two queries."""
    found: list[Happening] = []
    if can(actor, "tasks.view"):
        # Ids are made in the order of time, so the newest rows are found by the primary key alone.
        rows = (
            TaskActivity.objects.filter(task__in=visible_tasks(actor=actor))
            .select_related("task")
            .only("actor_name", "verb", "changes", "created_at", "task__key", "task__title")
            .order_by("-pk")[:limit]
        )
        found += [
            Happening(
                at=row.created_at,
                actor_name=row.actor_name,
                verb=row.verb,
                task_key=row.task.key,
                task_title=row.task.title,
                changes=row.changes,
            )
            for row in rows
        ]
    brought = (
        visible_sync_runs(actor=actor).filter(finished_at__isnull=False).exclude(new=0, changed=0, archived=0)
    )
    found += [_of_run(run) for run in brought[:limit]]
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def _of_run(run: SyncRun) -> Happening:
    return Happening(
        at=run.finished_at or run.updated_at,
        actor_name=run.connection.name,
        verb="synced",
        changes={"new": run.new, "changed": run.changed, "archived": run.archived},
        run_id=run.pk,
    )
