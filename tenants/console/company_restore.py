"""Bringing one company back to a moment, and taking that back, on the operators' pages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from tenants.accounts.access import UserActor, actor_of
from tenants.accounts.console.forms import add_domain_error
from tenants.backups.selectors import Protection, protection_of
from tenants.foundation.errors import DomainError, InvalidInput
from tenants.lifecycle.restoring.services import kept_until, parse_moment, restore_to_take_back
from tenants.lifecycle.standing import STANDING, restore_company, take_company_s_restore_back
from tenants.models import Operation, Tenant
from tenants.permissions import MANAGE_COMPANIES, PLATFORM_SLUG, require_operator
from tenants.selectors import company_for, operations_of
from tenants.tenancy import atomic, outside_transaction


class ConfirmForm(forms.Form):
    """Typing the company's address says that one means it."""

    confirm = forms.CharField(
        max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["confirm"].label = gettext("Type %(slug)s to say that you mean it") % {
            "slug": tenant.slug
        }


class RestoreForm(ConfirmForm):
    """The moment a company goes back to, in UTC."""

    moment = forms.CharField(
        label=_("Moment (UTC)"), max_length=40,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}),
        help_text=_("Date and time in UTC, not in your own time zone."),
    )  # fmt: skip
    cell = forms.ChoiceField(
        label=_("The cell it lived in then"), required=False,
        help_text=_("Only if it has moved from another server since."),
    )  # fmt: skip
    with_access = forms.BooleanField(
        label=_("Access as it was then, too"), required=False,
        help_text=_("Without it, people who were shut out since, revoked tokens and new passwords stay so."),
    )  # fmt: skip
    field_order = ("moment", "cell", "with_access", "confirm")

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, tenant=tenant, **kwargs)
        others = [cell for cell in settings.CELLS if cell != tenant.cell]
        if not others:
            del self.fields["cell"]
            return
        chosen = self.fields["cell"]
        assert isinstance(chosen, forms.ChoiceField)
        here = gettext("where it lives now (%(cell)s)") % {"cell": tenant.cell}
        chosen.choices = [("", here), *((cell, cell) for cell in others)]

    def clean_moment(self) -> datetime:
        """The moment; without a zone it is UTC."""
        text: str = self.cleaned_data["moment"].strip()
        try:
            has_zone = datetime.fromisoformat(text).tzinfo is not None
            return parse_moment(text if has_zone else f"{text}Z")
        except ValueError as error:
            raise forms.ValidationError(gettext("Write it like 2026-11-22T14:00:00.")) from error
        except InvalidInput as error:
            raise forms.ValidationError(
                [line for lines in error.fields.values() for line in lines]
            ) from error


@login_required
@require_http_methods(["GET", "POST"])
@outside_transaction
def restore(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """Ask for the moment, and have the workers bring the company back to it."""
    actor, tenant = _asked(request, company_id)
    form = RestoreForm(request.POST or None, tenant=tenant)
    with atomic():
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                operation = restore_company(
                    tenant_id=tenant.pk, moment=data["moment"], confirm=data["confirm"], actor=actor,
                    keeps_access=not data["with_access"], cell=data.get("cell", ""),
                )  # fmt: skip
                return _to(operation)
            except DomainError as error:
                add_domain_error(form, error)
        return _page(request, actor, tenant, form=form)


@login_required
@require_POST
@outside_transaction
def undo(request: HttpRequest, company_id: UUID) -> HttpResponse:
    """Have the workers take the latest restore back."""
    actor, tenant = _asked(request, company_id)
    form = ConfirmForm(request.POST, tenant=tenant, prefix="undo")
    with atomic():
        if form.is_valid():
            try:
                return _to(
                    take_company_s_restore_back(
                        tenant_id=tenant.pk, confirm=form.cleaned_data["confirm"], actor=actor
                    )
                )
            except DomainError as error:
                add_domain_error(form, error)
        return _page(request, actor, tenant, undo_form=form)


def why_not(tenant: Tenant, protection: Protection) -> str:
    """Why a company cannot be brought back to a moment; empty when it can."""
    if tenant.slug == PLATFORM_SLUG:
        return gettext("The platform's own tenant comes back with its server only.")
    if tenant.state not in STANDING:
        return gettext("It cannot be restored in its present state.")
    if not protection.is_on:
        return gettext("It cannot be restored to an earlier moment: backups are off (BACKUP_DIR is not set).")
    if protection.earliest is None:
        return gettext("It cannot be restored to an earlier moment: there is no backup yet.")
    return ""


def _asked(request: HttpRequest, company_id: UUID) -> tuple[UserActor, Tenant]:
    with atomic():
        actor = actor_of(request)
        require_operator(actor, MANAGE_COMPANIES)
        return actor, company_for(actor=actor, tenant_id=company_id)


def _to(operation: Operation) -> HttpResponse:
    return HttpResponseRedirect(reverse("platform:operation", args=[operation.pk]))


def _page(
    request: HttpRequest,
    actor: UserActor,
    tenant: Tenant,
    *,
    form: RestoreForm | None = None,
    undo_form: ConfirmForm | None = None,
) -> HttpResponse:
    protection, kept = protection_of(tenant), restore_to_take_back(tenant)
    operations = operations_of(actor=actor, tenant=tenant)
    shown = form or RestoreForm(tenant=tenant)
    if protection.earliest:
        shown.fields["moment"].widget.attrs["min"] = f"{protection.earliest:%Y-%m-%dT%H:%M:%S}"
    context = {
        "company": tenant,
        "form": shown,
        "undo_form": undo_form or ConfirmForm(tenant=tenant, prefix="undo"),
        "protection": protection,
        "why_not": why_not(tenant, protection),
        "kept": kept,
        "kept_until": kept_until(kept) if kept else None,
        "kept_moment": datetime.fromisoformat(kept.input["moment"]) if kept else None,
        "open_operation": next((each for each in operations if each.state in Operation.OPEN), None),
        "keep_days": settings.RESTORE_KEEP_DAYS,
    }
    bound = [each for each in (form, undo_form) if each is not None and each.is_bound]
    return render(request, "tenants/company_restore.html", context, status=422 if bound else 200)
