"""One company: how it stands, what was done to it, and what an operator can do about it."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from tenants.accounts.access import UserActor, actor_of, can
from tenants.backups.selectors import protection_of
from tenants.console.company_restore import why_not
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import DomainError
from tenants.lifecycle.onboarding import waits_for_owner
from tenants.lifecycle.restoring.services import restore_to_take_back
from tenants.lifecycle.standing import (
    STANDING,
    delete_company,
    export_company,
    invite_owner_again,
    keep_company,
    make_read_only,
    move_company,
    resume_company,
    suspend_company,
)
from tenants.models import Operation, Tenant
from tenants.permissions import MANAGE_COMPANIES, PLATFORM_SLUG, require_operator
from tenants.selectors import company_for, operations_of, overviews, visible_certificates
from tenants.tenancy import atomic, outside_transaction
from tenants.tenancy.addresses import address_of
from tenants.tenancy.sizes import Size, size_of


class ReasonForm(forms.Form):
    """Why a company's doors are closed, in words for its people."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The company's people read it in place of their pages."),
    )  # fmt: skip


class MoveForm(forms.Form):
    """Where a company moves to."""

    to = forms.ChoiceField(label=_("To"))

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["to"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = [
            (name, f"{name} ({policy.region})")
            for name, policy in settings.CELL_POLICIES.items()
            if name != tenant.cell and policy.region == tenant.region
        ]


@login_required
@require_safe
def company(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """The page of one company; it refreshes itself."""
    tenant = company_for(actor=actor_of(request), tenant_id=company_id)
    part = "#results" if htmx_of(request) else ""
    return render(request, f"tenants/company.html{part}", _context(actor_of(request), tenant))


@login_required
@require_POST
@outside_transaction
def act(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """Do to a company what the pressed button says."""
    with atomic():
        actor = actor_of(request)
        require_operator(actor, MANAGE_COMPANIES)
        tenant = company_for(actor=actor, tenant_id=company_id)
    action, reason = request.POST.get("action", ""), request.POST.get("reason", "")
    here, words = reverse("platform:company", args=[tenant.pk]), {"who": tenant.name}
    with atomic():
        try:
            match action:
                case "suspend":
                    suspend_company(tenant_id=tenant.pk, reason=reason, actor=actor)
                    told = gettext("%(who)s is suspended.")
                case "read-only":
                    make_read_only(tenant_id=tenant.pk, reason=reason, actor=actor)
                    told = gettext("%(who)s is read-only.")
                case "resume":
                    resume_company(tenant_id=tenant.pk, actor=actor)
                    told = gettext("%(who)s is open.")
                case "move":
                    operation = move_company(tenant_id=tenant.pk, to=request.POST.get("to", ""), actor=actor)
                    return HttpResponseRedirect(reverse("platform:operation", args=[operation.pk]))
                case "export":
                    operation = export_company(tenant_id=tenant.pk, actor=actor)
                    return HttpResponseRedirect(reverse("platform:operation", args=[operation.pk]))
                case "delete":
                    confirm = request.POST.get("confirm", "")
                    asked = delete_company(tenant_id=tenant.pk, confirm=confirm, actor=actor)
                    words["day"] = date_format(timezone.localtime(asked.delete_after), "DATE_FORMAT")
                    told = gettext("%(who)s is deleted after %(day)s.")
                case "keep":
                    keep_company(tenant_id=tenant.pk, actor=actor)
                    told = gettext("%(who)s is kept.")
                case "invite-owner":
                    link = invite_owner_again(tenant_id=tenant.pk, actor=actor)
                    path = reverse("accounts:accept_invitation", args=[link.reveal()])
                    shown = {**_context(actor, tenant), "link": f"{address_of(tenant.slug)}{path}"}
                    return render(request, "tenants/company.html", shown)
                case _:
                    return HttpResponseRedirect(here)
        except DomainError as error:
            lines = [line for each in error.fields.values() for line in each] or [error.message]
            shown = {**_context(actor, tenant), "problem": " ".join(lines)}
            return render(request, "tenants/company.html", shown, status=422)
        return toast(request, HttpResponseRedirect(here), told % words)


def _context(actor: UserActor, tenant: Tenant) -> dict[str, Any]:
    operations = operations_of(actor=actor, tenant=tenant)
    open_one = next((each for each in operations if each.state in Operation.OPEN), None)
    may_manage = can(actor, MANAGE_COMPANIES) and tenant.slug != PLATFORM_SLUG
    is_standing = tenant.state in STANDING and open_one is None
    move_form, protection = MoveForm(tenant=tenant), protection_of(tenant)
    not_restorable = why_not(tenant, protection)
    return {
        "company": overviews([tenant])[0],
        "address": address_of(tenant.slug),
        "size": _size(tenant),
        "protection": protection,
        "not_restorable": not_restorable if tenant.state in STANDING and may_manage else "",
        "may_restore": may_manage and is_standing and not not_restorable,
        "may_take_back": may_manage and is_standing and restore_to_take_back(tenant) is not None,
        "has_certificate": visible_certificates(actor=actor).filter(tenant_id=tenant.pk).exists(),
        "operations": operations,
        "open_operation": open_one,
        "reason_form": ReasonForm(),
        "move_form": move_form,
        "may_manage": may_manage,
        "may_resume": may_manage and is_standing and tenant.state != Tenant.State.ACTIVE,
        "may_close": may_manage and is_standing and tenant.state != Tenant.State.SUSPENDED,
        "may_restrict": may_manage and is_standing and tenant.state != Tenant.State.READ_ONLY,
        "may_move": may_manage and is_standing and bool(move_form.fields["to"].choices),  # type: ignore[attr-defined]
        "may_export": may_manage and is_standing,
        "may_delete": may_manage and is_standing,
        "may_keep": may_manage and tenant.state == Tenant.State.PENDING_DELETION and open_one is None,
        "may_invite_owner": may_manage and tenant.state == Tenant.State.ACTIVE and waits_for_owner(tenant),
    }


def _size(tenant: Tenant) -> Size | None:
    """None where the company has no schema to be measured, or its cell does not answer."""
    if tenant.state in (Tenant.State.PROVISIONING, Tenant.State.DELETED):
        return None
    try:
        return size_of(tenant)
    except (DatabaseError, InterfaceError):
        return None
