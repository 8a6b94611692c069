"""What clients are shown of what was shared with them: projects with their progress, milestones, states, news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import FETCH_RAISE, Count, Q, QuerySet
from django.utils import timezone

from tasks.approvals.selectors import visible_approvals, waiting_for
from tasks.models import ApprovalRequest, Milestone, Project, Task, TaskActivity
from tasks.selectors import (
    milestones_with_progress,
    project_progress,
    visible_project_rows,
    visible_tasks,
)
from tenants.accounts.access import Actor
from tenants.foundation.keyset import Page, keyset_page

PROJECTS_SHOWN: Final = 200
TASKS_SHOWN: Final = 50
PAGE_SIZE: Final = 25
NEWS_SHOWN: Final = 10
WAITING_SHOWN: Final = 5
# The columns of a task a client sees: not whose it is, how urgent, from where.
_TASK_COLUMNS: Final = ("id", "key", "title", "status", "due_on", "due_order", "completed_at")
OPEN: Final = "open"
DONE: Final = "done"


@dataclass(frozen=True, kw_only=True)
class SharedProject:
    """A project with how far it is, and the milestone that comes next."""

    project: Project
    done: int
    total: int
    next_milestone: Milestone | None = None


@dataclass(frozen=True, kw_only=True)
class PortalHome:
    """All the portal's first page shows."""

    projects: Sequence[SharedProject]
    tasks: Sequence[Task]
    waiting: Sequence[ApprovalRequest]


@dataclass(frozen=True, kw_only=True)
class ShownMilestone:
    """A milestone in a word: reached, late or ahead; and how many of its tasks are done."""

    milestone: Milestone
    state: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, kw_only=True)
class News:
    """One task that went from one state to another."""

    key: str
    title: str
    at: datetime
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class PortalProject:
    """All the page of one project shows; `counts` holds the number of tasks by state."""

    project: Project
    milestones: Sequence[ShownMilestone]
    counts: dict[str, int]
    page: Page[Task]
    news: Sequence[News]
    approvals: Sequence[ApprovalRequest]

    @property
    def total(self) -> int:
        """Tasks that were not cancelled."""
        return sum(number for state, number in self.counts.items() if state != Task.Status.CANCELLED)

    @property
    def done(self) -> int:
        """Tasks that are done."""
        return self.counts.get(Task.Status.DONE, 0)


def portal_home(*, actor: Actor) -> PortalHome:
    """The first page; six queries."""
    projects = list(
        visible_project_rows(actor=actor).select_related(None).order_by("name", "pk")[:PROJECTS_SHOWN]
    )
    ids = [project.pk for project in projects]
    progress = project_progress(actor=actor)
    upcoming: dict[UUID, Milestone] = {}
    ahead = Milestone.objects.filter(project__in=ids, reached_at=None).order_by("project_id", "due_on", "pk")
    for milestone in ahead.distinct("project_id"):
        upcoming[milestone.project_id] = milestone
    single = visible_tasks(actor=actor).live().exclude(project__in=ids).order_by("due_order", "pk")
    return PortalHome(
        projects=[
            SharedProject(
                project=project,
                done=progress.get(project.pk, (0, 0))[0],
                total=progress.get(project.pk, (0, 0))[1],
                next_milestone=upcoming.get(project.pk),
            )
            for project in projects
        ],
        tasks=list(single.only(*_TASK_COLUMNS).fetch_mode(FETCH_RAISE)[:TASKS_SHOWN]),
        waiting=list(_with_subject(waiting_for(actor=actor))[:WAITING_SHOWN]),
    )


def portal_project(
    *, project: Project, actor: Actor, state: str = "", cursor: str | None = None
) -> PortalProject:
    """One project's page: the tasks of one state (or "open") a page at a time; six queries. Raises: InvalidInput."""
    tasks = visible_tasks(actor=actor).live().filter(project=project)
    counts = dict(tasks.order_by().values_list("status").annotate(number=Count("pk")))
    shown = tasks
    if state == OPEN:
        shown = tasks.open()
    elif state in Task.Status.values:
        shown = tasks.filter(status=state)
    return PortalProject(
        project=project,
        milestones=milestones_of(project, actor=actor),
        counts=counts,
        page=keyset_page(
            shown.only(*_TASK_COLUMNS).fetch_mode(FETCH_RAISE),
            sort="due",
            sorts={"due": "due_order"},
            cursor=cursor or None,
            size=PAGE_SIZE,
        ),
        news=_news(project),
        approvals=list(
            _with_subject(
                visible_approvals(actor=actor).filter(
                    Q(project=project) | Q(milestone__project=project) | Q(task__project=project)
                )
            ).order_by("-created_at", "-pk")[:NEWS_SHOWN]
        ),
    )


def approvals_of(*, task: Task, actor: Actor) -> list[ApprovalRequest]:
    """The approvals of one task that ask the client, newest first; one query."""
    rows = _with_subject(visible_approvals(actor=actor).filter(task=task))
    return list(rows.order_by("-created_at", "-pk")[:TASKS_SHOWN])


def milestones_of(project: Project, *, actor: Actor) -> list[ShownMilestone]:
    """A project's milestones by day, those without one last; two queries."""
    today = timezone.localdate()

    def state(milestone: Milestone) -> str:
        if milestone.reached_at is not None:
            return "reached"
        return "late" if milestone.due_on is not None and milestone.due_on < today else "ahead"

    return [
        ShownMilestone(milestone=each, state=state(each), done=each.done, total=each.total)  # type: ignore[attr-defined]
        for each in milestones_with_progress(project, actor=actor)
    ]


def _with_subject(rows: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
    return rows.select_related("task", "milestone__project", "project")


def _news(project: Project) -> list[News]:
    """The last changes of state, without who made them: ids are in the order of time."""
    rows = (
        TaskActivity.objects.filter(task__project=project, task__archived_at=None, changes__has_key="status")
        .order_by("-pk")
        .values_list("task__key", "task__title", "created_at", "changes__status")
    )
    return [
        News(key=key, title=title, at=at, before=pair[0] or "", after=pair[1] or "")
        for key, title, at, pair in rows[:NEWS_SHOWN]
    ]
