"""Approvals in the portal: those that wait for a client, one with its answers, and answering."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from reporting.console.portal_visits import Visit, visit_of
from tasks.approvals.selectors import is_asked, visible_approval, visible_approvals, waiting_for, with_parts
from tasks.approvals.services import answer_approval
from tasks.models import ApprovalRequest
from tenants.accounts.access import actor_of
from tenants.accounts.clients import is_client
from tenants.foundation.console import toast
from tenants.foundation.errors import Conflict, InvalidInput

SHOWN = 50


@login_required
@require_safe
def approvals(request: HttpRequest, user_id: UUID | None = None) -> HttpResponse:
    """What waits for the client's answer, and what they were asked before."""
    visit = visit_of(request, user_id)
    waiting = list(with_parts(waiting_for(actor=visit.actor))[:SHOWN])
    others = visible_approvals(actor=visit.actor).exclude(pk__in=[each.pk for each in waiting])
    context = visit.context(
        request,
        waiting=waiting,
        history=list(with_parts(others.order_by("-created_at", "-pk"))[:SHOWN]),
    )
    return render(request, "reporting/portal_approvals.html", context)


@login_required
@require_safe
def approval(request: HttpRequest, approval_id: UUID, user_id: UUID | None = None) -> HttpResponse:
    """One approval. Colleagues who follow a client's link are led to their own page. Raises: NotFound."""
    if user_id is None and not is_client(actor_of(request)):
        return HttpResponseRedirect(reverse("tasks:approval", args=[approval_id]))
    visit = visit_of(request, user_id)
    found = visible_approval(actor=visit.actor, approval_id=approval_id)
    return _page(request, visit, found)


@login_required
@require_POST
def answer(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Answer an approval; one that was settled meanwhile is shown as it stands. Raises: NotFound, Forbidden."""
    visit = visit_of(request)
    found = visible_approval(actor=visit.actor, approval_id=approval_id)
    note = request.POST.get("note", "")
    try:
        answer_approval(approval=found, answer=request.POST.get("answer", ""), actor=visit.actor, note=note)
    except InvalidInput as error:
        return _page(request, visit, found, problem=_said(error), note=note)
    except Conflict as error:
        # As it stands now, in the client's own frame.
        now = visible_approval(actor=visit.actor, approval_id=approval_id)
        return _page(request, visit, now, problem=error.message, status=409)
    back = HttpResponseRedirect(reverse("portal:approval", args=[found.pk]))
    return toast(request, back, _("Your answer was sent."))


def _said(error: InvalidInput) -> str:
    return next((line for lines in error.fields.values() for line in lines), error.message)


def _page(
    request: HttpRequest,
    visit: Visit,
    found: ApprovalRequest,
    *,
    problem: str = "",
    note: str = "",
    status: int = 422,
) -> HttpResponse:
    is_waiting = is_asked(found, actor=visit.actor)
    context = visit.context(
        request,
        approval=found,
        is_waiting=is_waiting,
        may_answer=is_waiting and not visit.is_preview,
        problem=problem,
        note=note,
    )
    return render(request, "reporting/portal_approval.html", context, status=status if problem else 200)
