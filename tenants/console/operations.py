"""Operations: what is being done to which company, one of them as it goes, taking it up or back by hand."""

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from tenants.accounts.access import actor_of, can
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Pages, Segment, Step, StepState
from tenants.lifecycle.operating import give_up_operation, run_operation_now
from tenants.lifecycle.operations import steps_of
from tenants.models import Operation, Tenant
from tenants.permissions import MANAGE_COMPANIES
from tenants.selectors import operation_for, visible_operations

PAGE_SIZE = 30
MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+\d\d:\d\d$")
SHOWN_AS_BAR = ("done", "total")
LABELS = {
    "sha256": "SHA-256", "tenant_id": _("Company's id"), "read_only_seconds": _("Read-only, in seconds"),
    "moment": _("As it was at"), "copy_kept_until": _("The old place is kept until"),
}  # fmt: skip
SHOWN = {"": _("All"), "running": _("Running"), "undoing": _("Being undone"), "undone": _("Undone")}


@login_required
@require_safe
def operation_list(request: HttpRequest) -> HttpResponse:
    """The operations, newest first."""
    state = request.GET.get("state", "")
    state = state if state in SHOWN else ""
    page = keyset_page(
        visible_operations(actor=actor_of(request), state=state), sort="-created",
        sorts={"created": "created_at"}, cursor=request.GET.get("cursor") or None, size=PAGE_SIZE,
    )  # fmt: skip
    context = {
        "operations": page.rows,
        "views": [
            Segment(label=str(label), url=_address(key), is_current=key == state)
            for key, label in SHOWN.items()
        ],
        "pages": Pages(
            previous_url=_address(state, page.previous_cursor) if page.previous_cursor else "",
            next_url=_address(state, page.next_cursor) if page.next_cursor else "",
        ),
    }
    part = "#results" if htmx_of(request) else ""
    return render(request, f"tenants/operations.html{part}", context)


@login_required
@require_safe
def operation(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """One operation: its steps, how far it is, what stopped it; it refreshes itself while it is open."""
    found = operation_for(actor=actor_of(request), operation_id=operation_id)
    part = "#live" if htmx_of(request) else ""
    return render(request, f"tenants/operation.html{part}", _context(request, found))


@login_required
@require_POST
def go_on(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """Have the workers take an operation up now, not when they next look."""
    run_operation_now(operation_id=operation_id, actor=actor_of(request))
    return _back(request, operation_id, gettext("The workers take it up."))


@login_required
@require_POST
def give_up(request: HttpRequest, operation_id: UUID) -> HttpResponse:
    """Stop an operation and have everything undone that it did."""
    give_up_operation(operation_id=operation_id, actor=actor_of(request))
    return _back(request, operation_id, gettext("What it did is undone."))


def steps_shown(operation: Operation) -> list[Step]:
    """Its steps as the page draws them."""
    try:
        names = [step.name for step in steps_of(operation.kind)]
    except KeyError:
        names = list(operation.steps_done)
    return [Step(label=name.replace("_", " ").capitalize(), state=_state(operation, name)) for name in names]


def _state(operation: Operation, name: str) -> StepState:
    if operation.state == Operation.State.UNDONE:
        return "skipped"
    if name in operation.steps_done:
        return "done"
    if name != operation.step:
        return "waiting"
    return "failed" if operation.error else "running"


def _context(request: HttpRequest, found: Operation) -> dict[str, Any]:
    is_held = found.lease_token is not None and (found.lease_expires_at or timezone.now()) > timezone.now()
    is_open = found.state in Operation.OPEN
    may_manage = can(actor_of(request), MANAGE_COMPANIES)
    ended = found.finished_at or timezone.now()
    return {
        "operation": found,
        "company": Tenant.objects.filter(pk=found.tenant_id).first() if found.tenant_id else None,
        "steps": steps_shown(found),
        "progress": facts_of(found.progress),
        "result": facts_of(found.result),
        "done": _number(found.progress.get("done")),
        "total": _number(found.progress.get("total")),
        "seconds": (ended - found.created_at).total_seconds(),
        "is_open": is_open,
        "is_held": is_held,
        "may_go_on": may_manage and is_open and not is_held,
        "may_give_up": may_manage and found.state == Operation.State.RUNNING and not is_held,
    }


def facts_of(values: dict[str, Any]) -> list[tuple[str, str]]:
    """What an operation tells of itself, as rows: lists and objects are counted, moments are written out."""
    return [
        (str(LABELS.get(name, name.replace("_", " ").capitalize())), _words(value))
        for name, value in values.items()
        if name not in SHOWN_AS_BAR
    ]


def _words(value: object) -> str:
    if isinstance(value, list | dict):
        return str(len(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return str(number_format(value, use_l10n=True, force_grouping=True))
    if isinstance(value, str) and MOMENT.match(value):
        return str(date_format(timezone.localtime(datetime.fromisoformat(value)), "j M Y H:i"))
    return str(value)


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _back(request: HttpRequest, operation_id: UUID, text: str) -> HttpResponse:
    return toast(request, HttpResponseRedirect(reverse("platform:operation", args=[operation_id])), text)


def _address(state: str, cursor: str | None = None) -> str:
    pairs = {name: value for name, value in (("state", state), ("cursor", cursor or "")) if value}
    return reverse("platform:operations") + (f"?{urlencode(pairs)}" if pairs else "")
