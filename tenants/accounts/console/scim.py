"""Directories (SCIM): setting them up, which group gives which role, and what they were held from doing."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import actor_of
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.scim_forms import DirectoryForm, KeyForm, NewDirectoryForm, RolesForm
from tenants.accounts.models import EmailDomain, ScimDirectory, ScimToken
from tenants.accounts.scim import brake, directories, key_expiry, mapping, tokens
from tenants.accounts.scim.provisioning_log import visible_entries
from tenants.accounts.scim.resources import base_address
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError

_SHOWN_ENTRIES: Final = 20
_SHOWN_HELD: Final = 500


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """The company's directories, and a form for a new one."""
    actor = actor_of(request)
    rows = directories.visible_directories(actor=actor)
    form = NewDirectoryForm(request.POST or None, actor=actor)
    if request.method == "POST" and form.is_valid():
        try:
            made = directories.create_directory(actor=actor, **form.cleaned_data)
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return HttpResponseRedirect(reverse("accounts:scim_directory", args=[made.pk]))
    context = {
        "directories": [(row, _days_of_key(row)) for row in rows],
        "form": form,
        "has_domain": EmailDomain.objects.filter(state=EmailDomain.State.VERIFIED).exists(),
    }
    status = 422 if form.is_bound and not form.is_valid() else 200
    return render(request, "accounts/scim_directories.html", context, status=status)


@login_required
@never_cache
@require_safe
def directory_page(request: HttpRequest, directory_id: UUID) -> HttpResponse:
    """One directory with everything about it."""
    return _page(request, _directory(request, directory_id))


@login_required
@never_cache
@require_POST
def new_key(request: HttpRequest, directory_id: UUID) -> HttpResponse:
    """Make the directory's key and show it, this once."""
    directory = _directory(request, directory_id)
    form = KeyForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            issued = tokens.issue_scim_token(
                directory=directory,
                actor=actor_of(request),
                days=data["days"],
                overlap_hours=data["overlap_hours"],
                allowed_networks=data["allowed_networks"].splitlines(),
            )
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _page(request, directory, new_token=issued.token.reveal())
    return _page(request, directory, key_form=form, status=422)


@login_required
@require_POST
def revoke_key(request: HttpRequest, directory_id: UUID, token_id: UUID) -> HttpResponse:
    """Make a key worthless at once."""
    directory = _directory(request, directory_id)
    token = get_object_or_404(ScimToken.objects.filter(directory=directory), pk=token_id)
    tokens.revoke_scim_token(token=token, actor=actor_of(request))
    return _back(request, directory, gettext("The key is worth nothing any more."))


@login_required
@require_POST
def rules(request: HttpRequest, directory_id: UUID) -> HttpResponse:
    """Save the company's rules for a directory."""
    directory, actor = _directory(request, directory_id), actor_of(request)
    form = DirectoryForm(request.POST, actor=actor, directory=directory)
    if form.is_valid():
        try:
            directories.change_directory(directory=directory, actor=actor, change=form.change())
        except ProofNeeded:
            raise
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _back(request, directory, gettext("Saved."))
    return _page(request, directory, rules_form=form, status=422)


@login_required
@require_POST
def roles(request: HttpRequest, directory_id: UUID) -> HttpResponse:
    """Show what a mapping of groups to roles would mean; save it when that was seen and is wanted."""
    directory, actor = _directory(request, directory_id), actor_of(request)
    form = RolesForm(request.POST, actor=actor, groups=mapping.mapping_of(directory, actor=actor))
    if not form.is_valid():
        return _page(request, directory, roles_form=form, status=422)
    wanted = form.wanted()
    try:
        if request.POST.get("action") == "save":
            mapping.set_mapping(directory, wanted, actor=actor)
            return _back(request, directory, gettext("The groups give these roles now."))
        changes, total = mapping.would_change(directory, wanted, actor=actor)
    except ProofNeeded:
        raise
    except DomainError as error:
        add_domain_error(form, error)
        return _page(request, directory, roles_form=form, status=422)
    preview = {"changes": changes, "total": total, "groups": len(wanted)}
    return _page(request, directory, roles_form=form, preview=preview)


@login_required
@require_POST
def held(request: HttpRequest, directory_id: UUID) -> HttpResponse:
    """Shut held people out after all, or let them stay."""
    directory, actor = _directory(request, directory_id), actor_of(request)
    own = brake.visible_held(actor=actor).filter(directory=directory)
    asked = set(request.POST.getlist("held"))
    chosen = [row.pk for row in own if str(row.pk) in asked]
    if request.POST.get("decision") == "approve":
        count = brake.approve(held=chosen, actor=actor)
        text = ngettext("%(count)d person was shut out.", "%(count)d people were shut out.", count)
    else:
        count = brake.refuse(held=chosen, actor=actor)
        text = ngettext("%(count)d person stays.", "%(count)d people stay.", count)
    return _back(request, directory, text % {"count": count})


@login_required
@require_POST
def remove(request: HttpRequest, directory_id: UUID) -> HttpResponse:
    """Forget a directory; its people and groups stay."""
    directory = _directory(request, directory_id)
    directories.remove_directory(directory=directory, actor=actor_of(request))
    answer = HttpResponseRedirect(reverse("accounts:scim_directories"))
    return toast(request, answer, gettext("%(name)s is forgotten.") % {"name": directory.name})


def _directory(request: HttpRequest, number: UUID) -> ScimDirectory:
    return get_object_or_404(directories.visible_directories(actor=actor_of(request)), pk=number)


def _page(
    request: HttpRequest,
    directory: ScimDirectory,
    *,
    new_token: str = "",
    key_form: KeyForm | None = None,
    rules_form: DirectoryForm | None = None,
    roles_form: RolesForm | None = None,
    preview: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = actor_of(request)
    if roles_form is None:
        roles_form = RolesForm(actor=actor, groups=mapping.mapping_of(directory, actor=actor))
    people: int = getattr(directory, "active_count", 0)
    context = {
        "directory": directory,
        "base_url": base_address(),
        "new_token": new_token,
        "keys": list(ScimToken.objects.filter(directory=directory).select_related("created_by")[:10]),
        "key_days": _days_of_key(directory) if not new_token else None,
        "key_form": key_form or KeyForm(),
        "rules_form": rules_form or DirectoryForm(actor=actor, directory=directory),
        "roles_form": roles_form,
        "may_map": actor.holds("accounts.change_roles"),
        "preview": preview,
        "held": list(brake.visible_held(actor=actor).filter(directory=directory)[:_SHOWN_HELD]),
        "most_at_once": brake.most_at_once(directory, people),
        "entries": list(visible_entries(actor=actor, directory=directory)[:_SHOWN_ENTRIES]),
    }
    return render(request, "accounts/scim_directory.html", context, status=status)


def _days_of_key(directory: ScimDirectory) -> int | None:
    """How many days the directory's key is still good when that is to be pointed out, else None."""
    ends: datetime | None = getattr(directory, "key_expires_at", None)
    days = key_expiry.days_left(ends, timezone.now()) if ends is not None else None
    return days if days is not None and days <= max(key_expiry.WARN_DAYS) else None


def _back(request: HttpRequest, directory: ScimDirectory, text: str) -> HttpResponse:
    return toast(request, HttpResponseRedirect(reverse("accounts:scim_directory", args=[directory.pk])), text)
