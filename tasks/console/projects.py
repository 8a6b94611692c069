"""Projects: how far each is, and the forms to make and change them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from tasks.console.forms import ProjectForm, add_domain_error
from tasks.models import Project
from tasks.projects import departments_to_make_in
from tasks.selectors import project_progress, visible_project, visible_projects
from tasks.services import create_project, update_project
from tenants.accounts.access import actor_of, can, require, require_somewhere
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError


@dataclass(frozen=True, kw_only=True)
class ShownProject:
    """A project with how many of its tasks are done."""

    project: Project
    done: int
    total: int
    may_change: bool


@login_required
@require_GET
def project_list(request: HttpRequest) -> HttpResponse:
    """All projects. Raises: Forbidden."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.view")
    progress = project_progress(actor=actor)
    shown = [
        ShownProject(
            project=project, done=done, total=total, may_change=can(actor, "tasks.manage_projects", project)
        )
        for project in visible_projects(actor=actor)
        for done, total in [progress.get(project.pk, (0, 0))]
    ]
    context = {
        "projects": shown,
        "may_make": departments_to_make_in(actor) != frozenset(),
        "may_change_any": any(each.may_change for each in shown),
    }
    return render(request, "tasks/project_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a project. Raises: Forbidden."""
    actor = actor_of(request)
    if not departments_to_make_in(actor):
        require(actor, "tasks.manage_projects")
    form = ProjectForm(request.POST or None, actor=actor)
    if request.method == "POST" and form.is_valid():
        try:
            project = create_project(changes=form.changes(), actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            back = HttpResponseRedirect(reverse("tasks:projects"))
            return toast(request, back, _("%(name)s created") % {"name": project.name})
    status = 422 if form.is_bound else 200
    return render(request, "tasks/project_form.html", {"form": form, "project": None}, status=status)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Change a project. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    require_somewhere(actor, "tasks.manage_projects")
    project = visible_project(actor=actor, project_id=project_id)
    require(actor, "tasks.manage_projects", on=project)
    names = ("name", "key", "description", "status", "department_id", "start_on", "due_on")
    initial = {name: getattr(project, name) for name in names}
    form = ProjectForm(request.POST or None, initial=initial, actor=actor, project=project)
    if request.method == "POST" and form.is_valid():
        try:
            update_project(project=project, changes=form.changes(), actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            back = HttpResponseRedirect(reverse("tasks:projects"))
            return toast(request, back, _("%(name)s saved") % {"name": project.name})
    status = 422 if form.is_bound else 200
    return render(request, "tasks/project_form.html", {"form": form, "project": project}, status=status)
