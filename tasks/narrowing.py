"""Filters into conditions: what `TaskFilters` means in the database, for every list, board and count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from tasks.filters import ME, NOBODY, NONE, Archived, Due, Owner, Reference, Sort, TaskFilters
from tasks.models import TaskAssignee, TaskQuerySet
from tasks.models.task import NO_DUE

DAYS_IN_WEEK: Final = 7
# The indexed column behind each sort.
SORT_COLUMNS: Final[dict[str, str]] = {
    Sort.UPDATED: "updated_at",
    Sort.DUE: "due_order",
    Sort.PRIORITY: "priority",
    Sort.CREATED: "created_at",
    Sort.TITLE: "title_order",
    Sort.COMPLETED: "completed_order",
}


@dataclass(frozen=True)
class Viewpoint:
    """Who looks, and when: what "me" and "overdue" are relative to; `user_id` is None for the system."""

    user_id: UUID | None
    today: date

    @classmethod
    def of(cls, user_id: UUID | None) -> Viewpoint:
        """The viewpoint of a user now, in the active time zone."""
        return cls(user_id, timezone.localdate())


def narrow(tasks: TaskQuerySet, filters: TaskFilters, viewpoint: Viewpoint) -> TaskQuerySet:
    """Keep the tasks the filters ask for. The order is not touched."""
    tasks = _by_archive(tasks, filters.archived)
    if filters.statuses:
        tasks = tasks.filter(status__in=filters.statuses)
    if filters.priorities:
        tasks = tasks.filter(priority__in=filters.priorities)
    if filters.departments:
        tasks = tasks.filter(_refers("department", filters.departments))
    if filters.projects:
        tasks = tasks.filter(_refers("project", filters.projects))
    if filters.sources:
        tasks = tasks.filter(source__in=filters.sources)
    if filters.tags:
        tasks = tasks.filter(tags__overlap=list(filters.tags))
    if filters.assignees:
        tasks = tasks.filter(_assigned(filters.assignees, viewpoint.user_id))
    return _by_words(_by_completion(_by_due(tasks, filters, viewpoint.today), filters), filters.search)


def _by_archive(tasks: TaskQuerySet, which: Archived) -> TaskQuerySet:
    if which is Archived.ALL:
        return tasks
    return tasks.filter(archived_at__isnull=which is Archived.NO)


def _refers(name: str, references: tuple[Reference, ...]) -> Q:
    ids = [reference for reference in references if reference != NONE]
    condition = Q(**{f"{name}__in": ids}) if ids else Q()
    if NONE in references:
        condition |= Q(**{f"{name}__isnull": True})
    return condition


def _assigned(owners: tuple[Owner, ...], user_id: UUID | None) -> Q:
    assignments = TaskAssignee.objects.filter(task=OuterRef("pk"))
    ids = [owner for owner in owners if isinstance(owner, UUID)]
    conditions: list[Q] = []
    if ids:
        conditions.append(Q(Exists(assignments.filter(person__in=ids))))
    if ME in owners:
        # Nobody signed in: "me" is nobody's task, not everybody's.
        mine = assignments.filter(person__user=user_id) if user_id else assignments.none()
        conditions.append(Q(Exists(mine)))
    if NOBODY in owners:
        conditions.append(Q(~Exists(assignments)))
    condition = conditions[0]
    for other in conditions[1:]:
        condition |= other
    return condition


def _by_due(tasks: TaskQuerySet, filters: TaskFilters, today: date) -> TaskQuerySet:
    match filters.due:
        case Due.OVERDUE:
            tasks = tasks.overdue(today=today)
        case Due.TODAY:
            tasks = tasks.filter(due_order=today)
        case Due.THIS_WEEK:
            monday = today - timedelta(days=today.weekday())
            tasks = tasks.filter(due_order__gte=monday, due_order__lt=monday + timedelta(days=DAYS_IN_WEEK))
        case Due.NONE:
            tasks = tasks.filter(due_order=NO_DUE)
        case None:
            pass
    if filters.due_before:
        tasks = tasks.filter(due_order__lt=filters.due_before)
    if filters.due_after:
        tasks = tasks.filter(due_order__gt=filters.due_after, due_order__lt=NO_DUE)
    return tasks


def _by_completion(tasks: TaskQuerySet, filters: TaskFilters) -> TaskQuerySet:
    if filters.completed_before:
        tasks = tasks.filter(
            completed_at__isnull=False, completed_order__lt=_midnight(filters.completed_before)
        )
    if filters.completed_after and filters.completed_after < date.max:
        tasks = tasks.filter(completed_order__gte=_midnight(filters.completed_after + timedelta(days=1)))
    elif filters.completed_after:
        tasks = tasks.none()
    return tasks


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _by_words(tasks: TaskQuerySet, search: str) -> TaskQuerySet:
    """Every word has to stand in the title; a task's key finds that task."""
    if not search:
        return tasks
    in_title = Q()
    for word in search.split():
        in_title &= Q(title__icontains=word)
    if "-" in search and " " not in search:
        return tasks.filter(in_title | Q(key=search.upper()))
    return tasks.filter(in_title)
