"""Single sign-on as a whole: the providers there are, e-mail domains, the owners for an emergency, and the log."""

from typing import Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants.accounts.access import Role, UserActor, actor_of, require
from tenants.accounts.console.forms import add_domain_error
from tenants.accounts.console.identity_provider_forms import (
    NewProviderForm,
)
from tenants.accounts.models import (
    BreakGlassOwner,
    EmailDomain,
    IdentityProvider,
)
from tenants.accounts.selectors import owners
from tenants.accounts.sessions.proof import ProofNeeded
from tenants.accounts.sso import break_glass as emergency
from tenants.accounts.sso import domains, services
from tenants.accounts.sso.log_words import OUTCOMES, TOPICS, topic_of
from tenants.accounts.sso.presets import PRESETS
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


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
