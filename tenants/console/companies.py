"""Companies: which there are and how each stands, and taking a new one in."""

from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from tenants.accounts.access import can
from tenants.foundation.console import htmx_of
from tenants.foundation.errors import DomainError
from tenants.foundation.keyset import keyset_page
from tenants.foundation.page_parts import Kpi, Pages
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.models import Tenant
from tenants.permissions import ONBOARD_COMPANIES, require_operator
from tenants.selectors import CompanyFilter, companies, counts_by_state, overviews
from tenants.tenancy import atomic, outside_transaction

PAGE_SIZE = 50
SORTS = {"created": "created_at", "name": "name"}
OPEN_STATES = (Tenant.State.ACTIVE, Tenant.State.EXPORTING)


def regions() -> list[str]:
    """The regions in which there are cells, the default one first."""
    known = {cell.region for cell in settings.CELL_POLICIES.values()}
    return sorted(known, key=lambda region: (region != settings.DEFAULT_REGION, region))


class CompanyForm(forms.Form):
    """A new company and who will own it."""

    name = forms.CharField(label=_("Company"), max_length=120)
    slug = forms.CharField(label=_("Address"), max_length=40, help_text=_("The first part of its host name."))
    region = forms.ChoiceField(label=_("Region"), help_text=_("Where its rows are kept."))
    owner_name = forms.CharField(label=_("Owner's name"), max_length=120)
    owner_email = forms.EmailField(label=_("Owner's e-mail"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        chosen = self.fields["region"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [(region, region) for region in regions()]


@login_required
@require_safe
def company_list(request: HttpRequest) -> HttpResponse:
    """The companies an operator looks for, each with its state and its jobs."""
    actor = request.actor  # type: ignore[attr-defined]
    wanted = CompanyFilter(
        query=request.GET.get("q", "").strip()[:200],
        state=_one_of(request, "state", Tenant.State.values),
        cell=_one_of(request, "cell", settings.CELLS),
        region=_one_of(request, "region", regions()),
    )
    counts = counts_by_state(actor=actor)
    page = keyset_page(
        companies(actor=actor, wanted=wanted), sort="-created", sorts=SORTS, size=PAGE_SIZE,
        cursor=request.GET.get("cursor") or None,
    )  # fmt: skip
    found = overviews(page.rows)
    context = {
        "companies": found,
        "kpis": kpis_of(counts),
        "wanted": wanted,
        "states": [(state.value, state.label) for state in Tenant.State],
        "cells": settings.CELLS,
        "regions": regions(),
        "may_onboard": can(actor, ONBOARD_COMPANIES),
        "pages": Pages(
            previous_url=_address(wanted, page.previous_cursor), next_url=_address(wanted, page.next_cursor)
        ),
    }
    template = "tenants/companies.html"
    return render(request, f"{template}#results" if htmx_of(request) else template, context)


def kpis_of(counts: dict[str, int]) -> list[Kpi]:
    """The figures above the list."""
    total = sum(count for state, count in counts.items() if state != Tenant.State.DELETED)
    is_open = sum(counts.get(state, 0) for state in OPEN_STATES)
    leaving = counts.get(Tenant.State.PENDING_DELETION, 0)
    return [
        Kpi(label=gettext("Companies"), value=str(total)),
        Kpi(label=gettext("Open"), value=str(is_open)),
        Kpi(label=gettext("Closed or read-only"), value=str(total - is_open - leaving)),
        Kpi(
            label=gettext("To be deleted"), value=str(leaving),
            note=ngettext("%(n)s company", "%(n)s companies", leaving) % {"n": leaving},
        ),
    ]  # fmt: skip


@login_required
@outside_transaction
def new_company(request: HttpRequest) -> HttpResponse:
    """Take a company in; its owner gets a link to set a password."""
    with atomic():
        actor = request.actor  # type: ignore[attr-defined]
        require_operator(actor, ONBOARD_COMPANIES)
    form = CompanyForm(request.POST or None)
    link = company_url = ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            done = onboard_tenant(
                slug=data["slug"],
                name=data["name"],
                owner_email=data["owner_email"],
                owner_name=data["owner_name"],
                region=data["region"],
                asked_by=actor.name,
            )
            if done.invitation is not None:
                path = reverse("accounts:accept_invitation", args=[done.invitation.reveal()])
                link = f"{done.address}{path}"
            company_url = reverse("platform:company", args=[done.tenant.id])
        except DomainError as error:
            for name, lines in (error.fields or {"": [error.message]}).items():
                form.add_error(name if name in form.fields else None, lines)
    status = 422 if form.is_bound and not form.is_valid() else 200
    with atomic():
        context = {"form": form, "link": link, "company_url": company_url}
        return render(request, "tenants/new_company.html", context, status=status)


def _one_of(request: HttpRequest, name: str, choices: list[str]) -> str:
    value = request.GET.get(name, "")
    return value if value in choices else ""


def _address(wanted: CompanyFilter, cursor: str | None) -> str:
    if cursor is None:
        return ""
    pairs = {"q": wanted.query, "state": wanted.state, "cell": wanted.cell, "region": wanted.region}
    kept = {name: value for name, value in pairs.items() if value}
    return f"{reverse('platform:companies')}?{urlencode({**kept, 'cursor': cursor})}"
