"""How many tasks are where: open, blocked, and blocked without anybody having touched them for a week."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q
from django.utils import timezone

from tasks.models import Task
from tasks.selectors import visible_tasks
from tenants.accounts.access import Actor

STALE_AFTER = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class TaskStates:
    """Counts of tasks in use (archived ones left out)."""

    total: int
    open: int
    blocked: int
    stale_blocked: int
    overdue: int
    overdue_urgent: int


def task_states(*, actor: Actor) -> TaskStates:
    """Count the tasks a reader may see by what they are waiting for; one query."""
    today = timezone.localdate()
    is_open = Q(status__in=Task.OPEN_STATUSES)
    is_blocked = Q(status=Task.Status.BLOCKED)
    is_overdue = is_open & Q(due_order__lt=today)
    counts = (
        visible_tasks(actor=actor)
        .live()
        .aggregate(
            total=Count("pk"),
            open=Count("pk", filter=is_open),
            blocked=Count("pk", filter=is_blocked),
            stale_blocked=Count("pk", filter=is_blocked & Q(updated_at__lt=timezone.now() - STALE_AFTER)),
            overdue=Count("pk", filter=is_overdue),
            overdue_urgent=Count("pk", filter=is_overdue & Q(priority=Task.Priority.URGENT)),
        )
    )
    return TaskStates(**counts)
