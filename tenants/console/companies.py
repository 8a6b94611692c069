"""Companies: how each stands, and taking a new one in."""

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from tenants.foundation.errors import DomainError
from tenants.foundation.page_parts import Kpi
from tenants.lifecycle.onboarding import onboard_tenant
from tenants.permissions import ONBOARD_COMPANIES, require_operator
from tenants.selectors import companies
from tenants.tenancy import atomic, outside_transaction


class CompanyForm(forms.Form):
    """A new company and who will own it."""

    name = forms.CharField(label=_("Company"), max_length=120)
    slug = forms.CharField(label=_("Address"), max_length=40, help_text=_("The first part of its host name."))
    owner_name = forms.CharField(label=_("Owner's name"), max_length=120)
    owner_email = forms.EmailField(label=_("Owner's e-mail"))


@login_required
def company_list(request: HttpRequest) -> HttpResponse:
    """Every company with its state and its jobs."""
    found = companies(actor=request.actor)  # type: ignore[attr-defined]
    kpis = [
        Kpi(label=str(_("Companies")), value=str(len(found))),
        Kpi(label=str(_("Active")), value=str(sum(each.state == "active" for each in found))),
        Kpi(label=str(_("Jobs waiting")), value=str(sum(each.waiting_jobs for each in found))),
        Kpi(label=str(_("Jobs given up")), value=str(sum(each.dead_jobs for each in found))),
    ]
    context = {"companies": found, "kpis": kpis}
    template = "tenants/companies.html"
    return render(request, f"{template}#results" if request.htmx else template, context)  # type: ignore[attr-defined]


@login_required
@outside_transaction
def new_company(request: HttpRequest) -> HttpResponse:
    """Take a company in; its owner gets a link to set a password."""
    with atomic():
        actor = request.actor  # type: ignore[attr-defined]
        require_operator(actor, ONBOARD_COMPANIES)
    form = CompanyForm(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            done = onboard_tenant(
                slug=data["slug"],
                name=data["name"],
                owner_email=data["owner_email"],
                owner_name=data["owner_name"],
            )
            if done.invitation is not None:
                path = reverse("accounts:accept_invitation", args=[done.invitation.reveal()])
                link = f"{done.address}{path}"
        except DomainError as error:
            for name, lines in (error.fields or {"": [error.message]}).items():
                form.add_error(name if name in form.fields else None, lines)
    status = 422 if form.is_bound and not form.is_valid() else 200
    with atomic():
        return render(request, "tenants/new_company.html", {"form": form, "link": link}, status=status)
