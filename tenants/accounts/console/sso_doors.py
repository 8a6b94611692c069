"""The doors of single sign-on: away to a provider and back. What is refused is told to the company's log only."""

from typing import Final
from uuid import UUID

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.core import context as allauth_context
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.accounts.access import UserActor, can
from tenants.accounts.console import sso_handover
from tenants.accounts.keyed_hashes import random_secret
from tenants.accounts.models import IdentityProvider, PendingSignIn, User
from tenants.accounts.sso import pending, sign_in, sso_log, trials
from tenants.accounts.sso.addresses import canonical_host
from tenants.accounts.sso.domains import provider_for_address
from tenants.accounts.sso.oidc import flow
from tenants.accounts.sso.reasons import Reason, SsoRefused
from tenants.accounts.sso.saml.metadata import our_metadata
from tenants.accounts.sso.sso_log import visit_of
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic, outside_transaction

BACKEND: Final = "tenants.accounts.backends.EmailBackend"
_COOKIE_SECONDS: Final = 600


def _cookie_name() -> str:
    # The prefix makes the browser refuse a cookie another host of the same domain has planted.
    return "__Host-sso" if settings.SESSION_COOKIE_SECURE else "sso"


@login_not_required
@never_cache
@outside_transaction
@require_GET
def start(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Leave for a provider; for its testers with `test` set. From a domain of one's own by the canonical host."""
    with atomic():
        is_known = IdentityProvider.objects.filter(pk=provider_id).exists()
        # One that is not there is refused here: nobody is sent to another host for nothing.
        if is_known and request.get_host() != canonical_host():
            hint = request.GET.get("hint", "")[:254]
            return sso_handover.set_out(request, provider_id, next_path=_next(request), hint=hint)
    tester = _tester(request)
    return _leave(request, provider_id, tester=_user(tester))


@login_not_required
@never_cache
@outside_transaction
@require_GET
def trial(request: HttpRequest, provider_id: UUID, secret: str) -> HttpResponse:
    """Leave for a provider to try it, with a link a program asked for; nobody is signed in here by it."""
    with atomic():
        if request.get_host() != canonical_host():
            raise NotFound
    try:
        tester = trials.open_trial_link(provider_id=provider_id, secret=secret)
    except SsoRefused as refused:
        return refusal(request, refused, provider_id, is_test=True)
    return _leave(request, provider_id, tester=tester, is_by_link=True)


def _leave(
    request: HttpRequest, provider_id: UUID, *, tester: User | None, is_by_link: bool = False
) -> HttpResponse:
    browser = random_secret()
    hint = request.GET.get("hint", "")[:254]
    try:
        with atomic():
            kind = IdentityProvider.objects.filter(pk=provider_id).values_list("kind", flat=True).first()
        if kind == IdentityProvider.Kind.SAML:
            address = sign_in.start_saml(
                provider_id=provider_id, browser=browser, next_path=_next(request), tester=tester,
                is_by_link=is_by_link,
            )  # fmt: skip
        else:
            address = flow.start(
                provider_id=provider_id, browser=browser, next_path=_next(request), tester=tester,
                is_by_link=is_by_link, hint=hint,
            )  # fmt: skip
    except SsoRefused as refused:
        return refusal(request, refused, provider_id, is_test=tester is not None)
    response = HttpResponseRedirect(address)
    response.set_cookie(
        _cookie_name(), browser, max_age=_COOKIE_SECONDS, httponly=True, samesite="Lax", path="/",
        secure=bool(settings.SESSION_COOKIE_SECURE),
    )  # fmt: skip
    return response


@login_not_required
@csrf_exempt
@never_cache
@sensitive_post_parameters("SAMLResponse")
@require_POST
def saml_acs(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Where a SAML provider has the browser post its response: no cookie of ours comes along here."""
    if request.get_host() != canonical_host():
        raise NotFound
    try:
        state = sign_in.accept_saml(
            provider_id=provider_id,
            text=request.POST.get("SAMLResponse", ""),
            relay_state=request.POST.get("RelayState", ""),
            path=request.path,
            browser="",
        )
    except SsoRefused as refused:
        return refusal(request, refused, provider_id)
    # The next request is the browser's own: its cookies come along, and the response is kept nowhere.
    return HttpResponseRedirect(f"{reverse('sso:finish')}?state={state}", status=303)


@login_not_required
@never_cache
@outside_transaction
@require_GET
def oidc_callback(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Where an OpenID Connect provider sends the browser back to."""
    with atomic():
        if request.get_host() != canonical_host():
            raise NotFound
    try:
        state = flow.accept(
            provider_id=provider_id, query=request.GET.dict(), browser=request.COOKIES.get(_cookie_name(), "")
        )
    except SsoRefused as refused:
        return refusal(request, refused, provider_id)
    return HttpResponseRedirect(f"{reverse('sso:finish')}?state={state}")


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def finish(request: HttpRequest) -> HttpResponseBase:
    """Sign the person in whose answer was believed. One that nobody began here is confirmed by hand first."""
    state = (request.POST if request.method == "POST" else request.GET).get("state", "")
    provider_id: UUID | None = None
    try:
        with atomic():
            row = pending.answered(state=state)
            provider_id = row.provider_id
            if row.is_unsolicited:
                if request.method != "POST":
                    return _confirm(request, row, state)
            else:
                pending.check_browser(row, request.COOKIES.get(_cookie_name(), ""))
            if row.is_test:
                return _finish_test(request, row)
            return _let_in(request, row)
    except SsoRefused as refused:
        return refusal(request, refused, provider_id)


def refusal(
    request: HttpRequest, refused: SsoRefused, provider_id: UUID | None, *, is_test: bool = False
) -> HttpResponse:
    """The same page whatever the reason, and the reason in the company's log."""
    with atomic():
        note_refusal(request, refused, provider_id, is_test=is_test)
        actor = getattr(request, "actor", None)
        context = {"may_see_log": actor is not None and can(actor, "accounts.manage_sso")}
        return render(request, "accounts/sso_refused.html", context, status=400)


@atomic
def note_refusal(
    request: HttpRequest,
    refused: SsoRefused,
    provider_id: UUID | None,
    *,
    event: str = "sign_in",
    is_test: bool = False,
) -> None:
    """Write the reason into the company's log."""
    provider = IdentityProvider.objects.filter(pk=provider_id).first() if provider_id else None
    sso_log.note(
        event=event,
        outcome=sso_log.Outcome.REFUSED,
        provider=provider,
        refused=refused,
        visit=visit_of(request),
        is_test=is_test,
    )


@login_not_required
@never_cache
@require_GET
def saml_metadata(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Our metadata towards one provider: public, as it is meant to be fetched by the provider."""
    provider = IdentityProvider.objects.filter(pk=provider_id, kind=IdentityProvider.Kind.SAML).first()
    if provider is None or request.get_host() != canonical_host():
        raise NotFound
    return HttpResponse(our_metadata(provider), content_type="application/samlmetadata+xml")


@login_not_required
@never_cache
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Send somebody to the provider of their address; a page in between, as forms may lead nowhere else."""
    email = request.POST.get("email", "")[:254]
    provider = provider_for_address(email) if "@" in email else None
    address = reverse("sso:start", args=[provider.pk]) if provider else ""
    context = {"provider": provider, "address": address, "email": email, "next": _next(request)}
    return render(request, "accounts/sso_find.html", context)


def _confirm(request: HttpRequest, row: PendingSignIn, state: str) -> HttpResponse:
    claims = pending.claims_in(row)
    context = {"state": state, "who": claims.email or claims.subject, "provider": row.provider}
    return render(request, "accounts/sso_confirm.html", context)


def _finish_test(request: HttpRequest, row: PendingSignIn) -> HttpResponse:
    here = _tester(request, is_back=True)
    claims, is_by_link = pending.claims_in(row), row.is_by_link
    tested = trials.finish_test(row, _user(here))
    sso_log.note(
        event="sign_in",
        outcome=sso_log.Outcome.ACCEPTED,
        provider=tested.provider,
        visit=visit_of(request),
        user=tested.provider.tested_by,
        subject=claims.subject,
        detail=f"Test: grade {tested.grade}",
        is_test=True,
    )
    if is_by_link:
        return render(request, "accounts/sso_tested.html", {"provider": tested.provider})
    return redirect("accounts:identity_provider", provider_id=tested.provider.pk)


def _let_in(request: HttpRequest, row: PendingSignIn) -> HttpResponseBase:
    provider, next_path = row.provider, row.next_path
    if not provider.is_offered:
        raise SsoRefused(Reason.NOT_OFFERED)
    arrival, claims = sign_in.finish(row)
    sso_log.note(
        event="sign_in",
        outcome=sso_log.Outcome.ACCEPTED,
        provider=provider,
        visit=visit_of(request),
        user=arrival.user,
        subject=claims.subject,
        detail="A new account was made." if arrival.is_new_user else "",
    )
    for withheld in arrival.withheld:
        sso_log.note(
            event="role.withheld",
            outcome=sso_log.Outcome.REFUSED,
            provider=provider,
            visit=visit_of(request),
            user=arrival.user,
            refused=SsoRefused(Reason.SEPARATION, str(withheld), subject=claims.subject),
        )
    # Whoever else was signed in on this browser is not the person who comes now.
    request.session.flush()
    user = arrival.user
    setattr(user, "backend", BACKEND)  # noqa: B010 - allauth looks for it there
    request.session[sign_in.SESSION_KEY] = {
        "identity": str(arrival.identity.pk),
        "provider": str(provider.pk),
        "format": claims.name_id_format,
        "index": claims.session_index,
        "kind": provider.kind,
        "ends_sessions": claims.evidence.get("ends_sessions") is True,
    }
    with allauth_context.request_context(request):
        record_authentication(request, user, method="sso", provider=str(provider.pk))
        response: HttpResponseBase = perform_login(request, Login(user=user, redirect_url=next_path or "/"))
    response.delete_cookie(_cookie_name()) if isinstance(response, HttpResponse) else None
    return response


def _tester(request: HttpRequest, *, is_back: bool = False) -> UserActor | None:
    actor = getattr(request, "actor", None)
    is_test = is_back or request.GET.get("test") == "1"
    return actor if is_test and isinstance(actor, UserActor) and can(actor, "accounts.manage_sso") else None


def _user(tester: UserActor | None) -> User | None:
    return tester.user if tester else None


def _next(request: HttpRequest) -> str:
    path = request.GET.get("next") or request.POST.get("next") or ""
    is_ours = path.startswith("/") and url_has_allowed_host_and_scheme(
        path, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return path if is_ours else ""
