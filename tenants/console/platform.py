"""The platform: its cells, the nightly checks and when they last passed, and the work that was given up."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from tenants.accounts.access import actor_of, can
from tenants.backups.selectors import backup_status
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import NotFound
from tenants.foundation.page_parts import Kpi
from tenants.lifecycle.operating import discard_given_up, retry_given_up
from tenants.permissions import MANAGE_WORK
from tenants.selectors import LATE_AFTER, checks, given_up_work, standing_of_cells


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Cells with their load, spares, and what proves that the platform is sound."""
    actor = actor_of(request)
    cells, found = standing_of_cells(actor=actor), checks(actor=actor)
    wrong = sum(not check.is_well for check in found)
    context = {
        "cells": cells,
        "checks": found,
        "backups": backup_status(),
        "late_hours": int(LATE_AFTER.total_seconds() // 3600),
        "kpis": [
            Kpi(label=gettext("Cells that answer"), value=f"{sum(cell.is_up for cell in cells)} / {len(cells)}"),
            Kpi(label=gettext("Companies"), value=str(sum(cell.tenants for cell in cells))),
            Kpi(label=gettext("Jobs waiting"), value=str(sum(cell.waiting_jobs or 0 for cell in cells))),
            Kpi(
                label=gettext("Checks to look at"), value=str(wrong),
                delta_tone="bad" if wrong else "ok", delta=gettext("look below") if wrong else gettext("all passed"),
            ),
        ],
    }  # fmt: skip
    part = "#results" if htmx_of(request) else ""
    return render(request, f"tenants/platform.html{part}", context)


@login_required
@require_safe
def work(request: HttpRequest) -> HttpResponse:
    """What was given up, with its reason."""
    actor = actor_of(request)
    context = {"letters": given_up_work(actor=actor), "may_act": can(actor, MANAGE_WORK)}
    part = "#results" if htmx_of(request) else ""
    return render(request, f"tenants/work.html{part}", context)


@login_required
@require_POST
def retry(request: HttpRequest, cell: str, item_id: UUID) -> HttpResponse:
    """Run a dead letter again from its first attempt."""
    retry_given_up(cell=_known(cell), item_id=item_id, actor=actor_of(request))
    return _back(request, gettext("It is run again."))


@login_required
@require_POST
def discard(request: HttpRequest, cell: str, item_id: UUID) -> HttpResponse:
    """Remove a dead letter for good."""
    discard_given_up(cell=_known(cell), item_id=item_id, actor=actor_of(request))
    return _back(request, gettext("It is removed."))


def _known(cell: str) -> str:
    if cell not in settings.CELLS:
        raise NotFound
    return cell


def _back(request: HttpRequest, text: str) -> HttpResponse:
    return toast(request, HttpResponseRedirect(reverse("platform:work")), text)
