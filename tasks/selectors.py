"""Reads of tasks: what a reader may see, narrowed, in order, a page at a time, without a query per row."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import FETCH_RAISE, Count, Prefetch, Q, QuerySet

from tasks.filters import TaskFilters
from tasks.models import (
    Comment,
    Milestone,
    Person,
    Project,
    Task,
    TaskActivity,
    TaskAssignee,
    TaskDependency,
    TaskQuerySet,
)
from tasks.narrowing import SORT_COLUMNS, Viewpoint, narrow
from tenants.accounts.access import Actor, can, visible_to
from tenants.accounts.clients import is_client
from tenants.foundation.errors import NotFound
from tenants.foundation.keyset import DEFAULT_PAGE_SIZE, Page, keyset_page

COUNT_LIMIT: Final = 1000
SEARCH_LIMIT: Final = 8


def visible_tasks(*, actor: Actor) -> TaskQuerySet:
    """The tasks a reader may see: all for the company's people, else their parts of it and what was shared."""
    return visible_to(Task.objects.all(), actor, "tasks.view")


def viewpoint_of(actor: Actor) -> Viewpoint:
    """What "me" and "today" mean for a reader, now."""
    return Viewpoint.of(actor.user_id)


def filtered_tasks(*, actor: Actor, filters: TaskFilters, viewpoint: Viewpoint | None = None) -> TaskQuerySet:
    """The visible tasks the filters ask for, unordered, without related rows: for counts and aggregates."""
    return narrow(visible_tasks(actor=actor), filters, viewpoint or viewpoint_of(actor))


def with_row_parts(tasks: TaskQuerySet) -> TaskQuerySet:
    """Read along what a row or card shows; reading anything more raises instead of querying."""
    people = Person.objects.only("id", "name", "avatar_url").order_by("name", "id")
    return (
        tasks.select_related("department", "project")
        .defer("description")
        .prefetch_related(Prefetch("assignees", queryset=people))
        .fetch_mode(FETCH_RAISE)
    )


def task_page(
    *,
    actor: Actor,
    filters: TaskFilters,
    cursor: str | None = None,
    size: int = DEFAULT_PAGE_SIZE,
    viewpoint: Viewpoint | None = None,
) -> Page[Task]:
    """One page of tasks in the filters' order: two queries, plus the permission's.

    Raises: InvalidInput (cursor, size).
    """
    tasks = with_row_parts(filtered_tasks(actor=actor, filters=filters, viewpoint=viewpoint))
    return keyset_page(tasks, sort=str(filters.order), sorts=SORT_COLUMNS, cursor=cursor, size=size)


@dataclass(frozen=True)
class CappedCount:
    """A count that stops at a limit: `1,000+` costs little, an exact million does not."""

    number: int
    is_capped: bool

    def __str__(self) -> str:
        return f"{self.number:,}+" if self.is_capped else f"{self.number:,}"


def count_up_to(tasks: TaskQuerySet, limit: int = COUNT_LIMIT) -> CappedCount:
    """Count tasks, but no further than the limit."""
    number = tasks.order_by()[: limit + 1].count()
    return CappedCount(min(number, limit), number > limit)


def open_blockers_of(ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The keys of the unfinished tasks each task waits for, by task; tasks without any are left out."""
    rows = (
        TaskDependency.objects.filter(
            task__in=list(ids),
            depends_on__status__in=Task.OPEN_STATUSES,
            depends_on__archived_at__isnull=True,
        )
        .order_by("depends_on__due_order", "depends_on_id")
        .values_list("task_id", "depends_on__key")
    )
    blockers: dict[UUID, list[str]] = {}
    for task_id, key in rows:
        blockers.setdefault(task_id, []).append(key)
    return blockers


def visible_task(*, actor: Actor, key: str) -> Task:
    """One task by its key (any case) or id, with what its page shows. Raises: NotFound."""
    condition = Q(key=key.upper())
    with contextlib.suppress(ValueError):
        condition = Q(pk=UUID(key))
    people = Person.objects.order_by("name", "id")
    task = (
        visible_tasks(actor=actor)
        .filter(condition)
        .select_related("department", "project", "milestone", "parent")
        .prefetch_related(Prefetch("assignees", queryset=people))
        .first()
    )
    if task is None:
        raise NotFound("There is no such task.", code="tasks.not_found")
    return task


def found_tasks(*, actor: Actor, words: str, limit: int = SEARCH_LIMIT) -> list[Task]:
    """The live tasks whose title holds every word, or whose key it is; last touched first."""
    filters = TaskFilters(search=" ".join(words.split()))
    if not filters.search:
        return []
    tasks = filtered_tasks(actor=actor, filters=filters).select_related("department", "project")
    return list(tasks.defer("description").fetch_mode(FETCH_RAISE).order_by("-updated_at", "-pk")[:limit])


@dataclass(frozen=True)
class TaskLinks:
    """The tasks around one: what it waits for, what waits for it, and its parts."""

    blocked_by: Sequence[Task]
    blocking: Sequence[Task]
    parts: Sequence[Task]


def links_of(*, task: Task, actor: Actor, limit: int = 100) -> TaskLinks:
    """The visible tasks around one, three queries."""
    near = visible_tasks(actor=actor).live().defer("description").fetch_mode(FETCH_RAISE)
    return TaskLinks(
        blocked_by=list(near.filter(dependents__task=task).order_by("due_order", "pk")[:limit]),
        blocking=list(near.filter(dependencies__depends_on=task).order_by("due_order", "pk")[:limit]),
        parts=list(near.filter(parent=task).order_by("due_order", "pk")[:limit]),
    )


def comments_of(*, task: Task, actor: Actor, limit: int = 200) -> list[Comment]:
    """The last comments under a task, oldest first; a client gets the shared ones only."""
    rows = Comment.objects.filter(task=task)
    if is_client(actor):
        rows = rows.filter(is_shared=True)
    return list(reversed(rows.order_by("-created_at", "-pk")[:limit]))


def nameable_people(*, actor: Actor) -> QuerySet[Person]:
    """Whom a reader may put on a task: all, for who sees the whole company, else those on tasks they may see."""
    people = Person.objects.filter(is_active=True).order_by("name", "pk")
    if can(actor, "tasks.view"):
        return people
    near = TaskAssignee.objects.filter(task__in=visible_tasks(actor=actor).order_by().values("pk"))
    return people.filter(Q(pk__in=near.values("person")) | Q(user=actor.user_id, user__isnull=False))


def activity_of(*, task: Task, limit: int = 50) -> list[TaskActivity]:
    """What happened to a task, newest first."""
    return list(TaskActivity.objects.filter(task=task).order_by("-created_at", "-pk")[:limit])


def visible_project_rows(*, actor: Actor) -> QuerySet[Project]:
    """The projects a reader may see, not archived, with their departments."""
    rows = Project.objects.filter(archived_at__isnull=True).select_related("department")
    return visible_to(rows, actor, "tasks.view")


def visible_projects(*, actor: Actor) -> list[Project]:
    """The projects a reader may see, by name."""
    return list(visible_project_rows(actor=actor).order_by("name", "pk"))


def visible_project(*, actor: Actor, project_id: UUID) -> Project:
    """One project. Raises: NotFound."""
    project = visible_project_rows(actor=actor).filter(pk=project_id).first()
    if project is None:
        raise NotFound("There is no such project.", code="projects.not_found")
    return project


def visible_milestones(*, actor: Actor) -> QuerySet[Milestone]:
    """The milestones of the projects a reader may see, with their projects."""
    seen = visible_project_rows(actor=actor).order_by().values("pk")
    return Milestone.objects.filter(project__in=seen).select_related("project")


def visible_milestone(*, actor: Actor, milestone_id: UUID) -> Milestone:
    """One milestone, with its project. Raises: NotFound."""
    found = visible_milestones(actor=actor).filter(pk=milestone_id).first()
    if found is None:
        raise NotFound("There is no such milestone.", code="milestones.not_found")
    return found


def milestones_with_progress(project: Project, *, actor: Actor) -> list[Milestone]:
    """A project's milestones by day, those without one last; with `done` of `total`, as `milestone_progress` counts.

    Two queries.
    """
    milestones = list(Milestone.objects.filter(project=project).order_by("due_on", "pk"))
    progress = milestone_progress(milestones, actor=actor)
    for each in milestones:
        each.done, each.total = progress.get(each.pk, (0, 0))  # type: ignore[attr-defined]
    return milestones


def milestone_progress(milestones: Iterable[Milestone], *, actor: Actor) -> dict[UUID, tuple[int, int]]:
    """For each of these with tasks: how many are done, and how many were not cancelled or put away. One query.

    Only what the reader may see counts: a number tells how many tasks others have.
    """
    rows = (
        visible_tasks(actor=actor)
        .live()
        .filter(milestone__in=[each.pk for each in milestones])
        .exclude(status=Task.Status.CANCELLED)
        .order_by()
        .values_list("milestone_id")
        .annotate(done=Count("pk", filter=Q(status=Task.Status.DONE)), total=Count("pk"))
    )
    return {milestone_id: (done, total) for milestone_id, done, total in rows}


def project_progress(*, actor: Actor) -> dict[UUID, tuple[int, int]]:
    """For each project with tasks: how many are done, and how many were not cancelled. One query."""
    tasks = visible_tasks(actor=actor).live().exclude(status=Task.Status.CANCELLED)
    rows = (
        tasks.filter(project__isnull=False)
        .order_by()
        .values_list("project_id")
        .annotate(done=Count("pk", filter=Q(status=Task.Status.DONE)), total=Count("pk"))
    )
    return {project_id: (done, total) for project_id, done, total in rows}
