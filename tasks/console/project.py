"""One project: how far it is, its milestones, approvals, and with whom it is shared."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from tasks.approvals.selectors import approvals_about
from tasks.models import Milestone, Task
from tasks.rendering import to_html
from tasks.selectors import visible_project, visible_tasks
from tasks.sharing import shares_of
from tenants.accounts.access import actor_of, can


@login_required
@require_GET
def detail(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The project's page. Raises: NotFound."""
    actor = actor_of(request)
    project = visible_project(actor=actor, project_id=project_id)
    tasks = visible_tasks(actor=actor).live().filter(project=project).exclude(status=Task.Status.CANCELLED)
    may_share = can(actor, "tasks.share", project)
    context = {
        "project": project,
        "description": to_html(project.description) if project.description else "",
        "total": tasks.count(),
        "done": tasks.filter(status=Task.Status.DONE).count(),
        "milestones": [
            (each, _state(each))
            for each in Milestone.objects.filter(project=project).order_by("due_on", "pk")
        ],
        "approvals": approvals_about(subject=project, actor=actor),
        "shares": shares_of(thing=project, actor=actor) if may_share else [],
        "may_share": may_share,
        "may_ask": can(actor, "tasks.request_approval", project),
        "may_manage": can(actor, "tasks.manage_projects", project),
    }
    return render(request, "tasks/project_detail.html", context)


def _state(milestone: Milestone) -> str:
    if milestone.reached_at is not None:
        return "reached"
    is_late = milestone.due_on is not None and milestone.due_on < timezone.localdate()
    return "late" if is_late else "ahead"
