"""The owners' page of their company's data: take it along, have it deleted, and keep it after all."""

from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import UserActor, actor_of, can, require
from tenants.accounts.console.forms import add_domain_error
from tenants.foundation.console import htmx_of, toast
from tenants.foundation.errors import DomainError, NotFound
from tenants.lifecycle.deletion.letters import request_of_token
from tenants.lifecycle.deletion.services import cancel_deletion, delete_own_company, grace_ends_at
from tenants.lifecycle.export.services import (
    download_own_export,
    export_own_company,
    file_name,
    own_export,
    own_exports,
)
from tenants.permissions import DELETE_COMPANY, EXPORT_COMPANY
from tenants.tenancy import atomic, current_tenant, outside_transaction

ZIP = "application/zip"


class DeletionForm(forms.Form):
    """Typing the company's address says that one means it."""

    confirm = forms.CharField(
        label=_("The company's address"), max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )  # fmt: skip


@login_required
@require_safe
def company_data(request: HttpRequest) -> HttpResponse:
    """The exports there are, a button for a new one, and the way out."""
    return _page(request, actor_of(request), DeletionForm(auto_id="deletion_%s"))


@login_required
@require_POST
def export_now(request: HttpRequest) -> HttpResponse:
    """Have everything written into an archive; the page shows how far it is."""
    export_own_company(actor=actor_of(request))
    back = HttpResponseRedirect(reverse("company:data"))
    return toast(request, back, gettext("The export is being made. You can go on working."))


@login_required
@never_cache
@outside_transaction
@require_safe
def download(request: HttpRequest, export_id: UUID) -> StreamingHttpResponse:
    """The archive, in parts and without a transaction: a slow line holds nothing up."""
    actor = actor_of(request)
    with atomic():
        require(actor, EXPORT_COMPANY)
    export = own_export(actor=actor, export_id=export_id)
    response = StreamingHttpResponse(download_own_export(actor=actor, export_id=export_id), content_type=ZIP)
    name = file_name(current_tenant().slug, export)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Content-Length"] = str(export.bytes)
    return response


@login_required
@outside_transaction
@require_POST
def delete(request: HttpRequest) -> HttpResponse:
    """Close the doors; who asked sees once more how to keep the company."""
    actor = actor_of(request)
    with atomic():
        require(actor, DELETE_COMPANY)
    form = DeletionForm(request.POST, auto_id="deletion_%s")
    asked = None
    if form.is_valid():
        try:
            asked = delete_own_company(actor=actor, confirm=form.cleaned_data["confirm"])
        except DomainError as error:
            add_domain_error(form, error)
    with atomic():
        if asked is None:
            return _page(request, actor, form)
        return render(request, "tenants/company_goes.html", {"delete_after": asked.delete_after})


@login_not_required
@never_cache
@outside_transaction
@require_http_methods(["GET", "HEAD", "POST"])
def keep(request: HttpRequest, token: str) -> HttpResponse:
    """What the link in the letter leads to: the company is kept when the button is pressed, not when a robot looks."""
    tenant, template = current_tenant(), "tenants/company_stays.html"
    try:
        found = request_of_token(token, tenant_id=tenant.id)
    except NotFound:
        return render(request, template, {"is_spent": True}, status=404)
    if request.method != "POST":
        return render(request, template, {"deletion": found})
    try:
        cancel_deletion(tenant_id=tenant.id, asked_by=gettext("An owner, by the link in the letter"))
    except DomainError as error:
        return render(request, template, {"problem": error.message}, status=409)
    return render(request, template, {"is_kept": True})


def _page(request: HttpRequest, actor: UserActor, form: DeletionForm) -> HttpResponse:
    exports = own_exports(actor=actor)
    context = {
        "exports": exports,
        "is_running": any(each.state == "running" for each in exports),
        "form": form,
        "may_delete": can(actor, DELETE_COMPANY),
        "delete_after": grace_ends_at(),
    }
    template = "tenants/company_data.html"
    fragment = "#exports" if htmx_of(request) else ""
    return render(request, f"{template}{fragment}", context, status=422 if form.errors else 200)
