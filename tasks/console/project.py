"""One project: how far it is, its milestones and a form for more, approvals, and with whom it is shared."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tasks.approvals.selectors import approvals_about
from tasks.console.forms import MilestoneForm, add_domain_error
from tasks.milestones import make_milestone
from tasks.models import Milestone, Project, Task
from tasks.rendering import to_html
from tasks.selectors import milestones_with_progress, visible_project, visible_tasks
from tasks.sharing import shares_of
from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.foundation.console import toast
from tenants.foundation.errors import Conflict, InvalidInput


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def detail(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """The project's page; what is posted to it becomes a milestone. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    project = visible_project(actor=actor, project_id=project_id)
    if request.method != "POST":
        return _page(request, project, actor, MilestoneForm())
    require(actor, "tasks.manage_projects", on=project)
    form, status = MilestoneForm(request.POST), 422
    if form.is_valid():
        try:
            made = make_milestone(project=project, changes=form.changes(), actor=actor)
        except (InvalidInput, Conflict) as error:
            add_domain_error(form, error)
            status = 409 if isinstance(error, Conflict) else 422
        else:
            back = HttpResponseRedirect(reverse("tasks:project", args=[project.pk]))
            return toast(request, back, _("%(name)s added") % {"name": made.name})
    return _page(request, project, actor, form, status=status)


def _page(
    request: HttpRequest, project: Project, actor: UserActor, form: MilestoneForm, *, status: int = 200
) -> HttpResponse:
    tasks = visible_tasks(actor=actor).live().filter(project=project).exclude(status=Task.Status.CANCELLED)
    may_share = can(actor, "tasks.share", project)
    context = {
        "project": project,
        "description": to_html(project.description) if project.description else "",
        "total": tasks.count(),
        "done": tasks.filter(status=Task.Status.DONE).count(),
        "milestones": [(each, _state(each)) for each in milestones_with_progress(project, actor=actor)],
        "form": form,
        "approvals": approvals_about(subject=project, actor=actor),
        "shares": shares_of(thing=project, actor=actor) if may_share else [],
        "may_share": may_share,
        "may_ask": can(actor, "tasks.request_approval", project),
        "may_manage": can(actor, "tasks.manage_projects", project),
    }
    return render(request, "tasks/project_detail.html", context, status=status)


def _state(milestone: Milestone) -> str:
    if milestone.reached_at is not None:
        return "reached"
    is_late = milestone.due_on is not None and milestone.due_on < timezone.localdate()
    return "late" if is_late else "ahead"
