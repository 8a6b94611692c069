"""The client portal: what was shared with a guest, and nothing else; each page also as a colleague's preview."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reporting.console.portal_visits import Visit, visit_of
from reporting.dashboards.portal import OPEN, approvals_of, portal_home, portal_project
from reporting.dashboards.portal_report import project_report
from tasks.models import Project, Task
from tasks.rendering import to_html
from tasks.selectors import comments_of, visible_project, visible_project_rows, visible_task
from tasks.services import add_comment, complete_task
from tenants.accounts.access import Role, actor_of, can, require
from tenants.accounts.clients import is_client
from tenants.accounts.models import RoleBinding, User
from tenants.foundation.console import toast
from tenants.foundation.page_parts import Pages, Segment
from tenants.tenancy.replicas import from_replica


@login_required
@require_safe
def home(request: HttpRequest, user_id: UUID | None = None) -> HttpResponse:
    """The first page of a client; colleagues choose here whose portal they want to look at."""
    if user_id is None and not is_client(actor_of(request)):
        return _clients(request)
    visit = visit_of(request, user_id)
    shown = portal_home(actor=visit.actor)
    return render(request, "reporting/portal_home.html", visit.context(request, home=shown))


def _clients(request: HttpRequest) -> HttpResponse:
    """Raises: Forbidden."""
    actor = actor_of(request)
    if not (can(actor, "tasks.view") and can(actor, "accounts.view_users")):
        return HttpResponseRedirect("/")
    others = RoleBinding.objects.in_force().exclude(role=Role.GUEST).filter(user__isnull=False).values("user")
    guests = RoleBinding.objects.company_wide().filter(role=Role.GUEST, user__isnull=False).values("user")
    people = User.objects.filter(
        pk__in=guests, is_active=True, service_account=None, support_account=None
    ).exclude(pk__in=others)
    context = {"clients": list(people.order_by("name", "pk")[:200])}
    return render(request, "reporting/portal_clients.html", context)


@login_required
@require_safe
def project(request: HttpRequest, project_id: UUID, user_id: UUID | None = None) -> HttpResponse:
    """One shared project. Raises: NotFound, InvalidInput (the cursor)."""
    visit = visit_of(request, user_id)
    found = visible_project(actor=visit.actor, project_id=project_id)
    state = request.GET.get("state", OPEN)
    cursor = request.GET.get("cursor", "")
    shown = from_replica(lambda: portal_project(project=found, actor=visit.actor, state=state, cursor=cursor))
    address = visit.address("project", found.pk)

    def page_url(place: str | None) -> str:
        return f"{address}?{urlencode({'state': state, 'cursor': place})}" if place else ""

    states = [(OPEN, _("Open")), *Task.Status.choices]
    counts = shown.counts | {OPEN: sum(shown.counts.get(each, 0) for each in Task.OPEN_STATUSES)}
    context = visit.context(
        request,
        shown=shown,
        today=timezone.localdate(),
        description=to_html(found.description) if found.description else "",
        states=[
            Segment(
                label=f"{label} {counts.get(value, 0)}",
                url=f"{address}?state={value}",
                is_current=state == value,
            )
            for value, label in states
            if counts.get(value) or value in (OPEN, state)
        ],
        pages=Pages(
            previous_url=page_url(shown.page.previous_cursor), next_url=page_url(shown.page.next_cursor)
        ),
    )
    return render(request, "reporting/portal_project.html", context)


@login_required
@require_safe
def report(request: HttpRequest, project_id: UUID, user_id: UUID | None = None) -> HttpResponse:
    """The figures of one shared project. Raises: NotFound."""
    visit = visit_of(request, user_id)
    found = visible_project(actor=visit.actor, project_id=project_id)
    shown = from_replica(lambda: project_report(project=found, actor=visit.actor))
    return render(request, "reporting/portal_report.html", visit.context(request, report=shown))


@login_required
@require_safe
def report_csv(request: HttpRequest, project_id: UUID, user_id: UUID | None = None) -> HttpResponse:
    """The same as a file. Raises: NotFound."""
    visit = visit_of(request, user_id)
    found = visible_project(actor=visit.actor, project_id=project_id)
    body = project_report(project=found, actor=visit.actor).as_csv()
    answer = HttpResponse(body, content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.key.lower()}-report.csv"'
    return answer


@login_required
@require_safe
def task(request: HttpRequest, key: str, user_id: UUID | None = None) -> HttpResponse:
    """One shared task. Raises: NotFound."""
    visit = visit_of(request, user_id)
    found = _task(visit, key)
    context = visit.context(
        request,
        task=found,
        project=_project_of(visit, found),
        is_overdue=found.is_overdue(today=timezone.localdate()),
        description=to_html(found.description) if found.description else "",
        comments=[(each, to_html(each.body)) for each in comments_of(task=found, actor=visit.actor)],
        approvals=approvals_of(task=found, actor=visit.actor),
        may_comment=not visit.is_preview and can(visit.actor, "tasks.comment", found),
        may_complete=not visit.is_preview and found.is_open and can(visit.actor, "tasks.complete", found),
    )
    return render(request, "reporting/portal_task.html", context)


@login_required
@require_POST
def comment(request: HttpRequest, key: str) -> HttpResponse:
    """Write a comment. Raises: NotFound, Forbidden, InvalidInput."""
    visit = visit_of(request)
    found = _task(visit, key)
    add_comment(task=found, body=request.POST.get("body", ""), actor=visit.actor)
    back = HttpResponseRedirect(f"{reverse('portal:task', args=[found.key])}#comments")
    return toast(request, back, _("Comment added"))


@login_required
@require_POST
def complete(request: HttpRequest, key: str) -> HttpResponse:
    """Say that a task is done. Raises: NotFound, Forbidden, Conflict."""
    visit = visit_of(request)
    found = _task(visit, key)
    require(visit.actor, "tasks.complete", on=found)
    complete_task(task=found, actor=visit.actor)
    back = HttpResponseRedirect(reverse("portal:task", args=[found.key]))
    return toast(request, back, _("%(key)s is done") % {"key": found.key})


def _task(visit: Visit, key: str) -> Task:
    found = visible_task(actor=visit.actor, key=key)
    if found.is_archived:
        raise Http404
    return found


def _project_of(visit: Visit, found: Task) -> Project | None:
    """The task's project where that is shared too: else not even its name is known."""
    if found.project_id is None:
        return None
    return visible_project_rows(actor=visit.actor).filter(Q(pk=found.project_id)).first()
