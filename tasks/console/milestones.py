"""One milestone of a project: its form, whether it is reached, and taking it away."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from tasks.console.forms import MilestoneForm, add_domain_error
from tasks.drafts import MilestoneChanges
from tasks.milestones import delete_milestone, update_milestone
from tasks.models import Milestone
from tasks.selectors import visible_milestone
from tenants.accounts.access import actor_of, require
from tenants.foundation.console import toast
from tenants.foundation.errors import Conflict, InvalidInput


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, milestone_id: UUID) -> HttpResponse:
    """Rename a milestone, give it another day. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    milestone = visible_milestone(actor=actor, milestone_id=milestone_id)
    require(actor, "tasks.manage_projects", on=milestone.project)
    given = request.POST if request.method == "POST" else None
    form = MilestoneForm(given, initial={"name": milestone.name, "due_on": milestone.due_on})
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            saved = update_milestone(milestone=milestone, changes=form.changes(), actor=actor)
        except (InvalidInput, Conflict) as error:
            add_domain_error(form, error)
            status = 409 if isinstance(error, Conflict) else 422
        else:
            return toast(request, _to_project(milestone), _("%(name)s saved") % {"name": saved.name})
    return _page(request, milestone, form, status=status)


@login_required
@require_POST
def reached(request: HttpRequest, milestone_id: UUID) -> HttpResponse:
    """Mark a milestone as reached (`is_reached=1`), or as not. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    milestone = visible_milestone(actor=actor, milestone_id=milestone_id)
    is_reached = request.POST.get("is_reached") == "1"
    update_milestone(milestone=milestone, changes=MilestoneChanges(is_reached=is_reached), actor=actor)
    text = _("%(name)s is reached") if is_reached else _("%(name)s is not reached")
    return toast(request, _to_project(milestone), text % {"name": milestone.name})


@login_required
@require_POST
def delete(request: HttpRequest, milestone_id: UUID) -> HttpResponse:
    """Take a milestone away, or say why it stays. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    milestone = visible_milestone(actor=actor, milestone_id=milestone_id)
    try:
        delete_milestone(milestone=milestone, actor=actor)
    except Conflict as error:
        form = MilestoneForm(initial={"name": milestone.name, "due_on": milestone.due_on})
        return _page(request, milestone, form, status=409, problem=error.message)
    return toast(request, _to_project(milestone), _("%(name)s deleted") % {"name": milestone.name})


def _page(
    request: HttpRequest, milestone: Milestone, form: MilestoneForm, *, status: int, problem: str = ""
) -> HttpResponse:
    context = {"milestone": milestone, "form": form, "problem": problem}
    return render(request, "tasks/milestone_form.html", context, status=status)


def _to_project(milestone: Milestone) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("tasks:project", args=[milestone.project_id]))
