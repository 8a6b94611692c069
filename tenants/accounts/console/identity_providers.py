"""Setting one provider up: our addresses and its own, the test, people and groups, and switching it on."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from tenants.accounts.access import UserActor, actor_of, require
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.identity_provider_forms import (
    OidcForm,
    PeopleForm,
    RulesForm,
    SamlForm,
)
from tenants.accounts.models import (
    ExternalIdentity,
    IdentityProvider,
    ProposedChange,
)
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.sso import provisioning, services, watching
from tenants.accounts.sso.addresses import (
    acs_url,
    backchannel_logout_uri,
    entity_id,
    redirect_uri,
    signed_out_uri,
    slo_url,
)
from tenants.accounts.sso.presets import PRESETS
from tenants.accounts.sso.saml.certificates import facts_of
from tenants.accounts.sso.saml.metadata import fetch_metadata
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError
from tenants.tenancy import atomic, outside_transaction


@login_required
@never_cache
@require_safe
def provider_page(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """One provider: our addresses, its side, the test, people, the rules."""
    actor = actor_of(request)
    require(actor, services.PERMISSION)
    return _page(request, actor, get_object_or_404(IdentityProvider, pk=provider_id))


@login_required
@sensitive_post_parameters("client_secret")
@outside_transaction
@require_POST
def change(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Save one of the forms of the page; metadata may have to be fetched first."""
    actor = actor_of(request)
    require(actor, services.PERMISSION)
    with atomic():
        provider = get_object_or_404(IdentityProvider, pk=provider_id)
    part = request.POST.get("part", "")
    if part in {"reread", "confirm"}:
        return _metadata(request, actor, provider, is_confirmed=part == "confirm")
    form = _form(part, provider, actor, request.POST)
    if form is None:
        with atomic():
            return _page(request, actor, provider, status=422)
    if form.is_valid():
        try:
            saved = _save(part, form.cleaned_data, provider, actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            with atomic():
                if isinstance(saved, ProposedChange):
                    return _waiting(request, saved)
                return _back(
                    request, provider, gettext("The set-up of %(name)s was saved.") % {"name": provider.name}
                )
    with atomic():
        return _page(request, actor, provider, bound={part: form}, status=422)


@login_required
@require_POST
def move(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Switch a provider to another state, or remove it."""
    actor = actor_of(request)
    require(actor, services.PERMISSION)
    provider = get_object_or_404(IdentityProvider, pk=provider_id)
    wanted = request.POST.get("state", "")
    try:
        if wanted == "deleted":
            services.delete_provider(provider=provider, actor=actor)
            gone = gettext("%(name)s was removed.") % {"name": provider.name}
            return toast(request, HttpResponseRedirect(reverse("accounts:identity_providers")), gone)
        if provider.state == IdentityProvider.State.ENFORCED and wanted == IdentityProvider.State.ACTIVE:
            stopped = services.stop_enforcing(provider=provider, actor=actor)
            if isinstance(stopped, ProposedChange):
                return _waiting(request, stopped)
        elif wanted == IdentityProvider.State.ACTIVE:
            switched = services.switch_on(provider=provider, actor=actor)
            if isinstance(switched, ProposedChange):
                return _waiting(request, switched)
        else:
            services.set_state(provider=provider, state=wanted, actor=actor)
    except ProofNeeded:
        raise
    except DomainError as error:
        return _page(request, actor, provider, problem=error.message, status=422)
    return _back(request, provider, gettext("The state of %(name)s was changed.") % {"name": provider.name})


def _metadata(
    request: HttpRequest, actor: UserActor, provider: IdentityProvider, *, is_confirmed: bool
) -> HttpResponse:
    """Read the metadata again, or let what was found count."""
    try:
        if is_confirmed:
            done = watching.confirm_metadata(provider=provider, actor=actor)
            if isinstance(done, ProposedChange):
                return _waiting(request, done)
            text = gettext("What the metadata says counts now. Test the sign-in.")
        else:
            done = watching.read_again(provider_id=provider.pk, actor=actor)
            text = gettext("The metadata was read: nothing has changed.")
            if done.metadata_found is not None:
                text = gettext("The metadata was read: it says something else now.")
    except ProofNeeded:
        raise
    except DomainError as error:
        with atomic():
            return _page(request, actor, provider, problem=error.message, status=422)
    with atomic():
        return _back(request, provider, text)


def _form(part: str, provider: IdentityProvider, actor: UserActor, data: Any) -> forms.Form | None:
    is_saml = provider.kind == IdentityProvider.Kind.SAML
    if part == "protocol":
        return SamlForm(data) if is_saml else OidcForm(data, provider=provider)
    if part == "people":
        return PeopleForm(data, provider=provider, actor=actor)
    return RulesForm(data) if part == "rules" else None


def _save(part: str, data: dict[str, Any], provider: IdentityProvider, actor: UserActor) -> object:
    if part == "rules":
        return services.set_group_rules(provider=provider, rules=data["rules"], actor=actor)
    if part == "people":
        change_ = services.ProviderChange(values=dict(data))
    elif provider.kind == IdentityProvider.Kind.SAML:
        url = data["metadata_url"]
        xml = fetch_metadata(url) if url else data["metadata"].encode("utf-8")
        change_ = services.ProviderChange(metadata=xml, metadata_url=url)
    else:
        secret = data.pop("client_secret")
        change_ = services.ProviderChange(values=dict(data), client_secret=secret or None)
    return services.change_provider(provider=provider, change=change_, actor=actor)


def _page(
    request: HttpRequest,
    actor: UserActor,
    provider: IdentityProvider,
    *,
    bound: dict[str, forms.Form] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    provider.refresh_from_db()
    is_saml = provider.kind == IdentityProvider.Kind.SAML
    shown = bound or {}
    saml = SamlForm(initial={"metadata_url": provider.metadata_url})
    context = {
        "provider": provider,
        "is_saml": is_saml,
        "preset": PRESETS[provider.preset],
        "entity_id": entity_id(provider) if is_saml else "",
        "acs_url": acs_url(provider) if is_saml else "",
        "slo_url": slo_url(provider) if is_saml else "",
        "redirect_uri": "" if is_saml else redirect_uri(provider),
        # Google and Microsoft have nothing to enter it into.
        "backchannel_logout_uri": backchannel_logout_uri(provider) if provider.preset == "oidc" else "",
        "signed_out_uri": signed_out_uri() if provider.kind == IdentityProvider.Kind.OIDC else "",
        "certificates": [facts_of(pem) for pem in provider.certificates],
        "differences": watching.differences(provider),
        "missing": services.what_is_missing(provider),
        "obstacles": services.what_stops_enforcing(provider),
        "protocol_form": shown.get("protocol")
        or (saml if is_saml else OidcForm(initial=_initial(provider), provider=provider)),
        "people_form": shown.get("people")
        or PeopleForm(initial=_initial(provider), provider=provider, actor=actor),
        "rules_form": shown.get("rules") or RulesForm(initial={"rules": _rules_text(provider)}),
        "identities": ExternalIdentity.objects.filter(provider=provider).count(),
        "changes": provisioning.would_change(provider),
        "problem": problem,
        "errors": [line for form in shown.values() for lines in form.errors.values() for line in lines],
    }
    return render(request, "accounts/identity_provider.html", context, status=status)


def _initial(provider: IdentityProvider) -> dict[str, Any]:
    names = (
        "name", "issuer", "organisation", "client_id", "email_attribute", "name_attribute", "groups_attribute",
        "provisions_users", "default_role", "allows_idp_initiated",
    )  # fmt: skip
    return {name: getattr(provider, name) for name in names}


def _rules_text(provider: IdentityProvider) -> str:
    return "\n".join(f"{rule.group_name} = {rule.role}" for rule in provider.group_rules.all())


def _waiting(request: HttpRequest, change_: ProposedChange) -> HttpResponse:
    address = reverse("accounts:change", args=[change_.pk])
    return toast(request, HttpResponseRedirect(address), gettext("This waits for a second person."))


def _back(request: HttpRequest, provider: IdentityProvider, text: str) -> HttpResponse:
    return toast(
        request, HttpResponseRedirect(reverse("accounts:identity_provider", args=[provider.pk])), text
    )
