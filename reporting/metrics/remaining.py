"""How many tasks were open at the end of each week, and how many of them were late by then.

Told backwards from today's count: what was finished since had still been open, what was made since had not
been there. Archived and cancelled tasks are left out of the whole history, since when they were cancelled is
not known.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone

from reporting.metrics.weeks import Week
from tasks.models import Task
from tasks.selectors import visible_tasks
from tenants.accounts.access import Actor


@dataclass(frozen=True, kw_only=True)
class Remaining:
    """Open tasks at the end of each week (of the present week: now), and those of them that were overdue."""

    open: tuple[int, ...]
    late: tuple[int, ...]

    @property
    def on_time(self) -> tuple[int, ...]:
        """What would have remained if nothing were late."""
        return tuple(each - late for each, late in zip(self.open, self.late, strict=True))


def remaining_by_week(
    *, actor: Actor, weeks: Sequence[Week], open_now: int, completed: Sequence[int]
) -> Remaining:
    """Tell the history; `completed` are the finished tasks of each of these weeks. Two queries."""
    tasks = visible_tasks(actor=actor).live().exclude(status=Task.Status.CANCELLED)
    made: Counter[object] = Counter()
    rows = (
        tasks.filter(created_at__gte=weeks[0].starts_at)
        .annotate(week=TruncWeek("created_at"))
        .values_list("week")
        .annotate(count=Count("pk"))
        .order_by()
    )
    for week, count in rows:
        made[timezone.localtime(week).date()] += count
    at_end = [open_now]
    for week, finished in zip(reversed(weeks[1:]), reversed(completed[1:]), strict=True):
        at_end.append(max(at_end[-1] - made[week.monday] + finished, 0))
    at_end.reverse()
    late = _late_by_week(actor=actor, weeks=weeks)
    return Remaining(
        open=tuple(at_end), late=tuple(min(one, all_) for one, all_ in zip(late, at_end, strict=True))
    )


def _late_by_week(*, actor: Actor, weeks: Sequence[Week]) -> list[int]:
    """At the end of each week: tasks that were due before, made before, and not finished yet."""
    now = timezone.now()
    ends = [min(week.ends_at, now) for week in weeks]
    conditions = {
        f"week_{place}": Count(
            "pk",
            filter=Q(due_on__lt=timezone.localtime(end).date(), created_at__lt=end)
            & (Q(completed_at__isnull=True) | Q(completed_at__gte=end)),
        )
        for place, end in enumerate(ends)
    }
    counts = (
        visible_tasks(actor=actor)
        .live()
        .exclude(status=Task.Status.CANCELLED)
        .filter(due_on__lt=timezone.localdate())
        .filter(Q(completed_at__isnull=True) | Q(completed_order__gte=weeks[0].ends_at))
        .aggregate(**conditions)
    )
    return [counts[f"week_{place}"] for place in range(len(weeks))]
