"""Setting single sign-on up: providers, e-mail domains, the owners for an emergency, and the log."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import Role, UserActor, actor_of, require
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.identity_provider_forms import (
    NewProviderForm,
    OidcForm,
    PeopleForm,
    RulesForm,
    SamlForm,
)
from tenants.accounts.models import (
    BreakGlassOwner,
    EmailDomain,
    ExternalIdentity,
    IdentityProvider,
    ProposedChange,
)
from tenants.accounts.selectors import owners
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.sso import break_glass as emergency
from tenants.accounts.sso import domains, provisioning, services, watching
from tenants.accounts.sso.addresses import (
    acs_url,
    backchannel_logout_uri,
    entity_id,
    redirect_uri,
    signed_out_uri,
    slo_url,
)
from tenants.accounts.sso.log_words import OUTCOMES, TOPICS, topic_of
from tenants.accounts.sso.presets import PRESETS
from tenants.accounts.sso.saml.certificates import facts_of
from tenants.accounts.sso.saml.metadata import fetch_metadata
from tenants.accounts.sso.sso_log import visible_log
from tenants.foundation.console import toast
from tenants.foundation.errors import DomainError
from tenants.tenancy import atomic, outside_transaction

_PER_PAGE: Final = 50


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def overview(request: HttpRequest) -> HttpResponse:
    """Providers, domains, emergency owners; a POST begins a new provider."""
    actor = actor_of(request)
    require(actor, services.PERMISSION)
    form = NewProviderForm(request.POST or None, initial={"preset": "saml"})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.create_provider(preset=data["preset"], name=data["name"], actor=actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return HttpResponseRedirect(reverse("accounts:identity_provider", args=[made.pk]))
    return _overview(request, actor, form, status=422 if form.is_bound else 200)


def _overview(
    request: HttpRequest, actor: UserActor, form: NewProviderForm, *, status: int = 200, problem: str = ""
) -> HttpResponse:
    providers = list(IdentityProvider.objects.all())
    named = set(BreakGlassOwner.objects.values_list("user_id", flat=True))
    rows = [{"row": row, "record": domains.challenge(row)} for row in domains.visible_domains(actor=actor)]
    people = {binding.user.pk: binding.user for binding in owners().select_related("user") if binding.user}
    context = {
        "form": form,
        "presets": PRESETS.values(),
        "providers": providers,
        "offered": [each for each in providers if each.is_offered],
        "enforced": next((each for each in providers if each.state == "enforced"), None),
        "domains": rows,
        "owners": [{"user": each, "is_named": each.pk in named} for each in people.values()],
        "may_name": actor.role == Role.OWNER,
        "problem": problem,
    }
    return render(request, "accounts/identity_providers.html", context, status=status)


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


@login_required
@outside_transaction
@require_POST
def domain(request: HttpRequest) -> HttpResponse:
    """Add a domain, look its record up, have it captured, or give it up."""
    actor = actor_of(request)
    require(actor, services.PERMISSION)
    try:
        text = _domain(request, actor)
    except ProofNeeded:
        raise
    except DomainError as error:
        with atomic():
            return _overview(
                request, actor, NewProviderForm(initial={"preset": "saml"}), status=422, problem=error.message
            )
    with atomic():
        return toast(request, HttpResponseRedirect(reverse("accounts:identity_providers") + "#domains"), text)


@login_required
@require_POST
def break_glass(request: HttpRequest) -> HttpResponse:
    """Name the owners who may come in when the provider is down."""
    actor = actor_of(request)
    require(actor, services.PERMISSION)
    ids = [UUID(value) for value in request.POST.getlist("user") if _is_uuid(value)]
    try:
        emergency.name_break_glass(user_ids=ids, actor=actor)
    except ProofNeeded:
        raise
    except DomainError as error:
        return _overview(
            request, actor, NewProviderForm(initial={"preset": "saml"}), status=422, problem=error.message
        )
    back = HttpResponseRedirect(reverse("accounts:identity_providers"))
    return toast(request, back, gettext("The emergency owners were named."))


@login_required
@never_cache
@require_safe
def log_page(request: HttpRequest) -> HttpResponse:
    """What happened at single sign-on, newest first; one topic or one outcome of it when asked."""
    entries = visible_log(actor=actor_of(request))
    topic, outcome = topic_of(request.GET.get("about", "")), request.GET.get("outcome", "")
    chosen = {}
    if topic is not None:
        entries, chosen["about"] = entries.filter(topic.condition), topic.code
    if outcome in OUTCOMES:
        entries, chosen["outcome"] = entries.filter(outcome=outcome), outcome
    page = Paginator(entries, _PER_PAGE).get_page(request.GET.get("page"))
    asked = urlencode(chosen)
    context = {
        "page": page,
        "topics": TOPICS,
        "outcomes": OUTCOMES.items(),
        "asked": f"{asked}&" if asked else "",
    }
    return render(request, "accounts/sso_log.html", context | chosen)


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


def _domain(request: HttpRequest, actor: UserActor) -> str:
    action, given = request.POST.get("action", ""), request.POST.get("domain_id", "")
    if action == "add":
        made = domains.add_domain(domain=request.POST.get("domain", ""), actor=actor)
        return gettext("%(name)s was added. Its TXT record is still to be set.") % {"name": made.domain}
    with atomic():
        row = get_object_or_404(EmailDomain, pk=given if _is_uuid(given) else UUID(int=0))
    if action == "check":
        row = domains.check_domain(domain_id=row.pk, actor=actor)
        return row.problem or gettext("%(name)s is verified.") % {"name": row.domain}
    if action == "remove":
        domains.remove_domain(domain=row, actor=actor)
        return gettext("%(name)s was removed.") % {"name": row.domain}
    chosen = request.POST.get("provider", "")
    with atomic():
        provider = get_object_or_404(IdentityProvider, pk=chosen) if _is_uuid(chosen) else None
    domains.capture(domain=row, provider=provider, actor=actor)
    return gettext("The way of %(name)s was saved.") % {"name": row.domain}


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


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
