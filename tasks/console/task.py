"""One task: its properties, text, relations, comments and history, each to be changed in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tasks.approvals.selectors import approvals_about
from tasks.console.cards import cards_of
from tasks.console.forms import TaskForm, add_domain_error, values_of
from tasks.console.history import feed_of
from tasks.console.undoing import Undo, offer_undo
from tasks.drafts import TaskChanges
from tasks.models import Milestone, Project, Task
from tasks.ports import panels_of
from tasks.rendering import to_html
from tasks.selectors import (
    activity_of,
    comments_of,
    links_of,
    open_blockers_of,
    visible_milestones,
    visible_project_rows,
    visible_task,
)
from tasks.services import (
    add_comment,
    add_dependency,
    archive_task,
    create_task,
    remove_dependency,
    restore_task,
    update_task,
)
from tenants.accounts.access import UserActor, actor_of, can, require, require_somewhere
from tenants.accounts.models import Department
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import DomainError, InvalidInput


@login_required
@require_GET
def detail(request: HttpRequest, key: str) -> HttpResponse:
    """The task's page. Raises: NotFound."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    return render(request, "tasks/task_detail.html", _context(task, actor))


def _context(task: Task, actor: UserActor) -> dict[str, Any]:
    today = timezone.localdate()
    links = links_of(task=task, actor=actor)
    blockers = open_blockers_of([task.pk])
    return {
        "task": task,
        "card": cards_of([task], today=today, blockers=blockers)[0],
        "description": to_html(task.description) if task.description else "",
        "blocked_by": cards_of(links.blocked_by, today=today),
        "blocking": cards_of(links.blocking, today=today),
        "parts": cards_of(links.parts, today=today),
        "comments": [(comment, to_html(comment.body)) for comment in comments_of(task=task, actor=actor)],
        "feed": feed_of(activity_of(task=task)),
        "statuses": Task.Status,
        "priorities": Task.Priority,
        "departments": list(Department.objects.order_by("name")),
        "projects": list(
            Project.objects.filter(
                Q(pk__in=visible_project_rows(actor=actor).values("pk")) | Q(pk=task.project_id)
            )
            .only("pk", "name")
            .order_by("name")
        ),
        "milestones": _milestones(task, actor),
        "panels": panels_of(task, actor=actor),
        "may_edit": can(actor, "tasks.edit", task) and not task.is_archived,
        "may_comment": can(actor, "tasks.comment", task),
        "may_archive": can(actor, "tasks.archive", task),
        "may_share": can(actor, "tasks.share", task) and not task.is_archived,
        "may_ask": can(actor, "tasks.request_approval", task) and not task.is_archived,
        "approvals": approvals_about(subject=task, actor=actor),
    }


def _milestones(task: Task, actor: UserActor) -> list[Milestone]:
    """Those of its project, by day; no query for a task without one."""
    if task.project_id is None:
        return []
    rows = Milestone.objects.filter(
        Q(pk__in=visible_milestones(actor=actor).filter(project=task.project_id).values("pk"))
        | Q(pk=task.milestone_id)
    )
    return list(rows.order_by("due_on", "name", "pk"))


def _answer(
    request: HttpRequest, task: Task, actor: UserActor, text: str, undo_url: str = ""
) -> HttpResponse:
    """The task's region for htmx, else its page; with a word on what was done."""
    if htmx_of(request):
        fresh = visible_task(actor=actor, key=str(task.pk))
        answer = render(request, "tasks/task_detail.html#region", _context(fresh, actor))
    else:
        answer = HttpResponseRedirect(reverse("tasks:detail", args=[task.key]))
    return toast(request, answer, text, undo_url=undo_url)


@login_required
@require_POST
def set_property(request: HttpRequest, key: str) -> HttpResponse:
    """Set one property from its own little form. Raises: NotFound, InvalidInput, Forbidden, Conflict."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    require(actor, "tasks.edit", on=task)
    name = next((name for name in _READERS if name in request.POST), "")
    if not name:
        raise InvalidInput(_("There is no such property."))
    try:
        changes = _READERS[name](request.POST[name].strip())
    except ValueError:
        raise InvalidInput(_("This value is not valid."), fields={name: [_("Not valid.")]}) from None
    undo = Undo.before([task], name)
    changed = update_task(task=task, changes=changes, actor=actor)
    undo_url = offer_undo(undo, actor=actor) if name in {"status", "priority", "milestone"} else ""
    return _answer(request, changed, actor, _("%(key)s saved") % {"key": task.key}, undo_url)


def _day(text: str) -> Any:
    day = parse_date(text) if text else None
    if text and day is None:
        raise ValueError(text)
    return day


def _number(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_READERS: dict[str, Callable[[str], TaskChanges]] = {
    "status": lambda text: TaskChanges(status=text),
    "priority": lambda text: TaskChanges(priority=int(text)),
    "department": lambda text: TaskChanges(department_id=UUID(text) if text else None),
    "project": lambda text: TaskChanges(project_id=UUID(text) if text else None),
    "milestone": lambda text: TaskChanges(milestone_id=UUID(text) if text else None),
    "start_on": lambda text: TaskChanges(start_on=_day(text)),
    "due_on": lambda text: TaskChanges(due_on=_day(text)),
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Everything of a task in one form. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    require(actor, "tasks.edit", on=task)
    places = {"is_in": task.project_id, "is_on": task.milestone_id}
    form = TaskForm(request.POST or None, initial=values_of(task), actor=actor, **places)
    if request.method == "POST" and form.is_valid():
        try:
            update_task(task=task, changes=form.changes(), actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            back = HttpResponseRedirect(reverse("tasks:detail", args=[task.key]))
            return toast(request, back, _("%(key)s saved") % {"key": task.key})
    status = 422 if form.is_bound else 200
    return render(request, "tasks/task_form.html", {"form": form, "task": task}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a task; the address may fill in status and project. Raises: Forbidden."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.create")
    names = ("status", "title", "project_id", "milestone_id")
    given = {name: request.GET[name] for name in names if name in request.GET}
    form = TaskForm(
        request.POST or None, initial=given, actor=actor, is_in=_number(given.get("project_id", ""))
    )
    if request.method == "POST" and form.is_valid():
        try:
            task = create_task(changes=form.changes(), actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            back = HttpResponseRedirect(reverse("tasks:detail", args=[task.key]))
            return toast(request, back, _("%(key)s created") % {"key": task.key})
    status = 422 if form.is_bound else 200
    return render(request, "tasks/task_form.html", {"form": form, "task": None}, status=status)


@login_required
@require_POST
def archive(request: HttpRequest, key: str) -> HttpResponse:
    """Put the task away. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    undo = Undo.before([task], "archive")
    archive_task(task=task, actor=actor)
    text = _("%(key)s archived") % {"key": task.key}
    return _answer(request, task, actor, text, offer_undo(undo, actor=actor))


@login_required
@require_POST
def restore(request: HttpRequest, key: str) -> HttpResponse:
    """Take the task out of the archive. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    task = restore_task(task=visible_task(actor=actor, key=key), actor=actor)
    return _answer(request, task, actor, _("%(key)s restored") % {"key": task.key})


@login_required
@require_POST
def comment(request: HttpRequest, key: str) -> HttpResponse:
    """Write a comment. Raises: NotFound, Forbidden, InvalidInput."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    is_shared = request.POST.get("audience") == "shared"
    add_comment(task=task, body=request.POST.get("body", ""), actor=actor, is_shared=is_shared)
    return _answer(request, task, actor, _("Comment added"))


@login_required
@require_POST
def link(request: HttpRequest, key: str) -> HttpResponse:
    """Make the task wait for another. Raises: NotFound, Forbidden, InvalidInput, Conflict."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    other = visible_task(actor=actor, key=request.POST.get("depends_on", "").strip())
    add_dependency(task=task, depends_on=other, actor=actor)
    text = _("%(key)s waits for %(other)s") % {"key": task.key, "other": other.key}
    return _answer(request, task, actor, text)


@login_required
@require_POST
def unlink(request: HttpRequest, key: str) -> HttpResponse:
    """Make the task wait for another no longer. Raises: NotFound, Forbidden, Conflict."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    other = visible_task(actor=actor, key=request.POST.get("depends_on", "").strip())
    remove_dependency(task=task, depends_on=other, actor=actor)
    text = _("%(key)s waits for %(other)s no longer") % {"key": task.key, "other": other.key}
    return _answer(request, task, actor, text)
