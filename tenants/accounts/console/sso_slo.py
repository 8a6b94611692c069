"""Single logout: where a provider sends people whom it signs out, and where they come back from it."""

from uuid import UUID

from allauth.account import views as allauth
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from tenants.accounts.console.sso_doors import note_refusal, refusal
from tenants.accounts.models import IdentityProvider
from tenants.accounts.sso import sso_log
from tenants.accounts.sso.addresses import canonical_host
from tenants.accounts.sso.oidc.backchannel import accept_logout_token
from tenants.accounts.sso.oidc.logout import end_session_address
from tenants.accounts.sso.reasons import SsoRefused
from tenants.accounts.sso.saml import logout
from tenants.accounts.sso.sign_in import SESSION_KEY
from tenants.accounts.sso.sso_log import visit_of
from tenants.foundation.errors import NotFound
from tenants.tenancy import atomic, outside_transaction
from tenants.tenancy.addresses import canonical_address


@login_not_required
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def slo(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Answer a provider's signed request to end sessions, or take its answer to ours. No cookie of ours is needed."""
    if request.get_host() != canonical_host():
        raise NotFound
    is_post = request.method == "POST"
    message = logout.LogoutMessage(
        fields=(request.POST if is_post else request.GET).dict(),
        raw_query=request.META.get("QUERY_STRING", ""),
        path=request.path,
        is_post=is_post,
    )
    try:
        with atomic():
            provider = logout.provider_for_logout(provider_id)
            if "SAMLRequest" not in message.fields:
                logout.check_logout_response(provider=provider, message=message)
                return HttpResponseRedirect(reverse("account_login"), status=303)
            done = logout.answer_logout_request(provider=provider, message=message)
            sso_log.note(
                event="logout",
                outcome=sso_log.Outcome.ACCEPTED,
                provider=provider,
                visit=visit_of(request),
                subject=done.name_id,
                detail=f"{done.sessions} sessions ended.",
            )
            return HttpResponseRedirect(done.address, status=303)
    except SsoRefused as refused:
        return refusal(request, refused, provider_id)


@login_not_required
@csrf_exempt  # the provider's server posts here, with no browser and no cookie: what it has signed is all that counts
@sensitive_post_parameters("logout_token")
@outside_transaction
@require_POST
def backchannel(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Take a provider's word, in a token it has signed, whose sign-ins are over (back-channel logout)."""
    with atomic():
        if request.get_host() != canonical_host():
            raise NotFound
    try:
        accept_logout_token(
            provider_id=provider_id, token=request.POST.get("logout_token", ""), visit=visit_of(request)
        )
    except SsoRefused as refused:
        with atomic():
            note_refusal(request, refused, provider_id, event="logout")
        answer: HttpResponse = JsonResponse({"error": "invalid_request"}, status=400)
    else:
        answer = HttpResponse()
    answer.headers["Cache-Control"] = "no-store"
    return answer


@never_cache
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """Sign out here, then offer the way to the provider's own sign-out: forms may lead to no other host."""
    if request.method != "POST":
        shown: HttpResponseBase = allauth.logout(request)
        return shown
    with atomic():
        left = logout.logout_address(request.session.session_key or "", request.path) or _at_openid(request)
    response: HttpResponseBase = allauth.logout(request)
    if left is None:
        return response
    address, provider = left
    return render(request, "accounts/sso_signed_out.html", {"address": address, "provider": provider})


@login_not_required
@never_cache
@outside_transaction
@require_GET
def end_session(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Lead to an OpenID Connect provider's own sign-out, which asks whether one means it."""
    with atomic():
        if request.get_host() != canonical_host():
            raise NotFound
    try:
        return HttpResponseRedirect(end_session_address(provider_id))
    except SsoRefused as refused:
        return refusal(request, refused, provider_id)


def _at_openid(request: HttpRequest) -> tuple[str, IdentityProvider] | None:
    """The way to the sign-out of the OpenID Connect provider by which somebody came, if it has one."""
    came_by = request.session.get(SESSION_KEY) or {}
    if not came_by.get("ends_sessions"):
        return None
    provider = IdentityProvider.objects.filter(pk=came_by["provider"]).first()
    if provider is None or not provider.is_offered:
        return None
    return canonical_address(reverse("sso:end_session", args=[provider.pk])), provider
