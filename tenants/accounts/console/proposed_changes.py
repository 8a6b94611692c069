"""Changes that wait for a second person: the list, one change, and saying yes or no to it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from tenants.accounts.access import Actor, actor_of, permission
from tenants.accounts.access.changes import all_kinds, change_kind
from tenants.accounts.access.checks import require_any
from tenants.accounts.access.deciding import approve_change, may_decide, refuse_change, withdraw_change
from tenants.accounts.access.proposals import visible_changes, waiting_changes
from tenants.accounts.models import ProposedChange
from tenants.foundation.console import toast

_SHOWN_DECIDED = 50


@dataclass(frozen=True, kw_only=True)
class Row:
    """One change as a person reads it."""

    change: ProposedChange
    label: str
    permission: str
    may_decide: bool
    is_own: bool


class NoteForm(forms.Form):
    """Why somebody says no."""

    note = forms.CharField(
        label=_("Why not"), max_length=500, required=False, widget=forms.Textarea({"rows": 2})
    )


@login_required
@never_cache
@require_safe
def change_list(request: HttpRequest) -> HttpResponse:
    """What waits, then what was decided lately. Raises: Forbidden (nothing here could ever be theirs)."""
    actor = actor_of(request)
    _require_one(actor)
    waiting = list(waiting_changes(actor=actor))
    decided = visible_changes(actor=actor).exclude(pk__in=[each.pk for each in waiting])[:_SHOWN_DECIDED]
    context = {
        "waiting": [_row(each, actor) for each in waiting],
        "decided": [_row(each, actor) for each in decided],
    }
    return render(request, "accounts/changes.html", context)


@login_required
@never_cache
@require_safe
def change_page(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """One change: what becomes different, who wants it and why, and the buttons of whoever may decide."""
    actor = actor_of(request)
    change = _found(request, change_id)
    return render(request, "accounts/change.html", {"row": _row(change, actor), "form": NoteForm()})


@login_required
@require_POST
def approve(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Agree; it is carried out now. Raises: what `approve_change` raises."""
    change = approve_change(change=_found(request, change_id), actor=actor_of(request))
    return _back(request, change, gettext("You agreed. The change holds from now on."))


@login_required
@require_POST
def refuse(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Say no. Raises: what `refuse_change` raises."""
    note = request.POST.get("note", "")
    change = refuse_change(change=_found(request, change_id), actor=actor_of(request), note=note)
    return _back(request, change, gettext("You refused the change. Nothing was changed."))


@login_required
@require_POST
def withdraw(request: HttpRequest, change_id: UUID) -> HttpResponse:
    """Take one's own proposal back. Raises: what `withdraw_change` raises."""
    change = withdraw_change(change=_found(request, change_id), actor=actor_of(request))
    return _back(request, change, gettext("Your proposal was withdrawn."))


def waits_for_second_person(request: HttpRequest, change: ProposedChange) -> HttpResponse:
    """Lead whoever just proposed a change to where it waits."""
    text = gettext("This waits for a second person. Those who can agree get a letter.")
    return toast(request, HttpResponseRedirect(reverse("accounts:change", args=[change.pk])), text)


def _require_one(actor: Actor) -> None:
    require_any(actor, ["accounts.view_access", *(kind.permission for kind in all_kinds())])


def _found(request: HttpRequest, change_id: UUID) -> ProposedChange:
    _require_one(actor_of(request))
    found: ProposedChange = get_object_or_404(visible_changes(actor=actor_of(request)), pk=change_id)
    return found


def _row(change: ProposedChange, actor: Actor) -> Row:
    kind = change_kind(change.kind)
    return Row(
        change=change,
        label=str(kind.label) if kind else change.kind,
        permission=str(_label(kind.permission)) if kind else "",
        may_decide=may_decide(change, actor),
        is_own=change.is_open and change.proposed_by_id == actor.user_id,
    )


def _label(code: str) -> Any:
    return _(permission(code).label)


def _back(request: HttpRequest, change: ProposedChange, text: str) -> HttpResponse:
    return toast(request, HttpResponseRedirect(reverse("accounts:change", args=[change.pk])), text)
