"""Approvals for the company's own people: what waits for them, one with its answers, asking and withdrawing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tasks.approvals.selectors import (
    Subject,
    is_asked,
    visible_approval,
    visible_approvals,
    waiting_for,
    with_parts,
)
from tasks.approvals.services import answer_approval, guarded_of, request_approval, withdraw_approval
from tasks.console.forms import add_domain_error
from tasks.models import ApprovalRequest, Milestone, Project
from tasks.selectors import visible_project, visible_task
from tasks.sharing import holder_of, possible_approvers
from tenants.accounts.access import UserActor, actor_of, can, require, require_somewhere
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError, InvalidInput, LimitReached
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Pages, Segment

SHOWN: Final = 50
SHOWS: Final = {
    "": gettext_lazy("Overview"),
    "mine": gettext_lazy("Waiting for you"),
    "asked": gettext_lazy("Asked by you"),
    "open": gettext_lazy("Open"),
    "settled": gettext_lazy("Settled"),
}


class ApprovalForm(forms.Form):
    """What is asked, of whom, by which rule, until when."""

    subject = forms.ChoiceField(label=gettext_lazy("About"), required=False)
    text = forms.CharField(
        label=gettext_lazy("What is to be approved"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    approvers = forms.MultipleChoiceField(
        label=gettext_lazy("Who is asked"), widget=forms.CheckboxSelectMultiple, required=False
    )
    rule = forms.ChoiceField(
        label=gettext_lazy("Who has to agree"), choices=ApprovalRequest.Rule.choices, initial="any"
    )
    due_on = forms.DateField(
        label=gettext_lazy("Answer by"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, subject: Subject, actor: UserActor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        who: Any = self.fields["approvers"]
        who.choices = [
            (f"{'user' if hasattr(each, 'email') else 'group'}:{each.pk}", str(each))
            for each in possible_approvers(thing=guarded_of(subject), actor=actor)
        ]
        about: Any = self.fields["subject"]
        if isinstance(subject, Project):
            about.choices = [
                ("", _("The project")),
                *((str(each.pk), each.name) for each in Milestone.objects.filter(project=subject)),
            ]
        else:
            del self.fields["subject"]

    def holders(self) -> list[Any]:
        """The chosen people and groups."""
        found = []
        for value in self.cleaned_data["approvers"]:
            kind, _colon, pk = value.partition(":")
            is_user = kind == "user"
            found.append(
                holder_of(user_id=UUID(pk) if is_user else None, group_id=None if is_user else UUID(pk))
            )
        return found


@login_required
@require_GET
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for the reader's answer, for others', and what was settled lately; or all of one of these, by pages.

    Raises: Forbidden, InvalidInput (the cursor).
    """
    actor = actor_of(request)
    require_somewhere(actor, "tasks.view")
    show = request.GET.get("show", "")
    segments = [
        Segment(label=str(label), url=f"?show={name}" if name else "?", is_current=name == show)
        for name, label in SHOWS.items()
    ]
    if show in SHOWS and show:
        return _one_kind(request, actor, show, segments)
    waiting = list(with_parts(waiting_for(actor=actor))[:SHOWN])
    rest = visible_approvals(actor=actor).exclude(pk__in=[each.pk for each in waiting])
    rows = with_parts(rest.order_by("-created_at", "-pk"))
    context = {
        "segments": segments,
        "waiting": waiting,
        "running": list(rows.filter(state=ApprovalRequest.State.REQUESTED)[:SHOWN]),
        "settled": list(rows.exclude(state=ApprovalRequest.State.REQUESTED)[:SHOWN]),
    }
    return render(request, "tasks/approval_list.html", context)


def _one_kind(request: HttpRequest, actor: UserActor, show: str, segments: Sequence[Segment]) -> HttpResponse:
    rows = {
        "mine": lambda: waiting_for(actor=actor),
        "asked": lambda: visible_approvals(actor=actor).filter(asked_by=actor.user_id),
        "open": lambda: visible_approvals(actor=actor).filter(state=ApprovalRequest.State.REQUESTED),
        "settled": lambda: visible_approvals(actor=actor).exclude(state=ApprovalRequest.State.REQUESTED),
    }[show]()
    page = keyset_page(
        with_parts(rows.order_by()),
        sort="-created",
        sorts={"created": "created_at"},
        cursor=request.GET.get("cursor") or None,
        size=SHOWN,
    )

    def address(cursor: str | None) -> str:
        return f"?{urlencode({'show': show, 'cursor': cursor})}" if cursor else ""

    context = {
        "segments": segments,
        "title": SHOWS[show],
        "rows": page.rows,
        "pages": Pages(previous_url=address(page.previous_cursor), next_url=address(page.next_cursor)),
    }
    return render(request, "tasks/approval_list.html", context)


@login_required
@require_GET
def approval(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """One approval with its answers. Raises: NotFound."""
    actor = actor_of(request)
    return _page(request, visible_approval(actor=actor, approval_id=approval_id), actor)


@login_required
@require_POST
def answer(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Answer one. Raises: NotFound, Forbidden, Conflict."""
    actor = actor_of(request)
    found = visible_approval(actor=actor, approval_id=approval_id)
    note = request.POST.get("note", "")
    try:
        answer_approval(approval=found, answer=request.POST.get("answer", ""), actor=actor, note=note)
    except InvalidInput as error:
        lines = [line for each in error.fields.values() for line in each] or [error.message]
        return _page(request, found, actor, problem=lines[0], note=note)
    back = HttpResponseRedirect(reverse("tasks:approval", args=[found.pk]))
    return toast(request, back, _("Your answer was sent."))


@login_required
@require_POST
def withdraw(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Need no answer any more. Raises: NotFound, Forbidden, Conflict."""
    actor = actor_of(request)
    found = visible_approval(actor=actor, approval_id=approval_id)
    withdraw_approval(approval=found, actor=actor)
    back = HttpResponseRedirect(reverse("tasks:approval", args=[found.pk]))
    return toast(request, back, _("Withdrawn."))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_about_task(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for an approval of a task. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    task = visible_task(actor=actor, key=key)
    return _ask(request, task, actor, back=reverse("tasks:detail", args=[task.key]))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask_about_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Ask for an approval of a project or one of its milestones. Raises: NotFound, Forbidden."""
    actor = actor_of(request)
    project = visible_project(actor=actor, project_id=project_id)
    return _ask(request, project, actor, back=reverse("tasks:project", args=[project.pk]))


def _ask(request: HttpRequest, subject: Subject, actor: UserActor, *, back: str) -> HttpResponse:
    require(actor, "tasks.request_approval", on=guarded_of(subject))
    form = ApprovalForm(request.POST or None, subject=subject, actor=actor)
    if request.method == "POST" and form.is_valid():
        chosen: Subject = subject
        if form.cleaned_data.get("subject"):
            chosen = Milestone.objects.select_related("project").get(pk=form.cleaned_data["subject"])
        try:
            found = request_approval(
                subject=chosen,
                text=form.cleaned_data["text"],
                approvers=form.holders(),
                rule=form.cleaned_data["rule"],
                due_on=form.cleaned_data["due_on"],
                actor=actor,
            )
        except LimitReached:
            raise  # a page of its own, with the time to wait
        except DomainError as error:
            add_domain_error(form, error)
        else:
            answer = HttpResponseRedirect(reverse("tasks:approval", args=[found.pk]))
            return toast(request, answer, _("The approval was asked for."))
    status = 422 if form.is_bound else 200
    context = {
        "form": form,
        "subject": subject,
        "back": back,
        "may_share": can(actor, "tasks.share", subject),
    }
    return render(request, "tasks/approval_form.html", context, status=status)


def _page(
    request: HttpRequest, found: ApprovalRequest, actor: UserActor, *, problem: str = "", note: str = ""
) -> HttpResponse:
    is_own = found.asked_by_id is not None and found.asked_by_id == actor.user_id
    code = "tasks.request_approval" if is_own else "tasks.manage_projects"
    context = {
        "approval": found,
        "may_answer": is_asked(found, actor=actor),
        "may_withdraw": found.is_open and can(actor, code, found.guarded),
        "problem": problem,
        "note": note,
    }
    return render(request, "tasks/approval_detail.html", context, status=422 if problem else 200)
