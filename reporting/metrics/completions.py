"""Tasks finished in each week, by department."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count
from django.db.models.functions import TruncWeek
from django.utils import timezone

from reporting.metrics.weeks import ONE_WEEK, Week
from tasks.models import Task
from tasks.selectors import visible_tasks
from tenants.accounts.access import Actor


@dataclass(frozen=True, kw_only=True)
class DepartmentCompletions:
    """One department's finished tasks, a count for each week; without an id, those of no department."""

    department_id: UUID | None
    name: str
    color: int
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(self.counts)


def weekly_completions(*, actor: Actor, weeks: Sequence[Week]) -> list[DepartmentCompletions]:
    """The departments that finished something, most first; one query."""
    rows = (
        visible_tasks(actor=actor)
        .live()
        .filter(status=Task.Status.DONE, completed_order__gte=weeks[0].starts_at)
        .annotate(week=TruncWeek("completed_at"))
        .values_list("week", "department_id", "department__name", "department__color")
        .annotate(count=Count("pk"))
        .order_by()
    )
    places = {week.monday: place for place, week in enumerate(weeks)}
    counts: dict[UUID | None, list[int]] = defaultdict(lambda: [0] * len(weeks))
    about: dict[UUID | None, tuple[str, int]] = {}
    for week, department_id, name, color, count in rows:
        place = places.get(timezone.localtime(week).date())
        if place is None:  # a completion dated in the future
            continue
        counts[department_id][place] += count
        about[department_id] = (name or "", color or 6)
    found = [
        DepartmentCompletions(
            department_id=department_id,
            name=about[department_id][0],
            color=about[department_id][1],
            counts=tuple(row),
        )
        for department_id, row in counts.items()
    ]
    return sorted(found, key=lambda each: (-each.total, each.name))


def completed_until_now_last_week(*, actor: Actor, this_week: Week) -> int:
    """How many were finished last week by this weekday and hour: what this week's count compares with."""
    return (
        visible_tasks(actor=actor)
        .live()
        .filter(
            status=Task.Status.DONE,
            completed_order__gte=Week(this_week.monday - ONE_WEEK).starts_at,
            completed_order__lt=timezone.now() - ONE_WEEK,
        )
        .count()
    )
